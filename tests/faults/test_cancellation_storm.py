"""Many tasks on few connections, each call cancelled by a short time-out: no connection is lost, ever.

METACORE_STORM=1000 makes long storms of the short ones.
"""

import asyncio
import os
import random
import threading
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import suppress
from decimal import Decimal
from itertools import count
from types import SimpleNamespace
from typing import Any
from uuid import UUID

import pytest

import metacore.sync
from metacore import (
    MetacoreError,
    NewUser,
    OrderStatus,
    OutcomeUnknownError,
    Settings,
    Storage,
    TradingService,
    Transaction,
    connect,
)
from metacore._compat import psycopg_undocumented
from metacore.testing.cases import each_case
from metacore.testing.contract.operations import operations_of_storages
from metacore.testing.contract.samples import NOBODY
from metacore.testing.factories import BalanceDeltaFactory, NewOrderFactory, NewTradeFactory

from .cancelling import CancelledAt, expect_every_connection_back, expect_idle_sessions

TASKS, CONNECTIONS = 64, 2
CANCELLATIONS = int(os.environ.get("METACORE_STORM", "40"))
"""How many calls of each task are cancelled."""
PATIENCES = (0.0005, 0.001, 0.002, 0.005, 0.01, 0.05)
"""Seconds after which a call is cancelled: before it has a connection, while it waits for the server, near its end."""


OPERATIONS = operations_of_storages()
"""One of each, on what does not exist; in blocking style, which is asynchronous over an asynchronous storage."""


STREAMS: dict[str, tuple[Any, ...]] = {
    "users.stream": (),
    "orders.stream": (NOBODY,),
    "orders.stream_in_status": (OrderStatus.NEW,),
    "trades.stream": (NOBODY,),
    "trades.stream_pending": (),
    "balances.stream_unexplained": (),
    "balances.stream_entries": (NOBODY,),
    "balances.stream_journal": (NOBODY,),
    "reservations.stream": (NOBODY,),
    "portfolios.stream_holders": ("btc",),
    "order_records.stream": (),
    "order_records.stream_by_customer": ("nobody",),
    "bars.stream": ("live", "BTCUSDT"),
    "dead_letters.stream": (),
    "outbox.stream": ("topic", "key"),
}
"""The streams among them, which are read otherwise over an asynchronous storage, with their arguments."""


async def perform(storage: Any, name: str) -> None:
    """Perform an operation of the list to its end, whatever comes of it."""
    if (arguments := STREAMS.get(name)) is not None:
        store, method = name.split(".")
        async for _ in getattr(getattr(storage, store), method)(*arguments):
            """Nothing."""
        return
    with suppress(MetacoreError):
        await OPERATIONS[name](storage)  # type: ignore[misc]


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


async def any_operation(storage: Storage, user_id: UUID) -> None:
    await perform(storage, random.choice(list(OPERATIONS)))


Work = Callable[[Storage, UUID], Awaitable[None]]

WORK: tuple[Work, ...] = (
    *(read, insert, change_a_balance, nest),
    *(import_many, stream, trade, ping, any_operation),
)


@pytest.mark.parametrize("work", [(read,), (read, ping), WORK], ids=["reads", "short calls", "all kinds"])
def test_a_storm_of_cancellations_loses_no_connection(metacore_database_url: str, work: tuple[Work, ...]) -> None:
    settings = Settings(pool_max_size=CONNECTIONS, application_name="storm")

    async def blow() -> None:
        async with connect(metacore_database_url, settings=settings) as storage:
            user_id = (await storage.users.create(NewUser())).id
            await TradingService(storage).deposit(user_id, "USDT", 10**9, reference="all")
            tasks = [call_until_cancelled(work, storage, user_id, random.Random(seed)) for seed in range(TASKS)]
            await asyncio.gather(*tasks)
            await expect_every_connection_back(storage)
            expect_idle_sessions(metacore_database_url, "storm", CONNECTIONS)
            for _ in range(2 * CONNECTIONS):
                await storage.users.get(user_id)
            assert not await storage.balances.audit(user_id)

    asyncio.run(blow())


async def call_until_cancelled(work: tuple[Work, ...], storage: Storage, user_id: UUID, chance: random.Random) -> None:
    """Make calls until so many of them were cancelled."""
    cancelled = 0
    while cancelled < CANCELLATIONS:
        try:
            async with asyncio.timeout(chance.choice(PATIENCES)):
                await chance.choice(work)(storage, user_id)
        except TimeoutError:
            cancelled += 1
        except OutcomeUnknownError:
            raise
        except MetacoreError:
            """Too little is free, say."""


@pytest.fixture
def opened(metacore_database_url: str) -> Iterator[tuple[asyncio.Runner, Storage]]:
    """A storage that is open in an event loop, and what runs coroutines in it."""
    storage = connect(metacore_database_url, settings=Settings(pool_max_size=CONNECTIONS, application_name="storm"))
    with asyncio.Runner() as runner:
        runner.run(storage.__aenter__())
        yield runner, storage
        runner.run(storage.__aexit__(None, None, None))


