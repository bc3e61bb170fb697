"""The scripts of the migrations, as Alembic reads them."""

from pathlib import Path

import pytest
from alembic.script import ScriptDirectory

from metacore.postgres.schema.revisions import head_revision, migrations_directory, revisions

SCRIPTS = ScriptDirectory(str(migrations_directory()))


def test_they_are_one_line():
    assert SCRIPTS.get_heads() == [head_revision()]
    assert [script.revision for script in SCRIPTS.walk_revisions()] == list(revisions())[::-1]


@pytest.mark.parametrize("revision", revisions())
def test_each_says_what_it_is_about_and_who_can_work_with_it(revision):
    script = SCRIPTS.get_revision(revision)
    assert script.doc.endswith(".")
    assert script.module.compatible_from in revisions()
    assert script.module.compatible_from <= revision


@pytest.mark.parametrize("revision", revisions())
def test_each_imports_nothing_of_ours_so_that_it_stays_what_it_was(revision):
    lines = Path(SCRIPTS.get_revision(revision).path).read_text(encoding="utf-8").splitlines()
    assert [line for line in lines if line.startswith(("from ", "import "))] == ["from alembic import op"]
