"""Who can hold up a deployment: nobody without a right on the schema."""

from collections.abc import Callable
from contextlib import ExitStack

import psycopg
import pytest

from metacore import LockTimeoutError, Settings
from metacore.postgres import SchemaDeployer
from metacore.postgres.schema.revisions import BASE, revisions

ALL = tuple(revisions())


@pytest.fixture
def hasty(server, schema, mocker) -> SchemaDeployer:
    mocker.patch("metacore.postgres.schema.deployer._TURN_TIMEOUT", 0.01)
    return SchemaDeployer(server.url, schema, settings=Settings(lock_timeout=0.2))


NOT_THEIRS = (
    "SELECT pg_advisory_xact_lock(hashtextextended('metacore schema {schema}', 0))",
    "SAVEPOINT s; COMMENT ON SCHEMA {schema} IS 'mine'",
    "SAVEPOINT s; LOCK TABLE {schema}.alembic_version IN ACCESS SHARE MODE",
    "SAVEPOINT s; ALTER SCHEMA {schema} RENAME TO mine",
    "SAVEPOINT s; DROP SCHEMA {schema} CASCADE",
    "SAVEPOINT s; CREATE TABLE {schema}.mine (id int)",
)


@pytest.mark.parametrize("stranger", [True, False])
def test_a_role_without_rights_on_the_schema_holds_nobody_up(
    hasty: SchemaDeployer, schema: str, make_role: Callable[..., str], url_of: Callable[[str], str], stranger: bool
) -> None:
    """Neither a stranger nor the role of a service, by what it may not touch; each stays in its transaction."""
    role = make_role()
    hasty.deploy(app_role=None if stranger else role)
    hasty.downgrade(ALL[0])
    with ExitStack() as stack:
        for statement in NOT_THEIRS:
            connection = stack.enter_context(psycopg.connect(url_of(role)))
            for part in statement.format(schema=schema).split("; "):
                try:
                    connection.execute(part.encode())
                except psycopg.errors.InsufficientPrivilege:
                    connection.execute("ROLLBACK TO SAVEPOINT s")
        assert hasty.deploy() == ALL[1:]


def test_a_time_out_names_who_holds_it(hasty: SchemaDeployer, server, schema: str) -> None:
    hasty.deploy()
    url = f"{server.url}&application_name=the%20other"
    for statement in (f"COMMENT ON SCHEMA {schema} IS 'held'", f"LOCK TABLE {schema}.users IN SHARE MODE"):
        with psycopg.connect(url) as other:
            other.execute(statement.encode())
            with pytest.raises(LockTimeoutError, match=rf"postgres \(process {other.info.backend_pid}, 'the other'\)"):
                hasty.downgrade(BASE)


def test_the_comment_of_a_schema_stays(hasty: SchemaDeployer, admin: psycopg.Connection, schema: str) -> None:
    admin.execute(f"CREATE SCHEMA {schema}; COMMENT ON SCHEMA {schema} IS 'it''s ours %s'".encode())
    hasty.deploy()
    row = admin.execute("SELECT obj_description(%s::regnamespace)", [schema]).fetchone()
    assert row == ("it's ours %s",)