@each_case("name", tuple(OPERATIONS))
def test_an_operation_cancelled_at_any_point_loses_no_connection(
    opened: tuple[asyncio.Runner, Storage], metacore_database_url: str, name: str
) -> None:
    runner, storage = opened

    async def cancel_everywhere() -> None:
        for nth in count(1):
            cancelled = CancelledAt(perform(storage, name), nth)
            task = asyncio.ensure_future(cancelled.run())
            await asyncio.wait([task])
            await expect_every_connection_back(storage)
            if not task.cancelled():
                task.result()
            if cancelled.waits < nth:
                break
        expect_idle_sessions(metacore_database_url, "storm", CONNECTIONS)
        for _ in range(2 * CONNECTIONS):
            await storage.ping()

    runner.run(cancel_everywhere())


@pytest.fixture
def opened_blocking(metacore_database_url: str) -> Iterator[metacore.sync.Storage]:
    settings = Settings(pool_max_size=CONNECTIONS, application_name="storm")
    with metacore.sync.connect(metacore_database_url, settings=settings) as storage:
        yield storage


@each_case("name", tuple(OPERATIONS))
def test_an_operation_interrupted_at_any_wait_loses_no_connection(
    monkeypatch: pytest.MonkeyPatch,
    opened_blocking: metacore.sync.Storage,
    metacore_database_url: str,
    name: str,
) -> None:
    """Blocking, by Ctrl+C, say, while it waits for the server."""
    waits, nth = 0, 0
    wait = psycopg_undocumented.waiting.wait

    def interrupted(work: Any, *args: Any) -> Any:
        nonlocal waits
        waits += 1
        if waits == nth:
            with suppress(StopIteration):
                next(work)
            raise KeyboardInterrupt
        return wait(work, *args)

    storage = opened_blocking
    with monkeypatch.context() as patch:
        patch.setattr(psycopg_undocumented, "waiting", SimpleNamespace(wait=interrupted))
        for nth in count(1):
            waits = 0
            with suppress(MetacoreError, KeyboardInterrupt):
                OPERATIONS[name](storage)
            expect_every_connection_back_blocking(storage)
            if waits < nth:
                break
        nth = 0
        expect_idle_sessions(metacore_database_url, "storm", CONNECTIONS)
        for _ in range(2 * CONNECTIONS):
            storage.ping()


def test_a_storm_of_time_outs_loses_no_connection(metacore_database_url: str) -> None:
    """Blocking: what ends the calls of threads are the time-outs of the pool and of locks."""
    settings = Settings(
        pool_max_size=CONNECTIONS,
        application_name="storm",
        pool_timeout=0.05,
        lock_timeout=0.005,
    )
    with metacore.sync.connect(metacore_database_url, settings=settings) as storage:
        user_id = insist(lambda: storage.users.create(NewUser())).id
        end = time.monotonic() + max(1, CANCELLATIONS / 100)
        latest = end + 30
        raised: list[str] = []

        def call_until_the_end(chance: random.Random) -> None:
            work: list[Callable[[], object]] = [
                lambda: storage.users.get(user_id),
                lambda: storage.balances.apply([BalanceDeltaFactory.build(user_id=user_id)]),
                lambda: storage.run(lambda tx: tx.balances.put(user_id, "BTC", Decimal(1), Decimal(0))),
                lambda: storage.orders.create_many(NewOrderFactory.build(user_id=user_id) for _ in range(20)),
                lambda: OPERATIONS[chance.choice(list(OPERATIONS))](storage),
            ]
            while (now := time.monotonic()) < end or ("PoolTimeoutError" not in raised and now < latest):
                try:
                    chance.choice(work)()
                except MetacoreError as error:
                    raised.append(type(error).__name__)

        threads = [threading.Thread(target=call_until_the_end, args=[random.Random(n)]) for n in range(TASKS // 2)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert "PoolTimeoutError" in raised
        expect_every_connection_back_blocking(storage)
        expect_idle_sessions(metacore_database_url, "storm", CONNECTIONS)
        for _ in range(2 * CONNECTIONS):
            insist(storage.ping)
        assert not insist(lambda: storage.balances.audit(user_id))


def insist(call: Callable[[], Any]) -> Any:
    """What `call` gives once it runs into no time-out."""
    for _ in range(100):
        with suppress(MetacoreError):
            return call()
    return call()


def expect_every_connection_back_blocking(storage: metacore.sync.Storage) -> None:
    for _ in range(1000):
        pool = storage.stats().pool or {}
        if pool["pool_size"] == pool["pool_available"] and not pool["requests_waiting"]:
            return
        time.sleep(0.01)
    pytest.fail(f"a connection is not back: {pool}")
