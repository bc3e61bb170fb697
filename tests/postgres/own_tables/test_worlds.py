"""The same asynchronously, on a pool that is handed in, and on memory."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import psycopg
import psycopg_pool
import pytest
from pytest_mock import MockerFixture

import metacore
from metacore import (
    ConfigurationError,
    InvalidDataError,
    NewUser,
    Settings,
    StorageUnavailableError,
)
from metacore.postgres.client.pool import Pool
from metacore.sync import connect

from .programs import SomeError, order_of, rich


class TestAsynchronous:
    """What is written once for both worlds, in the other one."""

    def test_a_row_and_an_order_are_stored_both(self, url: str, carts: Callable[[], list[int]]) -> None:
        async def run() -> int:
            pool = psycopg_pool.AsyncConnectionPool(url, min_size=1, max_size=2, open=False)
            async with pool, metacore.connect(pool=pool) as storage:
                user = await storage.users.create(NewUser())
                async with storage.transaction() as tx:
                    await tx.connection.execute("INSERT INTO public.carts VALUES (1)")
                    await tx.orders.create(order_of(user.id))
                with pytest.raises(SomeError):
                    async with storage.transaction() as tx:
                        async with tx.connection.transaction(), tx.connection.cursor() as cursor:
                            await cursor.execute("INSERT INTO public.carts VALUES (2)")
                        raise SomeError
                async with await psycopg.AsyncConnection.connect(url) as mine:
                    await mine.execute("INSERT INTO public.carts VALUES (3)")
                    await storage.bind(mine).orders.create(order_of(user.id))
                with pytest.raises(InvalidDataError):
                    storage.bind(psycopg.connect)  # type: ignore[arg-type]
                return len((await storage.orders.list(user.id)).items)

        assert asyncio.run(run()) == 2
        assert carts() == [1, 3]

    def test_a_connection_whose_leftovers_a_cancellation_may_have_left_is_closed(
        self, url: str, mocker: MockerFixture
    ) -> None:
        async def run() -> bool:
            async with metacore.connect(url) as storage:

                async def use() -> None:
                    async with storage.transaction() as tx:
                        used.append(tx.connection)
                        await tx.connection.execute("SET search_path = public")

                task, used, reset = asyncio.create_task(use()), list[psycopg.AsyncConnection](), Pool.reset

                async def cancelled(pool: Pool, connection: psycopg.AsyncConnection) -> None:
                    task.cancel()
                    await reset(pool, connection)

                mocker.patch.object(Pool, "reset", cancelled)
                with pytest.raises(asyncio.CancelledError):
                    await task
                return used[0].closed

        assert asyncio.run(run())


class TestPool:
    def test_one_that_cannot_be_used_is_refused_with_a_sentence(self, url: str) -> None:
        pool = psycopg_pool.ConnectionPool(url, min_size=1, open=False)
        with pytest.raises(StorageUnavailableError, match="not open"):
            connect(pool=pool).__enter__()
        with pytest.raises(ConfigurationError, match="AsyncConnectionPool"):
            metacore.connect(pool=pool)  # type: ignore[arg-type]
        with pytest.raises(ConfigurationError, match="memory"):
            connect("memory://", pool=pool)

    def test_its_connections_are_left_as_they_were(self, url: str) -> None:
        with psycopg_pool.ConnectionPool(url, min_size=1, max_size=1) as pool:
            with connect(pool=pool, settings=Settings(prepared_statements=False)) as storage:
                rich(storage)
                with storage.transaction() as tx:
                    tx.connection.execute("SELECT 1")
            with pool.connection() as mine:
                assert mine.execute("SHOW search_path").fetchone() == ('"$user", public',)
                assert mine.execute("SHOW enable_seqscan").fetchone() == ("on",)
                assert mine.execute("SELECT count(*) FROM pg_prepared_statements").fetchone() == (0,)


def test_memory_has_no_connection_and_says_so() -> None:
    with connect("memory://") as storage:
        with storage.transaction() as tx, pytest.raises(ConfigurationError, match="MemoryTransaction"):
            tx.connection.execute("SELECT 1")
        with pytest.raises(ConfigurationError, match="MemoryStorage"):
            storage.bind(object())  # type: ignore[arg-type]
