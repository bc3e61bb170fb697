"""PostgreSQL databases for tests: each a clone of one template with the schema deployed."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, LiteralString, Self
from urllib.parse import urlsplit
from uuid import uuid4

import psycopg
from psycopg import sql

from metacore.errors import ConfigurationError
from metacore.postgres import EmbeddedPostgres, SchemaDeployer
from metacore.postgres.client.connections import check_version, parse_url
from metacore.postgres.client.errors import unreachable
from metacore.postgres.tables import METADATA

URL_VARIABLE = "METACORE_TEST_URL"
"""Names the server to be used in place of an embedded one; its role must be allowed to create databases."""


@contextmanager
def server(version: int | None = None) -> Iterator[str]:
    """The URL of a PostgreSQL server: the one that METACORE_TEST_URL names or, without it, an embedded one."""
    if url := os.environ.get(URL_VARIABLE):
        require_usable(url)
        yield url
    else:
        with EmbeddedPostgres(version=version) as embedded:
            yield embedded.url


def require_usable(url: str) -> None:
    """ConfigurationError, which says why, if no databases can be made on the server of `url`."""
    parameters: dict[str, Any] = {}
    try:
        parameters = parse_url(url)
        with psycopg.connect(url, autocommit=True, connect_timeout=10) as connection:
            check_version(connection)
            row = connection.execute(_MAY_CREATE).fetchone()
    except psycopg.Error as error:
        flaw = unreachable(error, parameters).message
    except ConfigurationError as error:
        flaw = error.message
    else:
        if row == (True,):
            return
        flaw = "its role may not create databases; run: ALTER ROLE ... CREATEDB, or name another role"
    raise ConfigurationError(
        f"the server that {URL_VARIABLE} names cannot be used for tests: {flaw}. Without the variable an embedded"
        " server is started",
        setting=URL_VARIABLE,
    )


_MAY_CREATE = "SELECT rolcreatedb OR rolsuper FROM pg_catalog.pg_roles WHERE rolname = CURRENT_USER"


class Databases:
    """Databases on one server, made from one template, which lives as long as the `with` block."""

    def __init__(self, url: str) -> None:
        self.url = url
        self._run = f"metacore_test_{uuid4().hex[:8]}"
        self._made = 0

    def __enter__(self) -> Self:
        execute(self.url, "CREATE DATABASE {} TEMPLATE template0", self._run)
        SchemaDeployer(database_of(self.url, self._run)).deploy()
        return self

    def __exit__(self, *_: object) -> None:
        self.drop(self._run)

    @contextmanager
    def database(self) -> Iterator[str]:
        """The URL of an empty database with the schema deployed, which is dropped at the end."""
        self._made += 1
        name = f"{self._run}_{self._made}"
        try:
            self.make(name)
            yield database_of(self.url, name)
        finally:
            self.drop(name)

    def servers(self, url: str) -> Sequence[str]:
        """The URLs of a database on all servers that keep its rows."""
        return (url,)

    def make(self, name: str) -> None:
        """Make an empty database with the schema deployed."""
        execute(self.url, "CREATE DATABASE {} TEMPLATE {} STRATEGY FILE_COPY", name, self._run)

    def drop(self, name: str) -> None:
        """Drop a database, if it is there, whoever uses it."""
        execute(self.url, "DROP DATABASE IF EXISTS {} WITH (FORCE)", name)


def clear(connection: psycopg.Connection) -> None:
    """Delete all rows of the schema `metacore`, in one round trip."""
    connection.execute(_CLEAR)


_ROOTS = [table.name for table in METADATA.sorted_tables if not table.foreign_keys]
"""The tables whose rows go with no other row."""

# Each in a transaction of its own, as a cluster wants it.
_CLEAR = "; ".join(f"BEGIN; DELETE FROM metacore.{table}; COMMIT" for table in _ROOTS).encode()  # noqa: S608 - names of ours


def database_of(url: str, name: str) -> str:
    """The URL of the database `name` on the server of `url`."""
    return urlsplit(url)._replace(path=f"/{name}").geturl()


def execute(url: str, statement: LiteralString, *names: str) -> None:
    """Run `statement`, with `names` quoted in the places of its {}, by itself."""
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(sql.SQL(statement).format(*map(sql.Identifier, names)))
