"""A server that says nothing any more: every call ends some seconds after its time-outs, and its connection is gone."""

from __future__ import annotations

import asyncio
import importlib
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from decimal import Decimal
from typing import Any

import psutil
import psycopg
import pytest

import metacore
import metacore.sync
from metacore import MetacoreError, NewUser, NotFoundError, OutcomeUnknownError, Settings, StorageUnavailableError
from metacore.postgres import EmbeddedPostgres, SchemaDeployer
from metacore.testing.factories import NewOrderFactory, OrderRecordFactory
from metacore.testing.runners import AsyncRunner, BlockingRunner, Runner

from .relays import Relay

NAME = "hears nothing"
SETTINGS = Settings(
    application_name=NAME,
    statement_timeout=1,
    import_timeout=1,
    lock_timeout=1,
    pool_timeout=1,
    connect_timeout=2,
    pool_max_size=20,
    pool_min_size=20,
)
A_FEW_SECONDS = 15
"""More than the five that the client adds, since machines are busy; much less than for ever."""
ADDED_BY = ("autocommit_session", "bound", "pool", "session", "transaction_session")
"""The modules that add them."""


@pytest.fixture(params=[AsyncRunner, BlockingRunner], ids=["async", "sync"])
def runner(request: pytest.FixtureRequest) -> Iterator[Runner]:
    runner = request.param()
    yield runner
    runner.close()


@pytest.fixture
def one_second_added(monkeypatch: pytest.MonkeyPatch) -> None:
    """The client adds one second in place of five."""
    for package in ("metacore.postgres.client", "metacore.sync.postgres.client"):
        for name in ADDED_BY:
            monkeypatch.setattr(importlib.import_module(f"{package}.{name}"), "MARGIN", 1.0)


@contextmanager
def opened(runner: Runner, url: str, settings: Settings = SETTINGS) -> Iterator[Any]:
    connect = metacore.connect if isinstance(runner, AsyncRunner) else metacore.sync.connect
    with runner.opened(connect(url, settings=settings)) as storage:
        wait_until(lambda: (storage.stats().pool or {})["pool_available"] == settings.pool_min_size)
        yield storage


@pytest.fixture
def relay(metacore_database_url: str) -> Iterator[Relay]:
    with Relay(metacore_database_url) as relay:
        yield relay


def wait_until(condition: Callable[[], bool]) -> None:
    give_up = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < give_up
        time.sleep(0.01)


@contextmanager
def ends_soon(seconds: float = A_FEW_SECONDS) -> Iterator[None]:
    began = time.monotonic()
    yield
    assert time.monotonic() - began < seconds


READS = ("users.get", "users.list", "ping", "balances.audit", "trades.stream", "transaction: read")
WRITES = ("users.create", "order_records.save")
UNSENT_COMMITS = ("balances.put", "run", "orders.create_many", "deposit", "order_records.save_many")


def calls(runner: Runner, storage: Any) -> dict[str, Callable[[], object]]:
    user_id = storage.users.create(NewUser()).id
    trading = runner.service("TradingService", storage)

    def read() -> None:
        with storage.transaction() as tx:
            tx.users.get(user_id)

    return {
        "users.get": lambda: storage.users.get(user_id),
        "users.list": storage.users.list,
        "ping": storage.ping,
        "balances.audit": lambda: storage.balances.audit(user_id),
        "trades.stream": lambda: list(storage.trades.stream(user_id)),
        "transaction: read": read,
        "users.create": lambda: storage.users.create(NewUser()),
        "order_records.save": lambda: storage.order_records.save(OrderRecordFactory.build()),
        "balances.put": lambda: storage.balances.put(user_id, "BTC", Decimal(1), Decimal(0)),
        "run": lambda: storage.run(lambda tx: tx.users.create(NewUser())),
        "orders.create_many": lambda: storage.orders.create_many([NewOrderFactory.build(user_id=user_id)]),
        "deposit": lambda: trading.deposit(user_id, "USDT", Decimal(1), reference="once"),
        "order_records.save_many": lambda: storage.order_records.save_many([OrderRecordFactory.build()]),
    }


def expect_an_end_of_each_call(runner: Runner, storage: Any, silence: AbstractContextManager[None]) -> None:
    """All calls, made while nothing comes, end soon; nobody knows of the writes alone. Afterwards all goes on."""
    work = calls(runner, storage)
    assert set(work) == {*READS, *WRITES, *UNSENT_COMMITS}
    with silence:
        with ends_soon():
            outcomes = dict(zip(work, runner.together(*work.values()), strict=True))
        assert {name: type(outcome) for name, outcome in outcomes.items()} == {
            name: OutcomeUnknownError if name in WRITES else StorageUnavailableError for name in work
        }
        with ends_soon(), pytest.raises(StorageUnavailableError):
            storage.ping()
    wait_until(lambda: not isinstance(attempt(storage.ping), MetacoreError))
    for call in work.values():
        call()
    wait_until(lambda: (pool := storage.stats().pool or {})["pool_size"] == pool["pool_available"])


def attempt(call: Callable[[], object]) -> object:
    try:
        return call()
    except MetacoreError as error:
        return error


