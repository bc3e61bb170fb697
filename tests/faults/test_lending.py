"""Connections that lie ready between operations, beside the pool."""

import asyncio
import time
from concurrent.futures import ThreadPoolExecutor

import psycopg
import pytest

import metacore
import metacore.sync
from metacore.config import Settings
from metacore.errors import PoolTimeoutError
from metacore.postgres.client import lending as lending_async
from metacore.sync import Storage
from metacore.sync.postgres.client import lending


def backend(storage: Storage) -> int:
    with storage.transaction() as tx:
        return int(tx.connection.info.backend_pid)


def test_one_worker_keeps_its_connection_though_the_pool_has_others(metacore_database_url: str) -> None:
    with metacore.sync.connect(metacore_database_url, settings=Settings(pool_min_size=3, pool_max_size=3)) as storage:
        assert len({backend(storage) for _ in range(9)}) == 1


def test_what_lies_ready_counts_as_available_and_as_requested(metacore_database_url: str) -> None:
    with metacore.sync.connect(metacore_database_url, settings=Settings(pool_min_size=1, pool_max_size=1)) as storage:
        for _ in range(5):
            storage.ping()
        figures = storage.stats().pool or {}
        assert (figures["pool_available"], figures["pool_size"], figures["requests_num"]) == (1, 1, 5)


def test_who_waits_gets_what_another_gives_back(metacore_database_url: str) -> None:
    settings = Settings(pool_min_size=2, pool_max_size=2, pool_timeout=20)
    with metacore.sync.connect(metacore_database_url, settings=settings) as storage, ThreadPoolExecutor(8) as threads:
        ends = list(threads.map(lambda _: [storage.ping() for _ in range(100)], range(8)))
        assert len(ends) == 8
        assert not storage.stats().errors
        assert (storage.stats().pool or {})["pool_available"] == 2


def test_so_do_tasks(metacore_database_url: str) -> None:
    async def ping_often(storage: metacore.Storage) -> None:
        for _ in range(100):
            await storage.ping()

    async def run() -> dict[str, int]:
        settings = Settings(pool_min_size=2, pool_max_size=2, pool_timeout=20)
        async with metacore.connect(metacore_database_url, settings=settings) as storage:
            await asyncio.gather(*(ping_often(storage) for _ in range(8)))
            assert not storage.stats().errors
            return storage.stats().pool or {}

    assert asyncio.run(run())["pool_available"] == 2


def test_one_who_has_waited_in_vain_leaves_things_as_they_were(metacore_database_url: str) -> None:
    settings = Settings(pool_min_size=1, pool_max_size=1, pool_timeout=0.2)
    with metacore.sync.connect(metacore_database_url, settings=settings) as storage:
        with storage.transaction(), pytest.raises(PoolTimeoutError):
            storage.ping()
        mine = backend(storage)
        assert {backend(storage) for _ in range(3)} == {mine}


@pytest.mark.parametrize("longest", [0.0, 3600.0])
def test_a_connection_goes_back_to_the_pool_which_ends_old_ones(
    metacore_database_url: str, monkeypatch: pytest.MonkeyPatch, longest: float
) -> None:
    monkeypatch.setattr(lending, "_LONGEST", longest)
    settings = Settings(pool_min_size=1, pool_max_size=1, pool_max_lifetime=0.2)
    with metacore.sync.connect(metacore_database_url, settings=settings) as storage:
        first = backend(storage)
        time.sleep(0.4)
        backend(storage)
        assert (backend(storage) == first) == (longest > 0)


@pytest.mark.parametrize("module", [lending, lending_async])
def test_it_goes_back_soon(module: object) -> None:
    assert 0 < vars(module)["_LONGEST"] <= 1


def test_none_is_left_open_at_the_end(metacore_database_url: str) -> None:
    settings = Settings(pool_min_size=2, pool_max_size=4, application_name="lending")
    with metacore.sync.connect(metacore_database_url, settings=settings) as storage, ThreadPoolExecutor(4) as threads:
        list(threads.map(lambda _: storage.ping(), range(40)))
    with psycopg.connect(metacore_database_url, autocommit=True) as admin:
        deadline = time.monotonic() + 10
        while time.monotonic() < deadline and count(admin):
            time.sleep(0.05)
        assert count(admin) == 0


def count(admin: psycopg.Connection) -> int:
    found = admin.execute("SELECT count(*) FROM pg_stat_activity WHERE application_name = 'lending'").fetchone()
    assert found is not None
    return int(found[0])
