"""The contract of transactions."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from threading import Event
from typing import Any

import pytest

from metacore.domain.changes import Changes
from metacore.domain.orders import Order
from metacore.domain.users import User, UserPatch
from metacore.errors import (
    AlreadyExistsError,
    ConflictError,
    InsufficientFundsError,
    InvalidDataError,
    LockTimeoutError,
    MetacoreError,
    NotFoundError,
    RetryableError,
    StaleVersionError,
    TransactionAbortedError,
)
from metacore.sync.storage.storage import Storage, Transaction
from metacore.testing.contract.base import Contract, Opening
from metacore.testing.contract.samples import NOBODY
from metacore.testing.factories import (
    BalanceDeltaFactory,
    NewOrderFactory,
    NewOrderUpdateFactory,
    NewTradeFactory,
    NewUserFactory,
)
from metacore.testing.worlds import PATIENCE, World

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

    def test_a_savepoint_left_normally_is_part_of_it(self, storage: Storage, user: User) -> None:
        with storage.transaction() as tx:
            with tx.transaction() as inner:
                order = write_everywhere(inner, user)
            assert tx.orders.get(*order.key) == order
            with pytest.raises(NotFoundError):
                storage.orders.get(*order.key)
        assert storage.orders.get(*order.key) == order

    def test_an_error_that_leaves_a_savepoint_undoes_it_alone(self, storage: Storage, user: User) -> None:
        error = SomeError()
        with storage.transaction() as tx:
            tx.users.update(user.id, UserPatch(email="outer@example.com"))
            before = everything(tx, user)
            with pytest.raises(SomeError) as caught, tx.transaction() as inner:
                write_everywhere(inner, user)
                raise error
            assert caught.value is error
            assert everything(tx, user) == before
            tx.users.update(user.id, UserPatch(is_active=False))
        stored = storage.users.get(user.id)
        assert (stored.email, stored.username, stored.is_active) == ("outer@example.com", user.username, False)
        assert storage.orders.list(user.id).items == ()

    def test_an_error_that_leaves_it_undoes_its_savepoints(self, storage: Storage, user: User) -> None:
        before = everything(storage, user)
        with pytest.raises(SomeError), storage.transaction() as tx:
            with tx.transaction() as inner:
                write_everywhere(inner, user)
            raise SomeError
        assert everything(storage, user) == before

    def test_savepoints_nest(self, storage: Storage, user: User) -> None:
        def rename(tx: Transaction, name: str) -> None:
            tx.users.update(user.id, UserPatch(username=name))

        with storage.transaction() as first:
            with first.transaction() as second:
                rename(second, "second")
                with pytest.raises(SomeError), second.transaction() as third:
                    rename(third, "third")
                    with third.transaction() as fourth:
                        rename(fourth, "fourth")
                    raise SomeError
                assert second.users.get(user.id).username == "second"
                with second.transaction() as third:
                    assert third.users.get(user.id).username == "second"
            with first.transaction() as another:
                another.users.update(user.id, UserPatch(is_active=False))
        stored = storage.users.get(user.id)
        assert (stored.username, stored.is_active, stored.version) == ("second", False, 3)

    def test_a_savepoint_undone_gives_back_unique_values_and_seqs(self, storage: Storage, user: User) -> None:
        with storage.transaction() as tx:
            order = tx.orders.create(NewOrderFactory.build(user_id=user.id))
            with pytest.raises(SomeError), tx.transaction() as inner:
                inner.users.create(NewUserFactory.build(username="taken"))
                inner.order_updates.append(NewOrderUpdateFactory.build(of=order))
                inner.balances.put(user.id, "USDT", ONE, ZERO)
                raise SomeError
            tx.users.create(NewUserFactory.build(username="taken"))
            assert tx.order_updates.append(NewOrderUpdateFactory.build(of=order)).seq == 1
            tx.balances.put(user.id, "USDT", ONE, ZERO)
        assert storage.balances.get(user.id, "USDT").last_seq == 1
        assert storage.balances.audit(user.id) == []

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
        self, storage: Storage, world: World, user: User
    ) -> None:
        storage.balances.put(user.id, "USDT", ONE, ZERO)

        def double() -> None:
            with storage.transaction() as tx:
                (balance,) = tx.balances.get_many([(user.id, "USDT")], for_update=True)
                tx.balances.put(user.id, "USDT", balance.free * 2, ZERO)

        assert world.together(*[double] * 8) == [None] * 8
        assert storage.balances.get(user.id, "USDT").free == 2**8

    @pytest.mark.parametrize("name", ["orders", "balances"])
    def test_rows_read_for_update_stay_locked_until_it_ends(
        self, open_storage: Opening, world: World, name: str
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

        held, error = world.together(hold, try_to_lock)
        assert held == 1
        assert isinstance(error, LockTimeoutError)
        assert len(getattr(storage, name).get_many(keys, for_update=True)) == 1

    def test_locked_rows_may_be_read(self, storage: Storage, user: User) -> None:
        with storage.transaction() as tx:
            order = tx.orders.create(NewOrderFactory.build(user_id=user.id))
        with storage.transaction() as tx:
            tx.orders.get_many([order.key], for_update=True)
            assert storage.orders.get(*order.key) == order


Offence = Callable[[Transaction, User, User, Order], object]

DOOMING: dict[str, tuple[type[MetacoreError], Offence]] = {
    "a taken username": (
        AlreadyExistsError,
        lambda tx, user, other, order: tx.users.update(user.id, UserPatch(username=other.username)),
    ),
    "a taken user id": (
        AlreadyExistsError,
        lambda tx, user, other, order: tx.users.create(NewUserFactory.build(id=other.id)),
    ),
    "a taken order id": (
        AlreadyExistsError,
        lambda tx, user, other, order: tx.orders.create(NewOrderFactory.build(user_id=user.id, id=order.id)),
    ),
    "a conflicting import": (
        ConflictError,
        lambda tx, user, other, order: tx.orders.create_many([NewOrderFactory.build(user_id=user.id, id=order.id)]),
    ),
    "a taken reference": (
        AlreadyExistsError,
        lambda tx, user, other, order: tx.balances.apply(
            [BalanceDeltaFactory.build(user_id=user.id, reference="same", asset=asset) for asset in ("A", "B")]
        ),
    ),
    "a balance below zero": (
        InsufficientFundsError,
        lambda tx, user, other, order: tx.balances.apply([BalanceDeltaFactory.build(user_id=user.id, delta_free=-ONE)]),
    ),
    "deleting an order that holds": (
        ConflictError,
        lambda tx, user, other, order: (
            tx.save(Changes(orders=(order.changed(held_asset="USDT", held_amount=ONE, version=2),))),
            tx.orders.delete(*order.key),
        ),
    ),
}

HARMLESS: dict[str, tuple[type[MetacoreError], Offence]] = {
    "a user that does not exist": (NotFoundError, lambda tx, user, other, order: tx.users.get(NOBODY)),
    "an update of nobody": (NotFoundError, lambda tx, user, other, order: tx.users.update(NOBODY, UserPatch())),
    "deleting nobody": (NotFoundError, lambda tx, user, other, order: tx.users.delete(NOBODY)),
    "an order of nobody": (
        NotFoundError,
        lambda tx, user, other, order: tx.orders.create(NewOrderFactory.build(user_id=NOBODY)),
    ),
    "orders of nobody": (
        NotFoundError,
        lambda tx, user, other, order: tx.orders.create_many(
            NewOrderFactory.build(user_id=user_id) for user_id in (user.id, NOBODY)
        ),
    ),
    "another user's order": (NotFoundError, lambda tx, user, other, order: tx.orders.delete(other.id, order.id)),
    "an update of another user's order": (
        NotFoundError,
        lambda tx, user, other, order: tx.order_updates.append_many(
            [NewOrderUpdateFactory.build(of=order), NewOrderUpdateFactory.build(of=order, user_id=other.id)]
        ),
    ),
    "a trade of nobody": (
        NotFoundError,
        lambda tx, user, other, order: tx.trades.create(NewTradeFactory.build(user_id=NOBODY)),
    ),
    "a balance never had": (NotFoundError, lambda tx, user, other, order: tx.balances.get(user.id, "NONE")),
    "a balance of nobody": (
        NotFoundError,
        lambda tx, user, other, order: tx.balances.put(NOBODY, "USDT", ONE, ZERO),
    ),
    "changes of nobody's balance": (
        NotFoundError,
        lambda tx, user, other, order: tx.balances.apply(
            [BalanceDeltaFactory.build(user_id=user_id) for user_id in (user.id, NOBODY)]
        ),
    ),
    "an audit of nobody": (NotFoundError, lambda tx, user, other, order: tx.balances.audit(NOBODY)),
    "a stale version of a user": (
        StaleVersionError,
        lambda tx, user, other, order: tx.users.update(user.id, UserPatch(username="stale"), expected_version=9),
    ),
    "a stale version of an order": (
        StaleVersionError,
        lambda tx, user, other, order: tx.save(Changes(orders=(order.changed(version=9),))),
    ),
    "a limit of zero": (InvalidDataError, lambda tx, user, other, order: tx.orders.list(user.id, limit=0)),
    "a cursor that is none": (InvalidDataError, lambda tx, user, other, order: tx.users.list(after="garbage")),
    "a text with NUL": (InvalidDataError, lambda tx, user, other, order: tx.users.get_by_username("\0")),
    "a negative balance": (
        InvalidDataError,
        lambda tx, user, other, order: tx.balances.put(user.id, "USDT", -ONE, ZERO),
    ),
    "a balance beyond the digits": (
        InvalidDataError,
        lambda tx, user, other, order: tx.balances.apply(
            [BalanceDeltaFactory.build(user_id=user.id, delta_free=Decimal(10) ** 20 - 1) for _ in range(2)]
        ),
    ),
}


class DoomContract(Contract):
    """Of `Storages.transaction`: what its errors do to it."""

    @pytest.fixture
    def order(self, storage: Storage, user: User) -> Order:
        return storage.orders.create(NewOrderFactory.build(user_id=user.id))

    @pytest.mark.parametrize("name", DOOMING)
    def test_an_error_that_dooms_it_lets_nothing_more_be_done_and_nothing_be_stored(
        self, storage: Storage, user: User, other: User, order: Order, name: str
    ) -> None:
        kind, offend = DOOMING[name]
        before = everything(storage, user)
        with pytest.raises(TransactionAbortedError), storage.transaction() as tx:
            tx.users.update(user.id, UserPatch(email="lost@example.com"))
            with pytest.raises(kind) as caught:
                offend(tx, user, other, order)
            assert caught.value.dooms_transaction
            for use in (
                lambda: tx.users.get(user.id),
                lambda: tx.users.get_by_username("nobody"),
                lambda: tx.users.update(user.id, UserPatch(username="later")),
                lambda: tx.balances.put(user.id, "USDT", ONE, ZERO),
                lambda: tx.transaction().__enter__(),
            ):
                with pytest.raises(TransactionAbortedError):
                    use()
        assert everything(storage, user) == before

    @pytest.mark.parametrize("name", DOOMING)
    def test_leaving_a_doomed_one_by_the_error_passes_the_error_on(
        self, storage: Storage, user: User, other: User, order: Order, name: str
    ) -> None:
        kind, offend = DOOMING[name]
        before = everything(storage, user)
        with pytest.raises(kind), storage.transaction() as tx:
            tx.users.update(user.id, UserPatch(email="lost@example.com"))
            offend(tx, user, other, order)
        assert everything(storage, user) == before

    @pytest.mark.parametrize("name", DOOMING)
    def test_a_savepoint_keeps_the_doom_to_itself(
        self, storage: Storage, user: User, other: User, order: Order, name: str
    ) -> None:
        kind, offend = DOOMING[name]
        with storage.transaction() as tx:
            tx.users.update(user.id, UserPatch(email="kept@example.com"))
            kept = everything(tx, user)
            with pytest.raises(kind), tx.transaction() as inner:
                inner.users.update(user.id, UserPatch(username="undone"))
                offend(inner, user, other, order)
            assert everything(tx, user) == kept
            tx.users.update(user.id, UserPatch(is_active=False))
        stored = storage.users.get(user.id)
        assert (stored.email, stored.username, stored.is_active) == ("kept@example.com", user.username, False)

    @pytest.mark.parametrize("name", DOOMING)
    def test_a_doomed_savepoint_left_normally_is_undone(
        self, storage: Storage, user: User, other: User, order: Order, name: str
    ) -> None:
        kind, offend = DOOMING[name]
        with storage.transaction() as tx:
            tx.users.update(user.id, UserPatch(email="kept@example.com"))
            with pytest.raises(TransactionAbortedError), tx.transaction() as inner:
                inner.users.update(user.id, UserPatch(username="undone"))
                with pytest.raises(kind):
                    offend(inner, user, other, order)
            tx.users.update(user.id, UserPatch(is_active=False))
        stored = storage.users.get(user.id)
        assert (stored.email, stored.username, stored.is_active) == ("kept@example.com", user.username, False)

    def test_the_doom_of_a_transaction_is_that_of_its_savepoints(
        self, storage: Storage, user: User, other: User
    ) -> None:
        with pytest.raises(TransactionAbortedError), storage.transaction() as tx:
            with pytest.raises(TransactionAbortedError), tx.transaction() as inner:
                with pytest.raises(AlreadyExistsError):
                    tx.users.create(NewUserFactory.build(id=other.id))
                inner.users.get(user.id)

    @pytest.mark.parametrize("name", HARMLESS)
    def test_other_errors_change_nothing_and_it_goes_on(
        self, storage: Storage, user: User, other: User, order: Order, name: str
    ) -> None:
        kind, offend = HARMLESS[name]
        with storage.transaction() as tx:
            tx.users.update(user.id, UserPatch(email="kept@example.com"))
            kept = everything(tx, user)
            with pytest.raises(kind) as caught:
                offend(tx, user, other, order)
            assert not caught.value.dooms_transaction
            assert everything(tx, user) == kept
            tx.users.update(user.id, UserPatch(is_active=False))
        stored = storage.users.get(user.id)
        assert (stored.email, stored.is_active, stored.version) == ("kept@example.com", False, 3)

    def test_an_error_outside_of_a_transaction_dooms_nothing(
        self, storage: Storage, user: User, other: User, order: Order
    ) -> None:
        before = everything(storage, user)
        for name in ("a taken username", "a taken order id", "a conflicting import", "a balance below zero"):
            kind, offend = DOOMING[name]
            with pytest.raises(kind):
                offend(storage, user, other, order)  # type: ignore[arg-type]
        for name in HARMLESS.keys() - {"a stale version of an order"}:
            kind, offend = HARMLESS[name]
            with pytest.raises(kind):
                offend(storage, user, other, order)  # type: ignore[arg-type]
        assert everything(storage, user) == before


class RunContract(Contract):
    """Of `Storages.run`."""

    def test_run_gives_what_the_function_returns_and_commits(self, storage: Storage, user: User) -> None:
        updated = storage.run(lambda tx: tx.users.update(user.id, UserPatch(username="run")))
        assert updated.username == "run"
        assert storage.users.get(user.id) == updated

    def test_run_stores_nothing_on_an_error_and_passes_it_on(self, storage: Storage, user: User) -> None:
        error, calls = SomeError(), []

        def fail(tx: Transaction) -> None:
            calls.append(tx.users.update(user.id, UserPatch(username="lost")))
            raise error

        with pytest.raises(SomeError) as caught:
            storage.run(fail)
        assert caught.value is error
        assert len(calls) == 1
        assert storage.users.get(user.id) == user

    @pytest.mark.parametrize("error", [RetryableError("again"), LockTimeoutError("again")], ids=repr)
    def test_run_calls_again_in_a_new_transaction_on_a_retryable_error(
        self, storage: Storage, user: User, error: RetryableError
    ) -> None:
        seen = []

        def flaky(tx: Transaction) -> str:
            seen.append(tx.users.get(user.id).version)
            tx.users.update(user.id, UserPatch(username="run"))
            if len(seen) < 3:
                raise error
            return "done"

        assert storage.run(flaky) == "done"
        assert seen == [1, 1, 1]
        assert storage.users.get(user.id).version == 2

    @pytest.mark.parametrize("attempts", [1, 2, 3])
    def test_run_calls_as_often_as_attempts_say_and_raises_the_last_error(
        self, storage: Storage, user: User, attempts: int
    ) -> None:
        errors: list[RetryableError] = []

        def fail(tx: Transaction) -> None:
            tx.users.update(user.id, UserPatch(username="lost"))
            errors.append(RetryableError(f"attempt {len(errors)}"))
            raise errors[-1]

        with pytest.raises(RetryableError) as caught:
            storage.run(fail, attempts=attempts)
        assert len(errors) == attempts
        assert caught.value is errors[-1]
        assert storage.users.get(user.id) == user

    def test_run_on_a_transaction_calls_once_in_a_savepoint(self, storage: Storage, user: User) -> None:
        calls = []

        def fail(tx: Transaction) -> None:
            calls.append(tx.users.update(user.id, UserPatch(username="lost")))
            raise RetryableError("again")

        with storage.transaction() as tx:
            with pytest.raises(RetryableError):
                tx.run(fail)
            assert len(calls) == 1
            assert tx.users.get(user.id) == user
            assert tx.run(lambda inner: inner.users.update(user.id, UserPatch(username="run"))).version == 2
            assert storage.users.get(user.id) == user
        assert storage.users.get(user.id).username == "run"

    def test_only_the_outermost_run_calls_again(self, storage: Storage, user: User) -> None:
        outer, inner = [], []

        def fail(tx: Transaction) -> None:
            inner.append(tx)
            raise RetryableError("again")

        def call(tx: Transaction) -> None:
            outer.append(tx)
            tx.run(fail)

        with pytest.raises(RetryableError):
            storage.run(call, attempts=2)
        assert (len(outer), len(inner)) == (2, 2)

    def test_run_outlasts_a_lock(self, open_storage: Opening, world: World) -> None:
        storage = open_storage(lock_timeout=0.05)
        user = storage.users.create(NewUserFactory.build())
        storage.balances.put(user.id, "USDT", ONE, ZERO)
        locked, refused = Event(), Event()

        def hold() -> None:
            with storage.transaction() as tx:
                tx.balances.get_many([(user.id, "USDT")], for_update=True)
                locked.set()
                assert refused.wait(PATIENCE)

        def insist(tx: Transaction) -> None:
            try:
                tx.balances.apply([BalanceDeltaFactory.build(user_id=user.id, delta_free=ONE)])
            except LockTimeoutError:
                refused.set()
                raise

        def wait_and_insist() -> None:
            assert locked.wait(PATIENCE)
            storage.run(insist, attempts=50)

        assert world.together(hold, wait_and_insist) == [None, None]
        assert storage.balances.get(user.id, "USDT").free == 2
