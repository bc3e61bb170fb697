"""Each test of the contract suite, on each backend in each world."""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial

import psycopg
import pytest

import metacore
import metacore.sync
from metacore.testing.contract import Backend
from metacore.testing.databases import Databases, server
from metacore.testing.worlds import AsyncWorld, BlockingWorld, World

OLDEST_POSTGRES = 16


@pytest.fixture(scope="session")
def databases() -> Iterator[Databases]:
    with server() as url, Databases(url) as databases:
        yield databases


@pytest.fixture(scope="session")
def async_world() -> Iterator[AsyncWorld]:
    world = AsyncWorld()
    yield world
    world.close()


@pytest.fixture(scope="session")
def async_memory(async_world: AsyncWorld) -> Iterator[Backend]:
    with Backend(async_world, partial(metacore.connect, "memory://")) as backend:
        yield backend


@pytest.fixture(scope="session")
def sync_memory() -> Iterator[Backend]:
    with Backend(BlockingWorld(), partial(metacore.sync.connect, "memory://")) as backend:
        yield backend


@pytest.fixture(scope="session")
def async_postgres(async_world: AsyncWorld, databases: Databases) -> Iterator[Backend]:
    with postgres(async_world, metacore.connect, databases.create()) as backend:
        yield backend


@pytest.fixture(scope="session")
def sync_postgres(databases: Databases) -> Iterator[Backend]:
    with postgres(BlockingWorld(), metacore.sync.connect, databases.create()) as backend:
        yield backend


@pytest.fixture(scope="session")
def sync_postgres_16() -> Iterator[Backend]:
    with server(version=OLDEST_POSTGRES) as url, Databases(url) as databases:
        with postgres(BlockingWorld(), metacore.sync.connect, databases.create()) as backend:
            yield backend


@contextmanager
def postgres(world: World, connect: object, url: str) -> Iterator[Backend]:
    with psycopg.connect(url, autocommit=True, options="-c lock_timeout=10s") as connection:

        def clear() -> None:
            connection.execute("DELETE FROM metacore.users")
            connection.execute("DELETE FROM metacore.order_records")

        with Backend(world, partial(connect, url), clear) as backend:
            yield backend


BACKENDS = ("async_memory", "sync_memory", "async_postgres", "sync_postgres", "sync_postgres_16")


@pytest.fixture(scope="session", params=BACKENDS)
def backend(request: pytest.FixtureRequest) -> Backend:
    return request.getfixturevalue(request.param)
