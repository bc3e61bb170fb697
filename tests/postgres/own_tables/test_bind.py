"""The storages in a transaction of one's own: `storage.bind`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import psycopg
import pytest
from psycopg.pq import TransactionStatus
from psycopg.rows import dict_row

from metacore import (
    ConfigurationError,
    InsufficientFundsError,
    InvalidDataError,
    NewUser,
    StorageUnavailableError,
    TransactionAbortedError,
    UserPatch,
)
from metacore.domain.trading.decisions import Changes, Selection
from metacore.ids import new_id
from metacore.sync import TradingService
from metacore.sync.storage.storage import Storage, Transaction
from metacore.testing.factories import BalanceDeltaFactory

from .programs import ONE, FloatLoader, SomeError, order_of, overdraw, rich


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
            # Those of a module are there once the server has loaded it.
            settings = mine.execute(
                "SELECT name, setting FROM pg_settings WHERE name NOT LIKE 'plpgsql.%' ORDER BY name"
            ).fetchall()
            prepared = mine.execute("SELECT statement FROM pg_prepared_statements").fetchall()
            return [settings, prepared, list(mine._notice_handlers)]

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
        with tx.transaction() as inner:
            assert inner.orders.create_many([order_of(user_id)]).inserted == 1
            assert inner.connection is mine
        assert state() == before
        assert tx.connection is mine

    def test_what_is_saved_last_is_committed_by_its_owner_all_the_same(
        self, plain: Storage, mine: psycopg.Connection
    ) -> None:
        user_id = rich(plain)
        before = plain.balances.list(user_id)
        tx = plain.bind(mine)
        delta = BalanceDeltaFactory.build(user_id=user_id, asset="USDT")
        tx.balances.get_many([(user_id, "USDT")], for_update=True)
        saved = tx.save(Changes(balance_deltas=(delta,)), last=True)
        assert tx.balances.get(user_id, "USDT") == saved[user_id, "USDT"]
        assert plain.balances.list(user_id) == before
        mine.commit()
        assert plain.balances.get(user_id, "USDT") == saved[user_id, "USDT"]

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

    @pytest.mark.parametrize(
        "operation",
        [
            lambda tx: tx.users.get(new_id()),
            lambda tx: next(tx.users.stream()),
            lambda tx: tx.users.set_credentials(new_id(), None),
            lambda tx: tx.load(Selection(users=frozenset([new_id()]))),
            lambda tx: tx.save(Changes(user_patches={new_id(): UserPatch(can_trade=True)})),
        ],
    )
    def test_so_does_every_operation_that_dooms(
        self,
        plain: Storage,
        mine: psycopg.Connection,
        carts: Callable[[], list[int]],
        operation: Callable[[Transaction], Any],
    ) -> None:
        mine.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
        mine.execute("INSERT INTO public.carts VALUES (1)")
        with pytest.raises(ConfigurationError):
            operation(plain.bind(mine))
        mine.commit()
        assert carts() == []

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

    def test_it_is_over_with_the_transaction_that_was_under_way(self, plain: Storage, mine: psycopg.Connection) -> None:
        mine.execute("SELECT 1")
        tx = plain.bind(mine)
        mine.commit()
        with pytest.raises(TransactionAbortedError, match="its end"):
            tx.users.list()
        assert mine.info.transaction_status == TransactionStatus.IDLE

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
        with psycopg.connect(url) as connection, connection.pipeline():
            with pytest.raises(InvalidDataError, match=r"leave the block of pipeline\(\)"):
                plain.bind(connection)
        assert plain.users.list().items == ()
