"""The command line: what it prints, and how it exits."""

import json
import subprocess
import sys
import tomllib
from pathlib import Path

import psycopg
import pytest
from typer.testing import CliRunner

import metacore
from metacore.cli import main
from metacore.cli.app import app
from metacore.postgres import EmbeddedPostgres
from metacore.postgres.schema.revisions import head_revision, revisions

DONE, NOT_AS_NEEDED, WRONG_USAGE, FAILED = 0, 1, 2, 3


@pytest.fixture(scope="module")
def server():
    with EmbeddedPostgres() as running:
        yield running


@pytest.fixture
def url(server):
    with psycopg.connect(server.url, autocommit=True) as admin:
        admin.execute("CREATE DATABASE commands")
        yield server.url.replace("/postgres?", "/commands?")
        admin.execute("DROP DATABASE commands WITH (FORCE)")


def run(*arguments, expected=DONE, **environment):
    """What the command printed, on both streams, after it exited with the code that is expected."""
    environment = {"COLUMNS": "120", "METACORE_URL": None, "METACORE_SCHEMA": None, **environment}
    result = CliRunner().invoke(app, list(arguments), env=environment)
    assert result.exit_code == expected, result.output
    assert "Traceback" not in result.output
    return result.output


def test_a_schema_from_the_beginning_to_the_end(url):
    assert "is not deployed" in run("status", "--url", url, expected=NOT_AS_NEEDED)
    assert "metacore deploy" in run("check", "--url", url, expected=NOT_AS_NEEDED)
    deployed = run("deploy", "--url", url)
    assert all(revision in deployed and about in deployed for revision, about in revisions().items())
    assert f"brought to revision {head_revision()}" in deployed
    assert "was up to date" in run("deploy", "--url", url)
    assert "pending" not in run("status", "--url", url)
    assert "exactly what this release needs" in run("check", "--url", url)
    nothing = {"schema": "metacore", "drifts": [], "keys": {}}
    assert json.loads(run("check", "--url", url, "--json")) == nothing
    undone = run("downgrade", "0001", "--url", url)
    assert "0002" in undone
    assert "is at revision 0001" in undone
    behind = run("status", "--url", url, expected=NOT_AS_NEEDED)
    assert "pending" in behind
    assert "applied" in behind
    assert "is at revision base" in run("downgrade", "base", "--url", url)


def test_a_wrong_variable_is_named(url):
    printed = run("status", "--url", url, METACORE_LOCK_TIMEOUT="soon", expected=WRONG_USAGE)
    assert "METACORE_LOCK_TIMEOUT" in printed
    assert "soon" not in printed


def test_url_and_schema_may_come_from_the_environment(url):
    assert 'The schema "elsewhere"' in run("deploy", METACORE_URL=url, METACORE_SCHEMA="elsewhere")
    assert "up to date" in run("status", "--url", url, "--schema", "elsewhere")


def test_an_index_of_ones_own_may_be_allowed_unless_it_is_unique(url):
    run("deploy", "--url", url)
    with psycopg.connect(url) as connection:
        connection.execute("CREATE INDEX by_day ON metacore.orders (created_at)")
    assert "by_day" in run("check", "--url", url, expected=NOT_AS_NEEDED)
    assert "exactly" in run("check", "--url", url, "--allow-index", "other", "--allow-index", "by_day")
    with psycopg.connect(url) as connection:
        connection.execute("DROP INDEX metacore.by_day; CREATE UNIQUE INDEX by_day ON metacore.orders (created_at)")
    assert "UNIQUE" in run("check", "--url", url, "--allow-index", "by_day", expected=NOT_AS_NEEDED)


def test_the_error_of_a_url_of_sqlalchemys_says_what_to_write(url):
    printed = run("status", "--url", url.replace("://", "+psycopg://", 1), expected=WRONG_USAGE)
    assert "write postgresql:// in place of postgresql+...://" in printed


def test_drift_is_shown(url):
    run("deploy", "--url", url)
    with psycopg.connect(url) as connection:
        connection.execute("ALTER TABLE metacore.users ALTER version TYPE integer, ADD note text")
    shown = run("check", "--url", url, expected=NOT_AS_NEEDED)
    for text in ("DIFFERENT", "users.version", "bigint NOT NULL", "integer NOT NULL", "UNEXPECTED", "users.note"):
        assert text in shown
    assert "2 differences" in shown
    drifts = json.loads(run("check", "--url", url, "--json", expected=NOT_AS_NEEDED))["drifts"]
    assert [(drift["kind"], drift["name"], drift["expected"]) for drift in drifts if drift["kind"] == "UNEXPECTED"] == [
        ("UNEXPECTED", "users.note", None)
    ]


