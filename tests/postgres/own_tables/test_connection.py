"""Statements of one's own in a transaction of the storages: `tx.connection`."""

from __future__ import annotations

import logging
from collections.abc import Callable
from contextlib import ExitStack, suppress
from typing import Any

import psycopg
import pytest
from psycopg.pq import TransactionStatus
from psycopg.rows import dict_row

from metacore import InvalidDataError, NewUser, TransactionAbortedError
from metacore.sync import TradingService
from metacore.sync.storage.storage import Storage

from .programs import ONE, FloatLoader, SomeError, order_of, overdraw, rich


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

    def test_within_a_pipeline_there_are_statements_of_ones_own_alone(
        self, storage: Storage, carts: Callable[[], list[int]]
    ) -> None:
        user_id = rich(storage)
        with storage.transaction() as tx:
            with tx.connection.pipeline():
                tx.connection.execute("INSERT INTO public.carts VALUES (1)")
                for refused in (lambda: tx.users.get(user_id), lambda: tx.transaction().__enter__()):
                    with pytest.raises(InvalidDataError, match=r"leave the block of pipeline\(\)"):
                        refused()
                tx.connection.execute("INSERT INTO public.carts VALUES (2)")
            assert tx.users.get(user_id).id == user_id
        with ExitStack() as left, pytest.raises(InvalidDataError), storage.transaction() as tx:
            left.enter_context(suppress(psycopg.Error))
            left.enter_context(tx.connection.pipeline())
            tx.connection.execute("INSERT INTO public.carts VALUES (3)")
        assert carts() == [1, 2]

    def test_a_savepoint_in_which_nothing_is_done_costs_nothing(
        self, plain: Storage, caplog: pytest.LogCaptureFixture
    ) -> None:
        with plain.transaction() as tx, caplog.at_level(logging.DEBUG, "metacore.postgres.client.round_trip"):
            tx.connection.execute("SELECT 1")
            with tx.transaction():
                pass
            assert caplog.messages == []

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
        notes: list[Any] = []
        for _ in range(2):
            with plain.transaction() as tx:
                connection = tx.connection
                assert isinstance(connection, psycopg.Connection)
                assert connection.execute("SELECT '[1.5]'::json, current_setting('search_path')").fetchone() == (
                    [1.5],
                    "pg_catalog",
                )
                connection.execute("DO $$ BEGIN RAISE NOTICE 'note' USING COLUMN = 'it'; END $$")
                assert (notes, connection.prepare_threshold) == ([], None)
                connection.add_notice_handler(notes.append)
                connection.row_factory = dict_row
                connection.adapters.register_loader("numeric", FloatLoader)
                connection.execute("SET search_path = public; SET TimeZone = 'Asia/Tokyo'; CREATE TEMP TABLE t ()")
                connection.prepare_threshold = 0
                assert rich(tx)
        pids = set()
        for _ in range(2):
            with plain.transaction() as tx:
                pids.add(tx.connection.info.backend_pid)
        assert len(pids) == 1
