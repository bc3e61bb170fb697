"""What an operator may not have meant is asked on a terminal, and refused where nobody can be asked."""

import os
import pty

import psycopg
import pytest
from typer.testing import CliRunner

from metacore import NewUser
from metacore.cli.app import app
from metacore.postgres import EmbeddedPostgres, SchemaDeployer
from metacore.postgres.schema.revisions import head_revision
from metacore.sync import connect
from tests.commands import end, start

WRONG_USAGE = 2


@pytest.fixture(scope="module")
def server():
    with EmbeddedPostgres() as running:
        yield running


@pytest.fixture
def url(server):
    with psycopg.connect(server.url, autocommit=True) as admin:
        admin.execute("CREATE DATABASE careless")
        yield server.url.replace("/postgres?", "/careless?")
        admin.execute("DROP DATABASE careless WITH (FORCE)")


def run(*arguments, expected=0):
    result = CliRunner().invoke(app, list(arguments), env={"COLUMNS": "120"})
    assert result.exit_code == expected, result.output
    return result.output


@pytest.fixture
def on_a_terminal(tmp_path):
    """What the command printed, and its exit code, where a terminal gives an answer."""

    def run(answer, *arguments):
        parent, child = pty.openpty()
        os.write(parent, answer.encode() + b"\n")
        code = end(start(arguments, stdin=child, stdout=tmp_path / "told"))
        os.close(parent)
        os.close(child)
        return (tmp_path / "told").read_text(), code

    return run


def fill(url):
    SchemaDeployer(url).deploy()
    with connect(url) as storage:
        storage.users.create(NewUser())
        storage.users.create(NewUser())


def test_a_downgrade_that_deletes_rows_is_refused_without_yes(url, on_a_terminal):
    fill(url)
    printed = run("downgrade", "base", "--url", url, expected=WRONG_USAGE)
    assert "users" in printed
    assert " 2 " in printed
    assert "--yes" in printed
    assert SchemaDeployer(url).status().revision == head_revision()
    printed, code = on_a_terminal("n", "downgrade", "base", "--url", url)
    assert ("Nothing was changed" in printed, code) == (True, WRONG_USAGE)
    assert SchemaDeployer(url).status().revision == head_revision()
    printed, code = on_a_terminal("y", "downgrade", "base", "--url", url)
    assert ("is at revision base" in printed, code) == (True, 0)


def test_yes_says_so_beforehand(url):
    fill(url)
    assert "is at revision base" in run("downgrade", "base", "--yes", "--url", url)


def test_a_downgrade_of_empty_tables_needs_no_consent(url):
    SchemaDeployer(url).deploy()
    assert "is at revision base" in run("downgrade", "base", "--url", url)


def test_a_second_schema_is_asked_for(url, on_a_terminal):
    assert "brought to revision" in run("deploy", "--url", url)
    printed = run("deploy", "--url", url, "--schema", "metacroe", expected=WRONG_USAGE)
    assert '"metacore"' in printed
    assert "--create-schema" in printed
    assert SchemaDeployer(url, "metacroe").status().revision is None
    printed, code = on_a_terminal("n", "deploy", "--url", url, "--schema", "metacroe")
    assert ("Nothing was changed" in printed, code) == (True, WRONG_USAGE)
    assert "brought to revision" in run("deploy", "--url", url, "--schema", "metacroe", "--create-schema")
    assert "was up to date" in run("deploy", "--url", url, "--schema", "metacroe")
