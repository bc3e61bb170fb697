"""The contract of transactions."""

from __future__ import annotations

from decimal import Decimal
from threading import Event
from typing import Any

import pytest

from metacore.domain.people.users import User, UserPatch
from metacore.domain.trading.decisions import Changes, Selection
from metacore.domain.trading.orders import Order
from metacore.errors import LockTimeoutError, NotFoundError, TransactionAbortedError
from metacore.sync.storage.storage import Storage, Transaction
from metacore.testing.contract.base import Contract, Opening
from metacore.testing.factories import (
    BalanceDeltaFactory,
    NewOrderFactory,
    NewOrderUpdateFactory,
    NewTradeFactory,
    NewUserFactory,
)
from metacore.testing.loop_threads import PATIENCE
from metacore.testing.runners import Runner

ONE, ZERO = Decimal(1), Decimal(0)


class SomeError(Exception):
    """An error that is not Metacore's."""


def write_everywhere(tx: Transaction, user: User) -> Order:
    """Write one row to every storage."""
    tx.users.update(user.id, UserPatch(username="written"))
    order = tx.orders.create(NewOrderFactory.build(user_id=user.id))
    tx.order_updates.append(NewOrderUpdateFactory.build(of=order))
    tx.trades.create(NewTradeFactory.build(of=order))
    tx.balances.apply([BalanceDeltaFactory.build(user_id=user.id)])
    tx.users.create(NewUserFactory.build())
    return order


def everything(storage: Any, user: User) -> list[Any]:
    """What is stored of the user, and who else there is."""
    orders = storage.orders.list(user.id).items
    return [
        storage.users.get(user.id),
        storage.users.list().items,
        orders,
        [storage.order_updates.list(*order.key) for order in orders],
        storage.trades.list(user.id).items,
        storage.balances.list(user.id),
        storage.balances.entries(user.id).items,
    ]


