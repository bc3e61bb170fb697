"""The contract of the storage of users."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from uuid import UUID

import pytest

from metacore.domain.people.users import KycStatus, NewUser, User, UserPatch
from metacore.errors import InvalidDataError, NotFoundError, StaleVersionError
from metacore.sync.storage.storage import Storage
from metacore.sync.storage.users import UserStorage
from metacore.testing.cases import each_case
from metacore.testing.clock import START, ManualClock
from metacore.testing.contract.base import Contract
from metacore.testing.contract.samples import HOSTILE_TEXTS, NOBODY
from metacore.testing.factories import (
    BalanceDeltaFactory,
    NewOrderFactory,
    NewOrderUpdateFactory,
    NewTradeFactory,
    NewUserFactory,
)

OPERATIONS: dict[str, Callable[[UserStorage], object]] = {
    "create": lambda users: users.create(NewUserFactory.build()),
    "get": lambda users: users.get(NOBODY),
    "get_by_uid": lambda users: users.get_by_uid("1"),
    "get_by_username": lambda users: users.get_by_username("nobody"),
    "get_by_email": lambda users: users.get_by_email("nobody@example.com"),
    "get_by_telegram_id": lambda users: users.get_by_telegram_id(1),
    "set_credentials": lambda users: users.set_credentials(NOBODY, None),
    "key_use": lambda users: users.key_use(),
    "list": lambda users: users.list(),
    "stream": lambda users: list(users.stream()),
    "update": lambda users: users.update(NOBODY, UserPatch(username="nobody")),
    "delete": lambda users: users.delete(NOBODY),
}
"""Every operation, on what does not exist."""

NEED_KEYS = {"credentials", "get_by_api_key", "rotate_keys"}
"""The operations that ask for encryption keys first."""

UNIQUE = ("uid", "username", "email", "telegram_id")
UNIQUE_TEXTS = UNIQUE[:3]
UNIQUE_AT_AN_EXCHANGE = ("uid", "email", "telegram_id")


class UserStorageContract(Contract):
    """Of `metacore.storage.users.UserStorage`."""

    def test_create_stores_a_user_at_version_1_and_returns_it(self, storage: Storage) -> None:
        new = NewUserFactory.build(exchange="OTHER", can_trade=False, can_withdraw=False, can_deposit=False)
        user = storage.users.create(new)
        assert user == User(**new.fields(), version=1, created_at=START, updated_at=START)
        assert storage.users.get(user.id) == user

    def test_create_fills_in_what_the_user_lacks(self, storage: Storage) -> None:
        user = storage.users.create(NewUser())
        assert storage.users.get(user.id) == User(id=user.id, created_at=START, updated_at=START)

    @each_case("text", HOSTILE_TEXTS)
    def test_every_text_comes_back_as_it_went_in(self, storage: Storage, text: str) -> None:
        texts = dict.fromkeys(("exchange", "uid", "username", "email", "account_type"), text)
        user = storage.users.create(NewUserFactory.build(**texts, permissions=(text, "SPOT", text)))
        assert storage.users.get(user.id) == user
        assert storage.users.get_by_uid(text, text) == user
        assert storage.users.get_by_username(text) == user
        assert storage.users.get_by_email(text, text) == user

    @each_case("value", [2**63, -(2**63) - 1, 10**100, True, "1", 1.0])
    def test_what_is_no_integer_of_64_bits_is_refused_and_nothing_is_doomed(self, storage: Storage, value: Any) -> None:
        user = storage.users.create(NewUserFactory.build())
        with storage.transaction() as tx:
            with pytest.raises(InvalidDataError) as telegram_id:
                tx.users.get_by_telegram_id(value)
            with pytest.raises(InvalidDataError) as version:
                tx.users.update(user.id, UserPatch(is_active=False), expected_version=value)
            tx.users.update(user.id, UserPatch(permissions=("goes on",)))
        assert (telegram_id.value.field, version.value.field) == ("telegram_id", "expected_version")
        assert storage.users.get(user.id).permissions == ("goes on",)

    @pytest.mark.parametrize("telegram_id", [2**63 - 1, -(2**63), 0])
    def test_integers_of_64_bits_come_back(self, storage: Storage, telegram_id: int) -> None:
        user = storage.users.create(NewUserFactory.build(telegram_id=telegram_id))
        assert storage.users.get_by_telegram_id(telegram_id) == user == storage.users.get(user.id)

    def test_get_is_of_nobody_else(self, storage: Storage, user: User, other: User) -> None:
        assert storage.users.get(user.id) == user
        assert storage.users.get(other.id) == other

    def test_get_of_nobody_is_not_found(self, storage: Storage, user: User) -> None:
        with pytest.raises(NotFoundError) as caught:
            storage.users.get(NOBODY)
        assert (caught.value.entity, caught.value.key) == ("user", NOBODY)

    def test_update_changes_the_fields_of_the_patch_one_version_on(
        self, storage: Storage, clock: ManualClock, user: User, other: User
    ) -> None:
        fields: dict[str, Any] = {
            "exchange": "OTHER",
            "uid": "42",
            "username": "alice",
            "email": "Alice@example.com",
            "telegram_id": 42,
            "kyc_status": KycStatus.INSTITUTIONAL,
            "can_trade": False,
            "can_withdraw": False,
            "can_deposit": False,
            "account_type": "MARGIN",
            "permissions": ("NEW", "UNHEARD OF"),
            "is_active": False,
            "balances_as_of": START,
        }
        now = clock.advance()
        updated = storage.users.update(user.id, UserPatch(**fields))
        assert updated == user.changed(**fields, version=2, updated_at=now) == storage.users.get(user.id)
        assert storage.users.get(other.id) == other

    @pytest.mark.parametrize("field", ["username", "is_active", "permissions"])
    def test_update_leaves_other_fields_alone(self, storage: Storage, user: User, field: str) -> None:
        value: Any = {"username": "new", "is_active": False, "permissions": ()}[field]
        updated = storage.users.update(user.id, UserPatch(**{field: value}))
        assert updated == user.changed(**{field: value}, version=2)

    @each_case("field", [*UNIQUE, "balances_as_of"])
    def test_none_clears_a_field_that_may_be_empty(self, storage: Storage, user: User, field: str) -> None:
        storage.users.update(user.id, UserPatch(balances_as_of=START))
        updated = storage.users.update(user.id, UserPatch(**{field: None}))
        assert getattr(updated, field) is None
        assert storage.users.get(user.id) == updated

    def test_an_update_to_what_is_stored_is_an_update(self, storage: Storage, clock: ManualClock, user: User) -> None:
        now = clock.advance()
        updated = storage.users.update(user.id, UserPatch(username=user.username))
        assert updated == user.changed(version=2, updated_at=now)

    def test_an_empty_patch_changes_nothing(self, storage: Storage, clock: ManualClock, user: User) -> None:
        clock.advance()
        assert storage.users.update(user.id, UserPatch()) == user == storage.users.get(user.id)
        assert storage.users.update(user.id, UserPatch(), expected_version=1) == user

    @pytest.mark.parametrize("patch", [UserPatch(), UserPatch(username="new")])
    def test_update_of_nobody_is_not_found(self, storage: Storage, user: User, patch: UserPatch) -> None:
        with pytest.raises(NotFoundError) as caught:
            storage.users.update(NOBODY, patch)
        assert (caught.value.entity, caught.value.key) == ("user", NOBODY)

    def test_update_at_the_expected_version_goes_through(self, storage: Storage, user: User) -> None:
        updated = storage.users.update(user.id, UserPatch(username="second"), expected_version=1)
        assert storage.users.update(user.id, UserPatch(username="third"), expected_version=2).version == 3
        assert updated.version == 2

    @each_case("patch", [UserPatch(), UserPatch(username="new")])
    @each_case("expected", [0, 1, 3, -1])
    def test_update_at_another_version_is_stale(self, storage: Storage, patch: UserPatch, expected: int) -> None:
        user = storage.users.create(NewUserFactory.build())
        stored = storage.users.update(user.id, UserPatch(is_active=False))
        with pytest.raises(StaleVersionError) as caught:
            storage.users.update(user.id, patch, expected_version=expected)
        error = caught.value
        assert (error.entity, error.key, error.expected, error.actual) == ("user", user.id, expected, 2)
        assert storage.users.get(user.id) == stored

    def test_delete_takes_everything_that_belongs_to_the_user(self, storage: Storage, user: User) -> None:
        order, trade = _give_rows(storage, user)
        storage.users.delete(user.id)
        for find in (
            lambda: storage.users.get(user.id),
            lambda: storage.users.get_by_username(str(user.username)),
            lambda: storage.orders.get(user.id, order),
            lambda: storage.trades.get(user.id, trade),
            lambda: storage.balances.get(user.id, "USDT"),
        ):
            with pytest.raises(NotFoundError):
                find()
        assert storage.users.list().items == ()
        assert storage.order_updates.list(user.id, order) == ()
        assert storage.balances.entries(user.id).items == ()

    def test_delete_takes_nothing_of_others(self, storage: Storage, user: User, other: User) -> None:
        _give_rows(storage, user)
        order, trade = _give_rows(storage, other)
        kept = storage.orders.get(other.id, order), storage.trades.get(other.id, trade)
        storage.users.delete(user.id)
        assert storage.users.list().items == (other,)
        assert (storage.orders.get(other.id, order), storage.trades.get(other.id, trade)) == kept
        assert len(storage.order_updates.list(other.id, order)) == 1
        assert len(storage.balances.entries(other.id).items) == 1

    def test_delete_frees_what_was_unique(self, storage: Storage, user: User) -> None:
        storage.users.delete(user.id)
        new = NewUserFactory.build(**{field: getattr(user, field) for field in ("id", *UNIQUE)})
        assert storage.users.get(user.id if storage.users.create(new) else NOBODY).version == 1

    def test_a_user_created_anew_has_nothing_of_the_one_deleted(self, storage: Storage, user: User) -> None:
        order, _ = _give_rows(storage, user)
        storage.users.delete(user.id)
        storage.users.create(NewUserFactory.build(id=user.id))
        assert storage.orders.list(user.id).items == ()
        assert storage.order_updates.list(user.id, order) == ()
        assert storage.trades.list(user.id).items == ()
        assert storage.balances.list(user.id) == ()
        assert storage.balances.entries(user.id).items == ()

    def test_delete_of_nobody_is_not_found(self, storage: Storage, user: User) -> None:
        with pytest.raises(NotFoundError) as caught:
            storage.users.delete(NOBODY)
        assert (caught.value.entity, caught.value.key) == ("user", NOBODY)
        storage.users.delete(user.id)
        with pytest.raises(NotFoundError):
            storage.users.delete(user.id)


def _give_rows(storage: Storage, user: User) -> tuple[UUID, UUID]:
    """One row in every storage; the ids of the order and the trade."""
    order = storage.orders.create(NewOrderFactory.build(user_id=user.id))
    storage.order_updates.append(NewOrderUpdateFactory.build(of=order))
    trade = storage.trades.create(NewTradeFactory.build(of=order))
    storage.balances.apply([BalanceDeltaFactory.build(user_id=user.id)])
    return order.id, trade.id
