from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial

import psycopg
import pytest

import metacore
import metacore.sync
from metacore.testing import contract
from metacore.testing.contract import Backend
from metacore.testing.databases import Databases
from metacore.testing.runners import AsyncRunner, BlockingRunner, Runner


@pytest.fixture(scope="module")
def postgres_async(event_loop: AsyncRunner, metacore_databases: Databases) -> Iterator[Backend]:
    with metacore_databases.database() as url, owner(event_loop, metacore.connect, url) as backend:
        yield backend


@pytest.fixture(scope="module")
def postgres_blocking(metacore_databases: Databases) -> Iterator[Backend]:
    with metacore_databases.database() as url, owner(BlockingRunner(), metacore.sync.connect, url) as backend:
        yield backend


@pytest.fixture(
    scope="module",
    params=["memory_async", "memory_blocking", "postgres_async", "postgres_blocking"],
    ids=lambda name: name.replace("_", "-"),
)
def backend(request: pytest.FixtureRequest) -> Backend:
    return request.getfixturevalue(request.param)


@contextmanager
def owner(runner: Runner, connect: object, url: str) -> Iterator[Backend]:
    """Storages of the role that owns the schema: that of a service may delete from no journal."""
    with psycopg.connect(url, autocommit=True, options="-c lock_timeout=10s") as connection:
        clear = partial(connection.execute, "DELETE FROM metacore.users")
        with Backend(runner, partial(connect, url), clear) as backend:
            yield backend


class TestArchiveStorage(contract.ArchiveStorageContract):
    """On every backend, in both worlds."""


class TestArchiver(contract.ArchiverContract):
    """On every backend, in both worlds."""


class TestArchivedFact(contract.ArchivedFactContract):
    """On every backend, in both worlds."""
