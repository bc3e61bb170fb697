"""Connections lost between calls cost no call; those lost in a call cost none that nothing was committed by."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from decimal import Decimal
from pathlib import Path
from typing import Any
from urllib.parse import quote

import psycopg
import pytest

import metacore
import metacore.sync
from metacore import (
    AlreadyExistsError,
    ConnectionLostError,
    MetacoreError,
    NewUser,
    OutcomeUnknownError,
    Settings,
    StorageUnavailableError,
)
from metacore.postgres import EmbeddedPostgres, SchemaDeployer
from metacore.testing.databases import Databases
from metacore.testing.factories import BalanceDeltaFactory, NewOrderFactory
from metacore.testing.runners import AsyncRunner, BlockingRunner, Runner

from .relays import Relay

CONNECTIONS, CALLS = 10, 30
PATIENCE = 60
NAME = "comes back"


@pytest.fixture(params=[AsyncRunner, BlockingRunner], ids=["async", "sync"])
def runner(request: pytest.FixtureRequest) -> Iterator[Runner]:
    runner = request.param()
    yield runner
    runner.close()


Opening = Callable[..., AbstractContextManager[Any]]


@pytest.fixture
def opened(runner: Runner) -> Opening:
    """Opens a storage of a URL, in blocking style, and waits until all of its connections are there."""
    connect = metacore.connect if isinstance(runner, AsyncRunner) else metacore.sync.connect

    @contextmanager
    def opened(url: str, connections: int = CONNECTIONS, **settings: Any) -> Iterator[Any]:
        settings = {
            "pool_min_size": connections,
            "pool_max_size": connections,
            "pool_timeout": PATIENCE,
            "application_name": NAME,
            **settings,
        }
        with runner.opened(connect(url, settings=Settings(**settings))) as storage:
            wait_until(lambda: (storage.stats().pool or {})["pool_available"] == connections)
            yield storage

    return opened


@pytest.fixture
def relay(metacore_database_url: str) -> Iterator[Relay]:
    with Relay(metacore_database_url) as relay:
        yield relay


def wait_until(condition: Callable[[], bool]) -> None:
    give_up = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < give_up
        time.sleep(0.01)


def calls(runner: Runner, storage: Any) -> Iterator[Callable[[], object]]:
    """Calls of each kind: reads, writes, of one round trip and of several, transactions and services."""
    user_id = storage.users.create(NewUser()).id
    trading = runner.service("TradingService", storage)

    def count(tx: Any) -> int:
        tx.balances.apply([BalanceDeltaFactory.build(user_id=user_id, asset="ETH")])
        return len(tx.users.list().items)

    def block() -> None:
        with storage.transaction() as tx:
            tx.users.create(NewUser())

    while True:
        yield storage.ping
        yield lambda: storage.users.get(user_id)
        yield lambda: storage.users.create(NewUser())
        yield lambda: storage.balances.put(user_id, "BTC", Decimal(1), Decimal(0))
        yield lambda: storage.run(count)
        yield lambda: trading.deposit(user_id, "USDT", Decimal(1), reference=str(metacore.new_id()))
        yield lambda: storage.orders.create_many([NewOrderFactory.build(user_id=user_id)])
        yield block
        yield lambda: storage.balances.audit(user_id)
        yield lambda: list(storage.trades.stream(user_id))


def expect_none_to_fail(runner: Runner, storage: Any, lose: Callable[[], object]) -> None:
    """Lose all connections, once; then each of some calls succeeds, and none is taken twice."""
    work = calls(runner, storage)
    for _ in range(10):
        next(work)()
    before = len(storage.users.list(limit=1000).items)
    lose()
    failed: list[MetacoreError] = []
    for _ in range(CALLS):
        try:
            next(work)()
        except MetacoreError as error:
            failed.append(error)
    assert not failed
    assert len(storage.users.list(limit=1000).items) == before + 2 * CALLS // 10


def test_a_server_stopped_and_started_costs_no_call(runner: Runner, opened: Opening, tmp_path: Path) -> None:
    with EmbeddedPostgres(tmp_path / "data") as server:
        SchemaDeployer(server.url).deploy()

        def restart() -> None:
            shut_down(server)
            server.start()

        with opened(server.url) as storage:
            expect_none_to_fail(runner, storage, restart)


def test_a_failover_costs_no_call(runner: Runner, opened: Opening, tmp_path: Path) -> None:
    with EmbeddedPostgres(tmp_path / "primary") as primary:
        SchemaDeployer(primary.url).deploy()
        copy_of(primary, tmp_path / "standby")
        with EmbeddedPostgres(tmp_path / "standby") as standby:
            hosts = ",".join(psycopg.conninfo.conninfo_to_dict(server.url)["host"] for server in (primary, standby))
            url = f"postgresql://postgres@/postgres?host={quote(hosts)}&port=5432&target_session_attrs=read-write"

            def fail_over() -> None:
                shut_down(primary)
                with psycopg.connect(standby.url, autocommit=True) as admin:
                    assert admin.execute("SELECT pg_promote()").fetchone() == (True,)

            with opened(url) as storage:
                with psycopg.connect(primary.url, autocommit=True) as admin:
                    # What is acknowledged is on the standby.
                    admin.execute("ALTER SYSTEM SET synchronous_standby_names = '*'")
                    admin.execute("SELECT pg_reload_conf()")
                    query = "SELECT 1 FROM pg_stat_replication WHERE sync_state = 'sync'"
                    wait_until(lambda: bool(admin.execute(query).fetchall()))
                with psycopg.connect(standby.url, autocommit=True) as admin:
                    admin.execute("ALTER SYSTEM RESET ALL")
                expect_none_to_fail(runner, storage, fail_over)


def copy_of(server: EmbeddedPostgres, directory: Path) -> None:
    """Make `directory` a standby of `server`."""
    owner = server.data_directory.stat()
    command = [server.bin_path / "pg_basebackup", "-d", server.url, "-D", directory, "-R", "-X", "stream", "-c", "fast"]
    subprocess.run(command, check=True, capture_output=True, timeout=PATIENCE)
    for path in (directory, *directory.rglob("*")):
        os.chown(path, owner.st_uid, owner.st_gid)


def shut_down(server: EmbeddedPostgres) -> None:
    pid = server.pid
    os.kill(pid, signal.SIGINT)
    wait_until(lambda: not Path(f"/proc/{pid}").exists())


def test_ended_sessions_cost_no_call(runner: Runner, opened: Opening, metacore_database_url: str) -> None:
    with opened(metacore_database_url) as storage:
        expect_none_to_fail(runner, storage, lambda: end_sessions(metacore_database_url))


def end_sessions(url: str) -> None:
    with psycopg.connect(url, autocommit=True) as admin:
        query = "SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity WHERE application_name = %s"
        assert admin.execute(query, [NAME]).fetchall()


@pytest.mark.parametrize("reset", [False, True], ids=["closed", "reset"])
def test_idle_connections_cut_on_the_way_cost_no_call(
    runner: Runner, opened: Opening, relay: Relay, reset: bool
) -> None:
    with opened(relay.url) as storage:
        expect_none_to_fail(runner, storage, lambda: relay.cut(reset))


def test_a_read_that_loses_its_connection_is_done_on_another(runner: Runner, opened: Opening, relay: Relay) -> None:
    with opened(relay.url) as storage:
        user = storage.users.create(NewUser())
        for forwards in (False, True):
            storage.users.get(user.id)
            relay.cut_at(user.id.hex[-12:].encode(), forwards=forwards)
            assert storage.users.get(user.id) == user
            assert relay.was_triggered.is_set()
        assert storage.stats().errors == {}


def test_a_loss_in_use_empties_the_pool(runner: Runner, opened: Opening, relay: Relay) -> None:
    with opened(relay.url) as storage:
        user = storage.users.create(NewUser())
        before = pids(relay.url)
        assert len(before) == CONNECTIONS
        relay.cut_at(user.id.hex[-12:].encode(), forwards=True)
        for _ in range(2 * CONNECTIONS):
            storage.users.get(user.id)
        wait_until(lambda: not before & pids(relay.url))


def pids(url: str) -> set[int]:
    with psycopg.connect(url, autocommit=True) as admin:
        query = "SELECT pid FROM pg_stat_activity WHERE application_name = %s"
        return {pid for (pid,) in admin.execute(query, [NAME])}


@pytest.mark.parametrize("forwards", [False, True], ids=["not sent", "sent"])
def test_nobody_knows_what_became_of_a_write_without_an_answer(
    runner: Runner, opened: Opening, relay: Relay, forwards: bool
) -> None:
    with opened(relay.url, connections=1) as storage:
        storage.users.create(NewUser())
        new = NewUser(username="alice")
        relay.cut_at(b"alice", forwards=forwards)
        before = pids(relay.url)
        with pytest.raises(OutcomeUnknownError):
            storage.users.create(new)
        wait_until(lambda: not before & pids(relay.url))
        if forwards:
            with pytest.raises(AlreadyExistsError):
                storage.users.create(new)
        else:
            assert storage.users.create(new).id == new.id


@pytest.mark.parametrize("forwards", [False, True], ids=["not sent", "sent"])
def test_nobody_knows_what_became_of_a_commit_without_an_answer(
    runner: Runner, opened: Opening, relay: Relay, forwards: bool
) -> None:
    called: list[NewUser] = []

    def create(tx: Any) -> None:
        called.append(NewUser())
        tx.users.create(called[-1])

    with opened(relay.url, connections=1) as storage:
        relay.cut_at(b"COMMIT\0", forwards=forwards)
        before = pids(relay.url)
        with pytest.raises(OutcomeUnknownError):
            storage.run(create)
        assert len(called) == 1
        wait_until(lambda: not before & pids(relay.url))
        stored = [user.id for user in storage.users.list().items]
        assert stored == ([called[0].id] if forwards else [])


def test_a_transaction_that_loses_its_connection_before_its_commit_is_run_once_more(
    runner: Runner, opened: Opening, relay: Relay
) -> None:
    called: list[NewUser] = []

    def create(tx: Any) -> None:
        called.append(NewUser())
        tx.users.create(called[-1])
        if len(called) == 1:
            relay.cut()

    def insist(tx: Any) -> None:
        tx.users.create(NewUser())
        relay.cut()

    with opened(relay.url, connections=1) as storage:
        storage.run(create)
        assert [user.id for user in storage.users.list().items] == [called[1].id]
        with pytest.raises(ConnectionLostError):
            storage.run(insist)
        assert len(storage.users.list().items) == 1


def test_a_command_that_loses_its_connection_before_its_commit_is_carried_out_on_another(
    runner: Runner, opened: Opening, relay: Relay
) -> None:
    with opened(relay.url, connections=1) as storage:
        user_id = storage.users.create(NewUser()).id
        trading = runner.service("TradingService", storage)
        trading.deposit(user_id, "USDT", Decimal(1), reference="first")
        for words in (b"BEGIN ", b"\0metacore_"):
            relay.cut_at(words, forwards=True)
            trading.deposit(user_id, "USDT", Decimal(1), reference=words.hex())
            assert relay.was_triggered.is_set()
        assert storage.balances.get(user_id, "USDT").free == 3
        assert not storage.balances.audit(user_id)


def test_a_session_ended_in_mid_statement_has_committed_nothing_and_is_tried_again(
    runner: Runner, opened: Opening, metacore_database_url: str
) -> None:
    """The server says so in place of an answer."""
    with (
        opened(metacore_database_url, connections=2) as storage,
        psycopg.connect(metacore_database_url, autocommit=True) as admin,
    ):
        user = storage.users.create(NewUser())

        def end_the_waiting() -> None:
            # Not by what it waits for: where another server has the row, it waits for that one.
            query = (
                "SELECT pid FROM pg_stat_activity WHERE application_name = %s AND state = 'active'"
                " AND query_start < clock_timestamp() - interval '100 milliseconds'"
            )
            wait_until(
                lambda: (
                    (bool(found := admin.execute(query, [NAME]).fetchall()) and bool(ended.extend(found)))
                    or bool(ended)
                )
            )
            admin.execute("SELECT pg_terminate_backend(%s::int, 10000)", ended[0])
            wait_until(lambda: bool(admin.execute(query, [NAME]).fetchall()))
            other.rollback()

        ended: list[Any] = []
        with psycopg.connect(metacore_database_url) as other:
            other.execute("SELECT FROM metacore.users WHERE id = %s FOR UPDATE", [user.id])
            outcome, _ = runner.together(
                lambda: storage.users.update(user.id, metacore.UserPatch(username="bob")), end_the_waiting
            )
        assert outcome.username == "bob"
        assert storage.stats().errors == {}


def test_an_old_primary_that_turned_read_only_is_left(
    runner: Runner, opened: Opening, metacore_databases: Databases
) -> None:
    with metacore_databases.database() as url, opened(url, connections=3) as storage:
        storage.users.create(NewUser())
        with psycopg.connect(url, autocommit=True) as admin:
            admin.execute(
                "DO $$ BEGIN EXECUTE format('ALTER DATABASE %I SET default_transaction_read_only = on',"
                " current_database()); END $$"
            )
            end_sessions(url)
            wait_until(lambda: len(pids(url)) > 0 or storage.users.list() is None)
            storage.users.list()
            with pytest.raises(StorageUnavailableError, match="read-only"):
                storage.users.create(NewUser())
            admin.execute("SET default_transaction_read_only = off")
            admin.execute(
                "DO $$ BEGIN EXECUTE format('ALTER DATABASE %I RESET default_transaction_read_only',"
                " current_database()); END $$"
            )
        assert storage.users.create(NewUser())
