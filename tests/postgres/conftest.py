"""A server of each supported version, and in it a schema of its own for each test."""

import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from uuid import uuid4

import psycopg
import pytest
from psycopg import sql

from metacore.postgres import EmbeddedPostgres, SchemaDeployer


@pytest.fixture(scope="session")
def server_16() -> Iterator[EmbeddedPostgres]:
    with EmbeddedPostgres(version=16) as running:
        yield running


@pytest.fixture(scope="session")
def server_18() -> Iterator[EmbeddedPostgres]:
    with EmbeddedPostgres(version=18) as running:
        yield running


@pytest.fixture(scope="session", params=[16, 18])
def server(request: pytest.FixtureRequest) -> EmbeddedPostgres:
    # Each lives to the end, whichever is asked for next.
    running: EmbeddedPostgres = request.getfixturevalue(f"server_{request.param}")
    return running


@pytest.fixture
def admin(server: EmbeddedPostgres) -> Iterator[psycopg.Connection]:
    """A superuser's connection, in autocommit."""
    with psycopg.connect(server.url, autocommit=True) as connection:
        yield connection


@pytest.fixture
def schema(admin: psycopg.Connection) -> Iterator[str]:
    """The name of a schema that does not exist yet, and is gone after the test."""
    name = f"test_{uuid4().hex}"
    yield name
    admin.execute(sql.SQL("DROP SCHEMA IF EXISTS {} CASCADE").format(sql.Identifier(name)))


@pytest.fixture
def deployer(server: EmbeddedPostgres, schema: str) -> SchemaDeployer:
    return SchemaDeployer(server.url, schema)


@pytest.fixture
def make_role(admin: psycopg.Connection) -> Iterator[Callable[..., str]]:
    """A function that makes a role and returns its name; the roles are gone after the test, with what they own."""
    roles = []

    def make(prefix: str = "role_", options: str = "") -> str:
        roles.append(prefix + uuid4().hex[:8])
        admin.execute(f"CREATE ROLE {sql.Identifier(roles[-1]).as_string()} LOGIN {options}")
        return roles[-1]

    yield make
    for role in roles:
        admin.execute(sql.SQL("DROP OWNED BY {0} CASCADE").format(sql.Identifier(role)))
        admin.execute(sql.SQL("DROP ROLE {0}").format(sql.Identifier(role)))


@pytest.fixture
def url_of(server: EmbeddedPostgres) -> Callable[[str], str]:
    """A function that gives the URL of the server for a role."""
    return lambda role: psycopg.conninfo.make_conninfo(server.url, user=role)


@pytest.fixture
def place(monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A directory that is also the place of temporary servers.

    Not `tmp_path`: other sessions of pytest close the directories above it to all but their user, at any time.
    """
    with tempfile.TemporaryDirectory(prefix="metacore-test-") as directory:
        monkeypatch.setattr(tempfile, "tempdir", directory)
        monkeypatch.setenv("TMPDIR", directory)
        yield Path(directory).resolve()
