"""A database that has tables of one's own beside those of the storages."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

import psycopg
import psycopg_pool
import pytest

from metacore import Settings
from metacore.sync import connect
from metacore.sync.storage.storage import Storage
from metacore.testing.databases import Databases, clear


@pytest.fixture(scope="module")
def database(metacore_databases: Databases) -> Iterator[str]:
    with metacore_databases.database() as url:
        with psycopg.connect(url) as connection:
            connection.execute("CREATE TABLE public.carts (id int PRIMARY KEY, order_id uuid, note json)")
        yield url


@pytest.fixture
def url(database: str) -> str:
    """A database that has a table of one's own, too; both are empty."""
    with psycopg.connect(database, autocommit=True) as connection:
        clear(connection)
        connection.execute("DELETE FROM public.carts")
    return database


@pytest.fixture(params=["own pool", "time-outs with BEGIN", "pool handed in"])
def storage(request: pytest.FixtureRequest, url: str) -> Iterator[Storage]:
    with ExitStack() as stack:
        if request.param == "pool handed in":
            pool = stack.enter_context(psycopg_pool.ConnectionPool(url, min_size=1, max_size=2))
            with connect(pool=pool) as storage:
                yield storage
            assert not pool.closed
        else:
            settings = Settings(timeouts_with_begin=request.param != "own pool", pool_max_size=2)
            yield stack.enter_context(connect(url, settings=settings))


@pytest.fixture
def plain(url: str) -> Iterator[Storage]:
    with connect(url, settings=Settings(pool_max_size=1)) as storage:
        yield storage


@pytest.fixture
def mine(url: str) -> Iterator[psycopg.Connection[Any]]:
    with psycopg.connect(url) as connection:
        yield connection


@pytest.fixture
def carts(url: str) -> Callable[[], list[int]]:
    def carts() -> list[int]:
        with psycopg.connect(url) as connection:
            return [row[0] for row in connection.execute("SELECT id FROM public.carts ORDER BY id")]

    return carts