class TransactionContract(Contract):
    """Of `Storages.transaction`: what it reads, what it stores."""

    def test_leaving_it_normally_commits_all_of_it(self, storage: Storage, user: User) -> None:
        with storage.transaction() as tx:
            write_everywhere(tx, user)
            written = everything(tx, user)
        assert everything(storage, user) == written
        assert [len(part) for part in written[2:]] == [1] * 5

    def test_it_reads_its_own_writes(self, storage: Storage, user: User) -> None:
        with storage.transaction() as tx:
            order = write_everywhere(tx, user)
            assert tx.users.get_by_username("written").id == user.id
            assert tx.orders.get(*order.key) == order
            assert tx.orders.get_by_client_order_id(user.id, str(order.client_order_id)) == order
            assert tx.orders.list_open(user.id) == (order,)
            assert tx.balances.get(user.id, "USDT").free == 1000
            assert len(tx.trades.list_by_order(*order.key)) == 1
            tx.users.delete(user.id)
            with pytest.raises(NotFoundError):
                tx.orders.get(*order.key)

    def test_others_see_nothing_of_it_before_the_commit(self, storage: Storage, user: User) -> None:
        before = everything(storage, user)
        with storage.transaction() as tx:
            write_everywhere(tx, user)
            assert everything(storage, user) == before
        assert everything(storage, user) != before

    def test_it_sees_what_others_commit_meanwhile(self, storage: Storage, user: User) -> None:
        with storage.transaction() as tx:
            assert tx.users.get(user.id) == user
            updated = storage.users.update(user.id, UserPatch(username="meanwhile"))
            assert tx.users.get(user.id) == updated

    def test_leaving_it_by_an_error_stores_nothing_and_passes_the_error_on(self, storage: Storage, user: User) -> None:
        before, error = everything(storage, user), SomeError()
        with pytest.raises(SomeError) as caught, storage.transaction() as tx:
            write_everywhere(tx, user)
            raise error
        assert caught.value is error
        assert everything(storage, user) == before

    @pytest.mark.parametrize("error", [KeyboardInterrupt, SystemExit, GeneratorExit])
    def test_leaving_it_by_an_interruption_stores_nothing(
        self, storage: Storage, user: User, error: type[BaseException]
    ) -> None:
        before = everything(storage, user)
        with pytest.raises(error), storage.transaction() as tx:
            write_everywhere(tx, user)
            raise error
        assert everything(storage, user) == before

    def test_it_may_do_nothing(self, storage: Storage) -> None:
        with storage.transaction():
            pass
        with storage.transaction() as tx, tx.transaction():
            pass

    def test_after_its_end_it_raises(self, storage: Storage, user: User) -> None:
        with storage.transaction() as committed:
            with committed.transaction() as released:
                pass
            with pytest.raises(TransactionAbortedError):
                released.users.get(user.id)
        with pytest.raises(SomeError), storage.transaction() as undone:
            raise SomeError
        for tx in (committed, released, undone):
            for use in (
                lambda tx=tx: tx.users.get(user.id),
                lambda tx=tx: tx.users.update(user.id, UserPatch(username="late")),
                lambda tx=tx: list(tx.trades.stream(user.id)),
                lambda tx=tx: tx.save(Changes()),
                lambda tx=tx: tx.run(lambda inner: inner.users.list()),
                lambda tx=tx: tx.transaction().__enter__(),
            ):
                with pytest.raises(TransactionAbortedError):
                    use()
        assert storage.users.get(user.id) == user

    def test_transactions_on_the_same_rows_wait_for_each_other(
        self, storage: Storage, runner: Runner, user: User
    ) -> None:
        storage.balances.put(user.id, "USDT", ONE, ZERO)

        def double() -> None:
            with storage.transaction() as tx:
                (balance,) = tx.balances.get_many([(user.id, "USDT")], for_update=True)
                tx.balances.put(user.id, "USDT", balance.free * 2, ZERO)

        assert runner.together(*[double] * 8) == [None] * 8
        assert storage.balances.get(user.id, "USDT").free == 2**8

    @pytest.mark.parametrize("name", ["orders", "balances"])
    def test_rows_read_for_update_stay_locked_until_it_ends(
        self, open_storage: Opening, runner: Runner, name: str
    ) -> None:
        storage = open_storage(lock_timeout=0.05)
        user = storage.users.create(NewUserFactory.build())
        order = storage.orders.create(NewOrderFactory.build(user_id=user.id))
        storage.balances.put(user.id, "USDT", ONE, ZERO)
        keys: Any = [{"orders": order.key, "balances": (user.id, "USDT")}[name]]
        locked, tried = Event(), Event()

        def hold() -> int:
            with storage.transaction() as tx:
                rows = getattr(tx, name).get_many(keys, for_update=True)
                locked.set()
                assert tried.wait(PATIENCE)
                return len(rows)

        def try_to_lock() -> int:
            assert locked.wait(PATIENCE)
            try:
                with storage.transaction() as tx:
                    return len(getattr(tx, name).get_many(keys, for_update=True))
            finally:
                tried.set()

        held, error = runner.together(hold, try_to_lock)
        assert held == 1
        assert isinstance(error, LockTimeoutError)
        assert len(getattr(storage, name).get_many(keys, for_update=True)) == 1

    @pytest.mark.parametrize("name", ["apply", "put", "save"])
    def test_a_user_locked_alone_keeps_the_balances_from_changing(
        self, open_storage: Opening, runner: Runner, name: str
    ) -> None:
        storage = open_storage(lock_timeout=0.05)
        user = storage.users.create(NewUserFactory.build())
        storage.balances.put(user.id, "USDT", ONE * 2, ZERO)
        before = storage.balances.list(user.id)
        delta = BalanceDeltaFactory.build(user_id=user.id, asset="USDT", delta_free=ONE)
        locked, tried = Event(), Event()

        def hold() -> None:
            with storage.transaction() as tx:
                tx.load(Selection(users=frozenset({user.id}), exclusive_users=True))
                locked.set()
                assert tried.wait(PATIENCE)

        def change() -> None:
            assert locked.wait(PATIENCE)
            try:
                if name == "apply":
                    storage.balances.apply([delta])
                elif name == "put":
                    storage.balances.put(user.id, "USDT", ONE, ZERO)
                else:
                    with storage.transaction() as tx:
                        tx.save(Changes(balance_deltas=(delta,)))
            finally:
                tried.set()

        _, error = runner.together(hold, change)
        assert isinstance(error, LockTimeoutError)
        assert storage.balances.list(user.id) == before

    def test_locked_rows_may_be_read(self, storage: Storage, user: User) -> None:
        with storage.transaction() as tx:
            order = tx.orders.create(NewOrderFactory.build(user_id=user.id))
        with storage.transaction() as tx:
            tx.orders.get_many([order.key], for_update=True)
            assert storage.orders.get(*order.key) == order
