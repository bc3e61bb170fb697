"""PostgreSQL databases for tests: each a clone of one template with the schema deployed."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import LiteralString
from urllib.parse import urlsplit
from uuid import uuid4

import psycopg
from psycopg import sql

from metacore.postgres import EmbeddedPostgres, SchemaDeployer

URL_VARIABLE = "METACORE_TEST_URL"
"""Names the server to be used in place of an embedded one; its role must be allowed to create databases."""


@contextmanager
def server(version: int | None = None) -> Iterator[str]:
    """The URL of a PostgreSQL server: the one that METACORE_TEST_URL names or, without it, an embedded one."""
    if url := os.environ.get(URL_VARIABLE):
        yield url
    else:
        with EmbeddedPostgres(version=version) as embedded:
            yield embedded.url


class Databases:
    """Databases on one server, made from one template, which lives as long as the `with` block."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._run = f"metacore_test_{uuid4().hex[:8]}"
        self._made = 0

    def __enter__(self) -> Databases:
        self._execute("CREATE DATABASE {} TEMPLATE template0", self._run)
        SchemaDeployer(self._url_of(self._run)).deploy()
        return self

    def __exit__(self, *_: object) -> None:
        self._execute("DROP DATABASE {} WITH (FORCE)", self._run)

    @contextmanager
    def database(self) -> Iterator[str]:
        """The URL of an empty database with the schema deployed, which is dropped at the end."""
        self._made += 1
        name = f"{self._run}_{self._made}"
        self._execute("CREATE DATABASE {} TEMPLATE {} STRATEGY FILE_COPY", name, self._run)
        try:
            yield self._url_of(name)
        finally:
            self._execute("DROP DATABASE {} WITH (FORCE)", name)

    def _url_of(self, name: str) -> str:
        return urlsplit(self._url)._replace(path=f"/{name}").geturl()

    def _execute(self, statement: LiteralString, *names: str) -> None:
        with psycopg.connect(self._url, autocommit=True) as connection:
            connection.execute(sql.SQL(statement).format(*map(sql.Identifier, names)))
