"""Statements of one's own in a transaction of the storages, and the storages in a transaction of one's own."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from decimal import Decimal
from typing import Any
from uuid import UUID

import psycopg
import psycopg_pool
import pytest
from psycopg.adapt import Loader
from psycopg.pq import TransactionStatus
from psycopg.rows import dict_row

import metacore
from metacore import (
    BalanceDelta,
    ConfigurationError,
    EntryReason,
    InsufficientFundsError,
    InvalidDataError,
    NewOrder,
    NewUser,
    Settings,
    StorageUnavailableError,
    TransactionAbortedError,
)
from metacore.sync import TradingService, connect
from metacore.sync.storage.storage import Storage, Transaction
from metacore.testing.factories import NewOrderFactory

ONE = Decimal(1)


class SomeError(Exception):
    """An error of the program around."""


@pytest.fixture
def url(metacore_database_url: str) -> str:
    """A database that has a table of one's own, too."""
    with psycopg.connect(metacore_database_url) as connection:
        connection.execute("CREATE TABLE public.carts (id int PRIMARY KEY, order_id uuid, note json)")
    return metacore_database_url


@pytest.fixture(params=["own pool", "time-outs with BEGIN", "pool handed in"])
def storage(request: pytest.FixtureRequest, url: str) -> Iterator[Storage]:
    with ExitStack() as stack:
        if request.param == "pool handed in":
            pool = stack.enter_context(psycopg_pool.ConnectionPool(url, min_size=1, max_size=2))
            yield stack.enter_context(connect(pool=pool))
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


def rich(storage: Storage) -> UUID:
    """A user who has money."""
    user = storage.users.create(NewUser())
    storage.balances.put(user.id, "USDT", ONE * 1000, Decimal(0))
    return user.id


def order_of(user_id: UUID) -> NewOrder:
    return NewOrderFactory.build(user_id=user_id, price=ONE, quantity=ONE)


def overdraw(tx: Transaction, user_id: UUID) -> None:
    """Fail by a rule, not by the server."""
    delta = BalanceDelta(
        user_id=user_id,
        asset="USDT",
        delta_free=-ONE * 10_000,
        reason=EntryReason.WITHDRAWAL,
        reference="too much",
        occurred_at=tx.now(),
    )
    with pytest.raises(InsufficientFundsError):
        tx.balances.apply([delta])