def test_the_printed_script_deploys(url, server):
    script = run("sql", "--url", "postgresql://nowhere.invalid/none")
    psql = [server.bin_path / "psql", url, "-X", "-q", "-v", "ON_ERROR_STOP=1"]
    subprocess.run(psql, input=script, check=True, capture_output=True, text=True, timeout=60)
    assert "exactly what this release needs" in run("check", "--url", url)


def test_the_printed_script_may_start_later():
    script = run("sql", "--from", "0001")
    assert "users (" not in script.partition("CREATE TABLE")[2].partition(")")[0]
    assert "CREATE TABLE" in script
    assert "base, 0001" in run("sql", "--from", "1", expected=WRONG_USAGE)


def test_a_role_gets_its_rights(url):
    with psycopg.connect(url, autocommit=True) as admin:
        admin.execute("CREATE ROLE services")
        try:
            assert 'The role "services"' in run("deploy", "--url", url, "--app-role", "services")
            row = admin.execute(
                "SELECT has_table_privilege('services', 'metacore.balance_entries', 'UPDATE'),"
                " has_table_privilege('services', 'metacore.balance_entries', 'INSERT')"
            ).fetchone()
            assert row == (False, True)
        finally:
            admin.execute("DROP OWNED BY services; DROP ROLE services")
    assert "CREATE ROLE" in run("deploy", "--url", url, "--app-role", "services", expected=WRONG_USAGE)


def test_a_role_gets_nothing_from_an_older_release(url):
    with psycopg.connect(url, autocommit=True) as admin:
        admin.execute("CREATE ROLE services")
        try:
            run("deploy", "--url", url)
            admin.execute("UPDATE metacore.alembic_version SET version_num = '9999'")
            admin.execute("COMMENT ON TABLE metacore.alembic_version IS 'metacore revision 9999, compatible from 0001'")
            printed = run("deploy", "--url", url, "--app-role", "services", expected=NOT_AS_NEEDED)
            assert "nothing was granted" in printed
            assert "has the rights" not in printed
        finally:
            admin.execute("DROP ROLE services")


@pytest.mark.parametrize("command", ["deploy", "status", "check", "downgrade"])
def test_wrong_usage(command):
    argument = ["base"] if command == "downgrade" else []
    assert "METACORE_URL" in run(command, *argument, expected=WRONG_USAGE)
    assert "postgresql://user:password@host" in run(
        command, *argument, "--url", "postgresql://a:c4n4ry%zz@b/c", expected=WRONG_USAGE
    )
    run(command, *argument, "--schema", "pg_mine", "--url", "postgresql://b/c", expected=WRONG_USAGE)


@pytest.mark.parametrize("command", ["deploy", "status", "check"])
def test_a_server_that_is_not_there(command):
    shown = run(command, "--url", "postgresql://a:c4n4ry@localhost:1/c", expected=FAILED)
    assert "cannot connect" in shown
    assert "c4n4ry" not in shown


def test_no_command_shows_them_all():
    shown = run(expected=WRONG_USAGE)
    assert all(command in shown for command in ("deploy", "status", "check", "sql", "downgrade", "Exit codes"))


def test_the_version_is_that_of_the_project():
    project = tomllib.loads((Path(__file__).parents[1] / "pyproject.toml").read_text())["project"]
    assert run("--version") == f"metacore {metacore.__version__}\n" == f"metacore {project['version']}\n"


def test_python_runs_the_package_as_the_command():
    command = [sys.executable, "-m", "metacore", "--nonsense"]
    result = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert (result.returncode, result.stdout) == (WRONG_USAGE, "")
    assert "--nonsense" in result.stderr


@pytest.fixture
def main_without(monkeypatch):
    """What the script runs, where a module cannot be imported."""

    def run(module):
        for loaded in ("metacore.cli.app", "metacore.cli.output"):
            monkeypatch.delitem(sys.modules, loaded)
        monkeypatch.setitem(sys.modules, module, None)
        main()

    return run


@pytest.mark.parametrize("missing", ["typer", "rich"])
def test_without_the_extra_it_says_how_to_install_it(main_without, capsys, missing):
    with pytest.raises(SystemExit) as ended:
        main_without(missing)
    assert ended.value.code == WRONG_USAGE
    assert capsys.readouterr().err == "The command line needs an extra; run: pip install 'metacore[cli]'\n"


def test_another_missing_module_is_not_hidden(main_without):
    with pytest.raises(ModuleNotFoundError, match=r"import of metacore\.wording halted"):
        main_without("metacore.wording")
