"""Tasks cancelled at each point where they wait: all or nothing is stored, and nothing is left behind."""

import asyncio
from collections.abc import Awaitable, Callable
from decimal import Decimal
from itertools import count
from typing import Any

import pytest

from metacore import Settings, Storage, TradingService, Transaction, connect
from metacore.testing.contract.series import series
from metacore.testing.factories import (
    BalanceDeltaFactory,
    NewOrderFactory,
    NewOrderUpdateFactory,
    NewTradeFactory,
    NewUserFactory,
)

from .cancelling import CancelledAt, expect_every_connection_back

URLS: dict[str, Callable[[pytest.FixtureRequest], str]] = {
    "memory-async": lambda request: "memory://",
    "postgres-async": lambda request: request.getfixturevalue("metacore_database_url"),
}
MOST_WAITS = 500


async def place_and_settle(storage: Any, user_id: Any) -> None:
    trading = TradingService(storage)
    order = await trading.place_order(NewOrderFactory.build(user_id=user_id))
    await trading.settle_trade(NewTradeFactory.build(of=order))


async def write_in_a_transaction(storage: Storage, user_id: Any) -> None:
    async with storage.transaction() as tx:
        order = await tx.orders.create(NewOrderFactory.build(user_id=user_id))
        async with tx.transaction() as inner:
            await inner.order_updates.append(NewOrderUpdateFactory.build(of=order))
            await inner.trades.create(NewTradeFactory.build(of=order))
        await tx.balances.apply([BalanceDeltaFactory.build(user_id=user_id)])


async def write_in_a_run(storage: Storage, user_id: Any) -> None:
    async def write(tx: Transaction) -> None:
        await place_and_settle(tx, user_id)

    await storage.run(write)


async def import_many(storage: Storage, user_id: Any) -> None:
    first = NewOrderFactory.build(user_id=user_id)
    await storage.orders.create_many(series(first, 600, "client_order_id", "exchange_order_id"))


async def change_a_balance(storage: Storage, user_id: Any) -> None:
    await storage.balances.apply([BalanceDeltaFactory.build(user_id=user_id) for _ in range(2)])


async def look_around(storage: Storage, user_id: Any) -> None:
    await storage.balances.audit(user_id)
    async for _ in storage.trades.stream(user_id):
        """Nothing."""


WORK = (write_in_a_transaction, write_in_a_run, import_many, change_a_balance, look_around)


async def stored(storage: Storage, user_id: Any) -> tuple[Any, ...]:
    orders = (await storage.orders.list(user_id, limit=1000)).items
    return (
        len(orders),
        [len(await storage.order_updates.list(*order.key)) for order in orders[:5]],
        len((await storage.trades.list(user_id)).items),
        [(held.asset, held.free, held.locked) for held in await storage.balances.list(user_id)],
    )


@pytest.mark.parametrize("backend", URLS)
@pytest.mark.parametrize("work", WORK, ids=lambda work: work.__name__)
def test_cancelled_at_any_point_it_stores_all_or_nothing(
    request: pytest.FixtureRequest, backend: str, work: Callable[[Storage, Any], Awaitable[None]]
) -> None:
    async def cancel_everywhere() -> int:
        settings = Settings(pool_max_size=2)
        async with connect(URLS[backend](request), settings=settings) as storage:
            for nth in count(1):
                assert nth < MOST_WAITS
                user = await storage.users.create(NewUserFactory.build())
                await storage.balances.put(user.id, "USDT", Decimal(10_000), Decimal(0))
                nothing = await stored(storage, user.id)
                cancelled = CancelledAt(work(storage, user.id), nth)
                task = asyncio.ensure_future(cancelled.run())
                _, pending = await asyncio.wait([task], timeout=60)
                assert not pending
                await expect_every_connection_back(storage)
                outcome = await stored(storage, user.id)
                if cancelled.waits < nth:
                    await task
                    everything = outcome
                    break
                assert task.cancelled()
                partial.append((user.id, nothing, outcome))
            for _, nothing, outcome in partial:
                assert outcome in (nothing, everything)
            return nth

    partial: list[Any] = []
    waits = asyncio.run(cancel_everywhere())
    assert len(partial) == waits - 1


@pytest.mark.parametrize("backend", URLS)
def test_cancelled_while_it_waits_for_others_it_leaves_them_alone(request: pytest.FixtureRequest, backend: str) -> None:
    async def wait_in_vain() -> None:
        async with connect(URLS[backend](request), settings=Settings(pool_max_size=2)) as storage:
            user = await storage.users.create(NewUserFactory.build())
            async with storage.transaction() as tx:
                await tx.balances.put(user.id, "USDT", Decimal(1), Decimal(0))
                waiting = [asyncio.ensure_future(change_a_balance(storage, user.id)) for _ in range(5)]
                await asyncio.wait(waiting, timeout=0.2)
                for task in waiting:
                    task.cancel()
                outcomes = await asyncio.gather(*waiting, return_exceptions=True)
                assert {type(outcome) for outcome in outcomes} == {asyncio.CancelledError}
            await expect_every_connection_back(storage)
            assert (await storage.balances.get(user.id, "USDT")).free == 1
            await change_a_balance(storage, user.id)
            assert (await storage.balances.get(user.id, "USDT")).free == 2001

    asyncio.run(wait_in_vain())
