"""The contract of transactions after errors."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import nullcontext, suppress
from dataclasses import dataclass
from decimal import Decimal
from typing import cast

import pytest

from metacore import errors
from metacore.domain.people.credentials import Credentials
from metacore.domain.people.users import User, UserPatch
from metacore.domain.trading.decisions import Changes, Selection
from metacore.domain.trading.orders import NewOrder, Order
from metacore.errors import (
    AlreadyExistsError,
    ConfigurationError,
    ConflictError,
    InsufficientFundsError,
    InvalidDataError,
    MetacoreError,
    NotFoundError,
    StaleVersionError,
    TransactionAbortedError,
)
from metacore.sync.storage.storage import Storage, Transaction
from metacore.testing.cases import each_case
from metacore.testing.contract.base import Contract
from metacore.testing.contract.samples import NOBODY
from metacore.testing.contract.transactions import everything
from metacore.testing.factories import (
    BalanceDeltaFactory,
    NewOrderFactory,
    NewOrderUpdateFactory,
    NewTradeFactory,
    NewUserFactory,
)

ONE, ZERO = Decimal(1), Decimal(0)
CREDENTIALS = Credentials(api_key="key", api_secret="secret")  # noqa: S106


@dataclass(frozen=True)
class Scene:
    """Where an offence takes place: in a transaction, with two users and an order of the first."""

    tx: Transaction
    user: User
    other: User
    order: Order


Offence = Callable[[Scene], object]


def _delete_while_it_holds(at: Scene) -> None:
    at.tx.save(Changes(orders=(at.order.changed(held_asset="USDT", held_amount=ONE, version=2),)))
    at.tx.orders.delete(*at.order.key)


DOOMING: dict[str, tuple[type[MetacoreError], Offence]] = {
    "a taken username": (
        AlreadyExistsError,
        lambda at: at.tx.users.update(at.user.id, UserPatch(username=at.other.username)),
    ),
    "a taken user id": (
        AlreadyExistsError,
        lambda at: at.tx.users.create(NewUserFactory.build(id=at.other.id)),
    ),
    "a taken order id": (
        AlreadyExistsError,
        lambda at: at.tx.orders.create(NewOrderFactory.build(user_id=at.user.id, id=at.order.id)),
    ),
    "a conflicting import": (
        ConflictError,
        lambda at: at.tx.orders.create_many([NewOrderFactory.build(user_id=at.user.id, id=at.order.id)]),
    ),
    "a taken reference": (
        AlreadyExistsError,
        lambda at: at.tx.balances.apply(
            [BalanceDeltaFactory.build(user_id=at.user.id, reference="same", asset=asset) for asset in ("A", "B")]
        ),
    ),
    "a balance below zero": (
        InsufficientFundsError,
        lambda at: at.tx.balances.apply([BalanceDeltaFactory.build(user_id=at.user.id, delta_free=-ONE)]),
    ),
    "deleting an order that holds": (ConflictError, _delete_while_it_holds),
}

HARMLESS: dict[str, tuple[type[MetacoreError], Offence]] = {
    "a user that does not exist": (NotFoundError, lambda at: at.tx.users.get(NOBODY)),
    "an update of nobody": (NotFoundError, lambda at: at.tx.users.update(NOBODY, UserPatch())),
    "deleting nobody": (NotFoundError, lambda at: at.tx.users.delete(NOBODY)),
    "an order of nobody": (
        NotFoundError,
        lambda at: at.tx.orders.create(NewOrderFactory.build(user_id=NOBODY)),
    ),
    "orders of nobody": (
        NotFoundError,
        lambda at: at.tx.orders.create_many(NewOrderFactory.build(user_id=user_id) for user_id in (at.user.id, NOBODY)),
    ),
    "another user's order": (NotFoundError, lambda at: at.tx.orders.delete(at.other.id, at.order.id)),
    "an update of another user's order": (
        NotFoundError,
        lambda at: at.tx.order_updates.append_many(
            [NewOrderUpdateFactory.build(of=at.order), NewOrderUpdateFactory.build(of=at.order, user_id=at.other.id)]
        ),
    ),
    "a trade of nobody": (
        NotFoundError,
        lambda at: at.tx.trades.create(NewTradeFactory.build(user_id=NOBODY)),
    ),
    "a balance never had": (NotFoundError, lambda at: at.tx.balances.get(at.user.id, "NONE")),
    "a balance of nobody": (
        NotFoundError,
        lambda at: at.tx.balances.put(NOBODY, "USDT", ONE, ZERO),
    ),
    "changes of nobody's balance": (
        NotFoundError,
        lambda at: at.tx.balances.apply(
            [BalanceDeltaFactory.build(user_id=user_id) for user_id in (at.user.id, NOBODY)]
        ),
    ),
    "an audit of nobody": (NotFoundError, lambda at: at.tx.balances.audit(NOBODY)),
    "a stale version of a user": (
        StaleVersionError,
        lambda at: at.tx.users.update(at.user.id, UserPatch(username="stale"), expected_version=9),
    ),
    "a stale version of an order": (
        StaleVersionError,
        lambda at: at.tx.save(Changes(orders=(at.order.changed(version=9),))),
    ),
    "credentials without keys to encrypt them": (
        ConfigurationError,
        lambda at: at.tx.users.set_credentials(at.user.id, CREDENTIALS),
    ),
    "a user by an API key, without keys": (ConfigurationError, lambda at: at.tx.users.get_by_api_key("key")),
    "a limit of zero": (InvalidDataError, lambda at: at.tx.orders.list(at.user.id, limit=0)),
    "a cursor that is none": (InvalidDataError, lambda at: at.tx.users.list(after="garbage")),
    "a text with NUL": (InvalidDataError, lambda at: at.tx.users.get_by_username("\0")),
    "a negative balance": (
        InvalidDataError,
        lambda at: at.tx.balances.put(at.user.id, "USDT", -ONE, ZERO),
    ),
    "a balance beyond the digits": (
        InvalidDataError,
        lambda at: at.tx.balances.apply(
            [BalanceDeltaFactory.build(user_id=at.user.id, delta_free=Decimal(10**38 - 1)) for _ in range(2)]
        ),
    ),
}


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
