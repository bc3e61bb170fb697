"""Many tasks on few connections, each call cancelled by a short time-out: no connection is lost, ever."""

import asyncio
import random
import time
from collections.abc import Awaitable, Callable
from typing import Any
from uuid import UUID

import psycopg
import pytest

from metacore import (
    MetacoreError,
    NewUser,
    OutcomeUnknownError,
    Settings,
    Storage,
    TradingService,
    Transaction,
    connect,
)
from metacore.testing.factories import BalanceDeltaFactory, NewOrderFactory, NewTradeFactory

TASKS, CONNECTIONS, SECONDS = 64, 2, 2.0
PATIENCES = (0.0005, 0.001, 0.002, 0.005, 0.01, 0.05)
"""Seconds after which a call is cancelled: before it has a connection, while it waits for the server, near its end."""


async def read(storage: Storage, user_id: UUID) -> None:
    await storage.users.get(user_id)


async def insert(storage: Storage, user_id: UUID) -> None:
    await storage.orders.create(NewOrderFactory.build(user_id=user_id))


async def change_a_balance(storage: Storage, user_id: UUID) -> None:
    await storage.balances.apply([BalanceDeltaFactory.build(user_id=user_id)])


async def nest(storage: Storage, user_id: UUID) -> None:
    async def work(tx: Transaction) -> None:
        async with tx.transaction() as inner:
            await inner.orders.create(NewOrderFactory.build(user_id=user_id))
        await tx.users.get(user_id)

    await storage.run(work)


async def import_many(storage: Storage, user_id: UUID) -> None:
    await storage.orders.create_many(NewOrderFactory.build(user_id=user_id) for _ in range(20))


async def stream(storage: Storage, user_id: UUID) -> None:
    async for _ in storage.trades.stream(user_id):
        """Nothing."""


async def trade(storage: Storage, user_id: UUID) -> None:
    trading = TradingService(storage)
    order = await trading.place_order(NewOrderFactory.build(user_id=user_id))
    await trading.settle_trade(NewTradeFactory.build(of=order))


async def ping(storage: Storage, user_id: UUID) -> None:
    await storage.ping()


Work = Callable[[Storage, UUID], Awaitable[None]]

WORK: tuple[Work, ...] = (
    *(read, insert, change_a_balance, nest),
    *(import_many, stream, trade, ping),
)


@pytest.mark.parametrize("work", [(read,), (read, ping), WORK], ids=["reads", "short calls", "all kinds"])
def test_a_storm_of_cancellations_loses_no_connection(metacore_database_url: str, work: tuple[Work, ...]) -> None:
    settings = Settings(pool_max_size=CONNECTIONS, application_name="storm")

    async def blow() -> None:
        async with connect(metacore_database_url, settings=settings) as storage:
            user_id = (await storage.users.create(NewUser())).id
            await TradingService(storage).deposit(user_id, "USDT", 10**9, reference="all")
            end = time.monotonic() + SECONDS
            tasks = [call_until(end, work, storage, user_id, random.Random(seed)) for seed in range(TASKS)]
            cancelled = sum(await asyncio.gather(*tasks))
            assert cancelled > TASKS
            await expect_all_back(storage)
            assert states(metacore_database_url) == {"idle"}
            for _ in range(2 * CONNECTIONS):
                await storage.users.get(user_id)
            assert not await storage.balances.audit(user_id)

    asyncio.run(blow())


async def call_until(end: float, work: tuple[Work, ...], storage: Storage, user_id: UUID, chance: random.Random) -> int:
    """Make calls until `end`; how many of them were cancelled."""
    cancelled = 0
    while time.monotonic() < end:
        try:
            async with asyncio.timeout(chance.choice(PATIENCES)):
                await chance.choice(work)(storage, user_id)
        except TimeoutError:
            cancelled += 1
        except OutcomeUnknownError:
            raise
        except MetacoreError:
            """Too little is free, say."""
    return cancelled


async def expect_all_back(storage: Storage) -> None:
    pool: Any = None
    for _ in range(1000):
        pool = storage.stats().pool
        assert pool is not None
        if pool["pool_size"] == pool["pool_available"] and not pool["requests_waiting"]:
            return
        await asyncio.sleep(0.01)
    pytest.fail(f"a connection is not back: {pool}")


def states(url: str) -> set[str]:
    """What the server says that the connections of the storage are doing."""
    with psycopg.connect(url) as connection:
        rows = connection.execute("SELECT state FROM pg_stat_activity WHERE application_name = 'storm'").fetchall()
    assert 1 <= len(rows) <= CONNECTIONS
    return {state for (state,) in rows}