class TestConnection:
    @pytest.mark.parametrize("first", ["mine", "order"])
    @pytest.mark.parametrize("fails", [False, True])
    def test_a_row_and_an_order_are_stored_both_or_neither(
        self, storage: Storage, carts: Callable[[], list[int]], first: str, fails: bool
    ) -> None:
        order = order_of(rich(storage))
        steps = [
            lambda tx: tx.connection.execute("INSERT INTO public.carts VALUES (1, %s)", [order.id]),
            lambda tx: TradingService(tx).place_order(order),
        ]
        try:
            with storage.transaction() as tx:
                for step in steps if first == "mine" else reversed(steps):
                    step(tx)
                if fails:
                    raise SomeError
        except SomeError:
            pass
        stored = [found.id for found in storage.orders.list(order.user_id).items]
        assert (carts(), stored) == (([], []) if fails else ([1], [order.id]))

    def test_the_first_statement_is_in_the_savepoint_around_it(
        self, storage: Storage, carts: Callable[[], list[int]]
    ) -> None:
        with storage.transaction() as tx:
            with pytest.raises(SomeError), tx.transaction() as inner:
                inner.connection.execute("INSERT INTO public.carts VALUES (1)")
                raise SomeError
            with tx.transaction():
                tx.connection.execute("INSERT INTO public.carts VALUES (2)")
            with pytest.raises(SomeError), tx.transaction():
                tx.connection.execute("INSERT INTO public.carts VALUES (3)")
                raise SomeError
        assert carts() == [2]

    def test_whatever_psycopg_sends_first_is_within_it(self, storage: Storage, carts: Callable[[], list[int]]) -> None:
        def copy(connection: psycopg.Connection[Any]) -> None:
            with connection.cursor() as cursor, cursor.copy("COPY public.carts (id) FROM STDIN") as rows:
                rows.write_row((1,))

        def pipeline(connection: psycopg.Connection[Any]) -> None:
            with connection.pipeline():
                connection.execute("INSERT INTO public.carts VALUES (2)")

        def nested(connection: psycopg.Connection[Any]) -> None:
            with connection.transaction():
                connection.execute("INSERT INTO public.carts VALUES (3)")

        def by_server_cursor(connection: psycopg.Connection[Any]) -> None:
            with connection.cursor("named") as cursor:
                assert cursor.execute("SELECT 1").fetchall() == [(1,)]

        for use in (copy, pipeline, nested, by_server_cursor):
            with pytest.raises(SomeError), storage.transaction() as tx:
                use(tx.connection)
                assert tx.connection.info.transaction_status == TransactionStatus.INTRANS
                raise SomeError
        assert carts() == []

    def test_a_failed_statement_dooms_up_to_the_nearest_savepoint(self, storage: Storage) -> None:
        user = storage.users.create(NewUser())
        with pytest.raises(TransactionAbortedError, match="a statement of your own"), storage.transaction() as tx:
            with pytest.raises(psycopg.errors.DivisionByZero):
                tx.connection.execute("SELECT 1 / 0")
            with pytest.raises(TransactionAbortedError):
                tx.users.get(user.id)
        with storage.transaction() as tx:
            with pytest.raises(TransactionAbortedError), tx.transaction(), pytest.raises(psycopg.Error):
                tx.connection.execute("SELECT 1 / 0")
            with pytest.raises(psycopg.Error), tx.connection.transaction():
                tx.connection.execute("SELECT 1 / 0")
            assert tx.users.get(user.id) == user

    def test_an_operation_that_fails_dooms_statements_too(self, storage: Storage) -> None:
        user_id = rich(storage)
        with pytest.raises(TransactionAbortedError), storage.transaction() as tx:
            connection = tx.connection
            overdraw(tx, user_id)
            with pytest.raises(TransactionAbortedError):
                connection.execute("SELECT 1")

    def test_what_a_savepoint_of_psycopg_undoes_is_not_remembered(self, storage: Storage) -> None:
        user_id = rich(storage)
        trading = TradingService(storage)
        with storage.transaction() as tx:
            within = TradingService(tx)
            with pytest.raises(SomeError), tx.connection.transaction():
                within.deposit(user_id, "USDT", ONE, reference="undone")
                raise SomeError
            within.deposit(user_id, "USDT", ONE, reference="kept")
        assert trading.deposit(user_id, "USDT", ONE, reference="later").balance.free == 1002
        assert storage.balances.audit(user_id) == []

    def test_it_ends_with_the_block_and_no_sooner(self, storage: Storage, carts: Callable[[], list[int]]) -> None:
        with storage.transaction() as tx:
            connection = tx.connection
            connection.execute("INSERT INTO public.carts VALUES (1)")
            for end in (connection.commit, connection.rollback, connection.close):
                with pytest.raises(psycopg.ProgrammingError, match="the end of its block"):
                    end()
        with pytest.raises(TransactionAbortedError):
            connection.execute("SELECT 1")
        with pytest.raises(TransactionAbortedError):
            tx.connection.execute("SELECT 1")
        with pytest.raises(TransactionAbortedError, match="its end"), storage.transaction() as tx:
            tx.connection.execute("COMMIT")
        assert carts() == [1]

    def test_it_is_psycopgs_own_and_what_is_done_to_it_is_gone_with_it(self, plain: Storage) -> None:
        for _ in range(2):
            with plain.transaction() as tx:
                connection = tx.connection
                assert isinstance(connection, psycopg.Connection)
                assert connection.execute("SELECT '[1.5]'::json, current_setting('search_path')").fetchone() == (
                    [1.5],
                    "pg_catalog",
                )
                connection.row_factory = dict_row
                connection.adapters.register_loader("numeric", FloatLoader)
                connection.execute("SET search_path = public; SET TimeZone = 'Asia/Tokyo'; CREATE TEMP TABLE t ()")
                assert rich(tx)
        pids = set()
        for _ in range(2):
            with plain.transaction() as tx:
                pids.add(tx.connection.info.backend_pid)
        assert len(pids) == 1


class FloatLoader(Loader):
    """What others may have registered for their connections."""

    def load(self, data: Any) -> float:
        return float(data)


