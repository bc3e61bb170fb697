"""Each test of the contract suite, on each backend in each runner."""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from urllib.parse import urlsplit
from uuid import uuid4

import psycopg
import pytest
from psycopg import sql

import metacore
import metacore.sync
from metacore.postgres import SchemaDeployer
from metacore.testing.contract import Backend
from metacore.testing.databases import Databases, clear, server
from metacore.testing.runners import AsyncRunner, BlockingRunner, Runner

OLDEST_POSTGRES = 16


@pytest.fixture(scope="session")
def event_loop() -> Iterator[AsyncRunner]:
    runner = AsyncRunner()
    yield runner
    runner.close()


@pytest.fixture(scope="session")
def memory_async(event_loop: AsyncRunner) -> Iterator[Backend]:
    with Backend(event_loop, partial(metacore.connect, "memory://")) as backend:
        yield backend


@pytest.fixture(scope="session")
def memory_blocking() -> Iterator[Backend]:
    with Backend(BlockingRunner(), partial(metacore.sync.connect, "memory://")) as backend:
        yield backend


@pytest.fixture(scope="session")
def postgres_async(event_loop: AsyncRunner, metacore_databases: Databases) -> Iterator[Backend]:
    with metacore_databases.database() as url, postgres(event_loop, metacore.connect, url) as backend:
        yield backend


@pytest.fixture(scope="session")
def postgres_blocking(metacore_databases: Databases) -> Iterator[Backend]:
    with metacore_databases.database() as url, postgres(BlockingRunner(), metacore.sync.connect, url) as backend:
        yield backend


@pytest.fixture(scope="session")
def postgres_16_blocking() -> Iterator[Backend]:
    with server(version=OLDEST_POSTGRES) as server_url, Databases(server_url) as databases, databases.database() as url:
        with postgres(BlockingRunner(), metacore.sync.connect, url) as backend:
            yield backend


@contextmanager
def postgres(runner: Runner, connect: object, url: str) -> Iterator[Backend]:
    """Storages that may do what services may, and no more."""
    # Unprepared, behind a pooler too.
    with psycopg.connect(url, autocommit=True, prepare_threshold=None, options="-c lock_timeout=10s") as connection:
        with service_role(connection, url) as service_url:
            with Backend(runner, partial(connect, service_url), partial(clear, connection)) as backend:
                yield backend


@contextmanager
def service_role(connection: psycopg.Connection, url: str) -> Iterator[str]:
    """The URL of the database for a role that the deployer gave the rights of services."""
    role, password = f"metacore_test_{uuid4().hex[:8]}", uuid4().hex
    connection.execute(sql.SQL("CREATE ROLE {} LOGIN PASSWORD {}").format(sql.Identifier(role), password))
    try:
        SchemaDeployer(url).deploy(app_role=role, may_delete=True)
        host = urlsplit(url).netloc.rpartition("@")[2]
        yield urlsplit(url)._replace(netloc=f"{role}:{password}@{host}").geturl()
    finally:
        connection.execute(sql.SQL("DROP OWNED BY {0}; DROP ROLE {0}").format(sql.Identifier(role)))


BACKENDS = {
    "memory-async": "memory_async",
    "memory-blocking": "memory_blocking",
    "postgres-async": "postgres_async",
    "postgres-blocking": "postgres_blocking",
}
"""The fixtures, by the ids that pick one: `pytest tests/contract -k postgres-blocking`."""


@pytest.fixture(scope="session", params=BACKENDS.values(), ids=BACKENDS)
def backend(request: pytest.FixtureRequest) -> Backend:
    return request.getfixturevalue(request.param)
