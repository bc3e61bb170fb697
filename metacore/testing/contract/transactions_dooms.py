"""The contract of transactions after errors."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import nullcontext, suppress
from decimal import Decimal
from typing import cast

import pytest

from metacore import errors
from metacore.domain.people.users import User, UserPatch
from metacore.domain.trading.decisions import Changes, Selection
from metacore.domain.trading.orders import NewOrder, Order
from metacore.errors import AlreadyExistsError, MetacoreError, TransactionAbortedError
from metacore.sync.storage.storage import Storage, Transaction
from metacore.testing.cases import each_case
from metacore.testing.contract.base import Contract
from metacore.testing.contract.transactions import everything
from metacore.testing.contract.transactions_offences import DOOMING, HARMLESS, Offence, Scene
from metacore.testing.factories import NewOrderFactory, NewUserFactory

ONE, ZERO = Decimal(1), Decimal(0)


def _rows(storage: Storage) -> tuple[User, User, Order]:
    """Two users, and an order of the first."""
    user, other = (storage.users.create(NewUserFactory.build()) for _ in range(2))
    return user, other, storage.orders.create(NewOrderFactory.build(user_id=user.id))


def _kept(user: User) -> UserPatch:
    """A change that takes a unique value, another for each user."""
    return UserPatch(email=f"kept-{user.username}@example.com")


def error_classes() -> list[type[MetacoreError]]:
    """Every class of `metacore.errors`."""
    return [kind for kind in vars(errors).values() if isinstance(kind, type) and issubclass(kind, MetacoreError)]


class DoomContract(Contract):
    """Of `Storages.transaction`: what its errors do to it."""

    @each_case(("kind", "offend"), DOOMING)
    def test_an_error_that_dooms_it_lets_nothing_more_be_done_and_nothing_be_stored(
        self, storage: Storage, kind: type[MetacoreError], offend: Offence
    ) -> None:
        user, other, order = _rows(storage)
        before = everything(storage, user)
        with pytest.raises(TransactionAbortedError), storage.transaction() as tx:
            tx.users.update(user.id, UserPatch(email="lost@example.com"))
            with pytest.raises(kind) as caught:
                offend(Scene(tx, user, other, order))
            assert caught.value.dooms_transaction
            for use in (
                lambda: tx.users.get(user.id),
                lambda: tx.users.get_by_username("nobody"),
                lambda: tx.users.update(user.id, UserPatch(username="later")),
                lambda: tx.balances.put(user.id, "USDT", ONE, ZERO),
                lambda: tx.transaction().__enter__(),
                lambda: tx.load(Selection()),
                lambda: tx.save(Changes()),
            ):
                with pytest.raises(TransactionAbortedError):
                    use()
        assert everything(storage, user) == before

    @each_case("kind", error_classes())
    def test_an_error_of_any_class_dooms_it_if_and_only_if_it_says_so(
        self, storage: Storage, kind: type[MetacoreError]
    ) -> None:
        user, _, _ = _rows(storage)

        def orders() -> Iterator[NewOrder]:
            yield NewOrderFactory.build(user_id=user.id)
            error = kind.__new__(kind)
            MetacoreError.__init__(error, "raised while the operation ran")
            raise error

        before = kept = everything(storage, user)
        with suppress(TransactionAbortedError), storage.transaction() as tx:
            tx.users.update(user.id, _kept(user))
            kept = everything(tx, user)
            with pytest.raises(kind) as caught:
                tx.orders.create_many(orders())
            assert caught.value.dooms_transaction == kind.dooms_transaction
            with pytest.raises(TransactionAbortedError) if kind.dooms_transaction else nullcontext():
                assert everything(tx, user) == kept
        assert everything(storage, user) == (before if kind.dooms_transaction else kept)

    @each_case(("kind", "offend"), DOOMING)
    def test_leaving_a_doomed_one_by_the_error_passes_the_error_on(
        self, storage: Storage, kind: type[MetacoreError], offend: Offence
    ) -> None:
        user, other, order = _rows(storage)
        before = everything(storage, user)
        with pytest.raises(kind), storage.transaction() as tx:
            tx.users.update(user.id, UserPatch(email="lost@example.com"))
            offend(Scene(tx, user, other, order))
        assert everything(storage, user) == before

    @each_case(("kind", "offend"), DOOMING)
    def test_a_savepoint_keeps_the_doom_to_itself(
        self, storage: Storage, kind: type[MetacoreError], offend: Offence
    ) -> None:
        user, other, order = _rows(storage)
        with storage.transaction() as tx:
            tx.users.update(user.id, _kept(user))
            kept = everything(tx, user)
            with pytest.raises(kind), tx.transaction() as inner:
                inner.users.update(user.id, UserPatch(username="undone"))
                offend(Scene(inner, user, other, order))
            assert everything(tx, user) == kept
            tx.users.update(user.id, UserPatch(is_active=False))
        stored = storage.users.get(user.id)
        assert (stored.email, stored.username, stored.is_active) == (_kept(user).email, user.username, False)

    @each_case(("kind", "offend"), DOOMING)
    def test_a_doomed_savepoint_left_normally_is_undone(
        self, storage: Storage, kind: type[MetacoreError], offend: Offence
    ) -> None:
        user, other, order = _rows(storage)
        with storage.transaction() as tx:
            tx.users.update(user.id, _kept(user))
            with pytest.raises(TransactionAbortedError), tx.transaction() as inner:
                inner.users.update(user.id, UserPatch(username="undone"))
                with pytest.raises(kind):
                    offend(Scene(inner, user, other, order))
            tx.users.update(user.id, UserPatch(is_active=False))
        stored = storage.users.get(user.id)
        assert (stored.email, stored.username, stored.is_active) == (_kept(user).email, user.username, False)

    def test_the_doom_of_a_transaction_is_that_of_its_savepoints(
        self, storage: Storage, user: User, other: User
    ) -> None:
        with pytest.raises(TransactionAbortedError), storage.transaction() as tx:
            with pytest.raises(TransactionAbortedError), tx.transaction() as inner:
                with pytest.raises(AlreadyExistsError):
                    tx.users.create(NewUserFactory.build(id=other.id))
                inner.users.get(user.id)

    def test_a_doomed_savepoint_refuses_what_is_around_it_until_it_is_left(
        self, storage: Storage, user: User, other: User
    ) -> None:
        with storage.transaction() as tx:
            with pytest.raises(TransactionAbortedError) as aborted, tx.transaction() as inner:
                with pytest.raises(AlreadyExistsError):
                    inner.users.create(NewUserFactory.build(id=other.id))
                with pytest.raises(TransactionAbortedError):
                    tx.users.update(user.id, UserPatch(username="too soon"))
                with pytest.raises(TransactionAbortedError):
                    inner.orders.create_many([])
            assert isinstance(aborted.value.__cause__, AlreadyExistsError)
            tx.users.update(user.id, UserPatch(username="at last"))
        assert storage.users.get(user.id).username == "at last"

    @each_case(("kind", "offend"), HARMLESS)
    def test_other_errors_change_nothing_and_it_goes_on(
        self, storage: Storage, kind: type[MetacoreError], offend: Offence
    ) -> None:
        user, other, order = _rows(storage)
        with storage.transaction() as tx:
            tx.users.update(user.id, _kept(user))
            kept = everything(tx, user)
            with pytest.raises(kind) as caught:
                offend(Scene(tx, user, other, order))
            assert not caught.value.dooms_transaction
            assert everything(tx, user) == kept
            tx.users.update(user.id, UserPatch(is_active=False))
        stored = storage.users.get(user.id)
        assert (stored.email, stored.is_active, stored.version) == (_kept(user).email, False, 3)

    def test_an_error_outside_of_a_transaction_dooms_nothing(self, storage: Storage) -> None:
        user, other, order = _rows(storage)
        before, at_once = everything(storage, user), cast(Transaction, storage)
        for name in ("a taken username", "a taken order id", "a conflicting import", "a balance below zero"):
            kind, offend = DOOMING[name]
            with pytest.raises(kind):
                offend(Scene(at_once, user, other, order))
        for name in HARMLESS.keys() - {"a stale version of an order"}:
            kind, offend = HARMLESS[name]
            with pytest.raises(kind):
                offend(Scene(at_once, user, other, order))
        assert everything(storage, user) == before