class TestBind:
    @pytest.mark.parametrize("fails", [False, True])
    @pytest.mark.parametrize("first", [False, True])
    def test_it_comes_to_pass_with_the_transaction_around_it(
        self, plain: Storage, mine: psycopg.Connection, carts: Callable[[], list[int]], fails: bool, first: bool
    ) -> None:
        order = order_of(rich(plain))
        tx = plain.bind(mine)
        if first:
            mine.execute("INSERT INTO public.carts VALUES (1)")
        assert TradingService(tx).place_order(order).id == order.id
        if not first:
            mine.execute("INSERT INTO public.carts VALUES (1)")
        assert plain.orders.list(order.user_id).items == ()
        (mine.rollback if fails else mine.commit)()
        stored = [found.id for found in plain.orders.list(order.user_id).items]
        assert (carts(), stored) == (([], []) if fails else ([1], [order.id]))
        assert not mine.closed

    def test_the_connection_is_left_as_it_was(self, plain: Storage, mine: psycopg.Connection[Any]) -> None:
        def state() -> list[Any]:
            settings = mine.execute("SELECT name, setting FROM pg_settings ORDER BY name").fetchall()
            return [settings, mine.execute("SELECT statement FROM pg_prepared_statements").fetchall()]

        mine.prepare_threshold = None
        mine.row_factory = dict_row
        mine.adapters.register_loader("numeric", FloatLoader)
        mine.execute("SET search_path = public; SET TimeZone = 'Asia/Tokyo'; SET lock_timeout = 77")
        mine.commit()
        user_id = rich(plain)
        before = state()
        tx = plain.bind(mine)
        assert tx.users.get(user_id) == plain.users.get(user_id)
        assert str(tx.users.get(user_id).created_at.tzinfo) == "UTC"
        assert tx.balances.get(user_id, "USDT").free == 1000
        assert tx.orders.create_many([order_of(user_id)]).inserted == 1
        with tx.transaction():
            tx.users.get(user_id)
        assert state() == before
        assert tx.connection is mine

    def test_what_dooms_keeps_it_from_being_committed(
        self, plain: Storage, mine: psycopg.Connection, carts: Callable[[], list[int]]
    ) -> None:
        user_id = rich(plain)
        tx = plain.bind(mine)
        mine.execute("INSERT INTO public.carts VALUES (1)")
        overdraw(tx, user_id)
        with pytest.raises(TransactionAbortedError):
            tx.users.get(user_id)
        mine.commit()
        assert carts() == []
        with pytest.raises(psycopg.Error):
            mine.execute("SELECT 1 / 0")
        with pytest.raises(TransactionAbortedError):
            plain.bind(mine)

    def test_savepoints_hold_both_and_services_join(
        self, plain: Storage, mine: psycopg.Connection, carts: Callable[[], list[int]]
    ) -> None:
        user_id = rich(plain)
        tx = plain.bind(mine)
        with pytest.raises(SomeError), tx.transaction():
            mine.execute("INSERT INTO public.carts VALUES (1)")
            TradingService(tx).deposit(user_id, "USDT", ONE, reference="undone")
            raise SomeError
        with pytest.raises(SomeError), mine.transaction():
            TradingService(tx).deposit(user_id, "USDT", ONE, reference="undone")
            raise SomeError
        with pytest.raises(TransactionAbortedError), tx.transaction() as inner:
            overdraw(inner, user_id)
        with pytest.raises(InsufficientFundsError):
            TradingService(tx).withdraw(user_id, "USDT", ONE * 10_000, reference="too much")
        mine.execute("INSERT INTO public.carts VALUES (2)")
        TradingService(tx).deposit(user_id, "USDT", ONE, reference="kept")
        mine.commit()
        assert carts() == [2]
        assert plain.balances.get(user_id, "USDT").free == 1001
        assert plain.balances.audit(user_id) == []
        with pytest.raises(TransactionAbortedError):
            tx.users.get(user_id)

    def test_what_cannot_be_bound_is_refused_with_a_sentence(self, plain: Storage, url: str) -> None:
        with psycopg.connect(url, autocommit=True) as connection:
            with pytest.raises(InvalidDataError, match="autocommit"):
                plain.bind(connection)
            with connection.transaction():
                assert plain.bind(connection).users.list().items == ()
        with pytest.raises(StorageUnavailableError, match="closed"):
            plain.bind(connection)
        with pytest.raises(InvalidDataError, match="driver_connection"):
            plain.bind(plain)  # type: ignore[arg-type]
        with psycopg.connect(url, client_encoding="LATIN1") as connection:
            with pytest.raises(InvalidDataError, match="UTF8"):
                plain.bind(connection)
        with psycopg.connect(url) as connection:
            connection.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
            with pytest.raises(ConfigurationError, match="READ COMMITTED"):
                plain.bind(connection).users.create(NewUser())
            connection.commit()
        assert plain.users.list().items == ()


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