@contextmanager
def frozen(relay: Relay) -> Iterator[None]:
    relay.freeze()
    yield
    relay.thaw()


@contextmanager
def stopped(processes: list[psutil.Process]) -> Iterator[None]:
    """The operating system runs `processes` no longer, for the block."""
    for process in processes:
        process.suspend()
    try:
        yield
    finally:
        for process in processes:
            process.resume()


@pytest.mark.usefixtures("one_second_added")
def test_a_network_that_forwards_nothing_ends_each_call(runner: Runner, relay: Relay) -> None:
    with opened(runner, relay.url) as storage:
        expect_an_end_of_each_call(runner, storage, frozen(relay))


@pytest.mark.usefixtures("one_second_added")
def test_a_server_that_is_stopped_ends_each_call(runner: Runner) -> None:
    with EmbeddedPostgres() as server:
        SchemaDeployer(server.url).deploy()
        with opened(runner, server.url) as storage:
            postmaster = psutil.Process(server.pid)
            processes = [postmaster, *(child for child in postmaster.children() if child.name() == "postgres")]
            expect_an_end_of_each_call(runner, storage, stopped(processes))


def only_session(url: str) -> int:
    """The process of the one session of ours that is left: one that was just closed takes a moment to end."""
    deadline = time.monotonic() + A_FEW_SECONDS
    with psycopg.connect(url, autocommit=True) as admin:
        query = "SELECT pid FROM pg_stat_activity WHERE application_name = %s"
        while len(pids := admin.execute(query, [NAME]).fetchall()) > 1:
            assert time.monotonic() < deadline
            time.sleep(0.01)
    return int(pids[0][0])


def test_a_session_that_is_stopped_ends_its_call_and_no_other(runner: Runner) -> None:
    with EmbeddedPostgres() as server:
        SchemaDeployer(server.url).deploy()
        with opened(runner, server.url, SETTINGS.model_copy(update={"pool_min_size": 1})) as storage:
            with stopped([psutil.Process(only_session(server.url))]):
                with ends_soon(), pytest.raises(OutcomeUnknownError):
                    storage.users.create(NewUser())
                for _ in range(3):
                    storage.users.create(NewUser())


@pytest.mark.usefixtures("one_second_added")
@pytest.mark.parametrize("forwards", [False, True], ids=["lost", "kept"])
def test_nobody_knows_what_became_of_a_commit_that_nothing_comes_of(
    runner: Runner, relay: Relay, forwards: bool
) -> None:
    new = NewUser()

    def create(tx: Any) -> None:
        tx.users.create(new)
        relay.freeze()

    with opened(runner, relay.url) as storage:
        with ends_soon(), pytest.raises(OutcomeUnknownError):
            storage.run(create)
        if not forwards:
            relay.cut()
        relay.thaw()
        stored = attempt(lambda: storage.users.get(new.id))
        assert isinstance(stored, NotFoundError) or forwards


@pytest.mark.usefixtures("one_second_added")
def test_an_import_that_nothing_takes_any_more_ends_soon(runner: Runner, relay: Relay) -> None:
    with opened(runner, relay.url) as storage:
        user_id = storage.users.create(NewUser()).id
        order = NewOrderFactory.build(user_id=user_id)

        def rows() -> Iterator[Any]:
            for number in range(1_000_000):
                if number == 1000:
                    relay.freeze()
                yield order

        with ends_soon(60), pytest.raises(StorageUnavailableError):
            storage.orders.create_many(rows())
        relay.thaw()
        assert not storage.orders.list(user_id).items


def test_opening_and_closing_end_soon(runner: Runner, relay: Relay) -> None:
    connect = metacore.connect if isinstance(runner, AsyncRunner) else metacore.sync.connect
    with ends_soon(), opened(runner, relay.url) as storage:
        storage.users.list()
        relay.freeze()
        with pytest.raises(StorageUnavailableError), runner.opened(connect(relay.url, settings=SETTINGS)):
            """Never reached."""


def test_a_cancelled_task_ends_soon(relay: Relay) -> None:
    async def cancel() -> None:
        async with metacore.connect(relay.url, settings=SETTINGS) as storage:
            await storage.users.list()
            relay.freeze()
            task = asyncio.ensure_future(storage.users.list())
            await asyncio.sleep(0.2)
            began = time.monotonic()
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
            assert time.monotonic() - began < 5
            relay.thaw()
            assert not (await storage.users.list()).items

    asyncio.run(cancel())


@pytest.mark.usefixtures("interruptible")
def test_an_interrupted_thread_ends_soon(relay: Relay) -> None:
    """By Ctrl+C, say."""
    main = threading.main_thread().ident
    assert main is not None
    with opened(BlockingRunner(), relay.url) as storage:
        storage.users.list()
        relay.freeze()
        timer = threading.Timer(0.5, signal.pthread_kill, [main, signal.SIGINT])
        timer.start()
        with ends_soon(10), pytest.raises(KeyboardInterrupt):
            storage.users.list()
        timer.join()
        relay.thaw()
        assert not storage.users.list().items
