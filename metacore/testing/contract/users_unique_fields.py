"""The contract of what users are found by, and no two have."""

from __future__ import annotations

from typing import Any

import pytest

from metacore.domain.people.users import NewUser, User, UserPatch
from metacore.errors import AlreadyExistsError, InvalidDataError, NotFoundError
from metacore.sync.storage.storage import Storage
from metacore.testing.cases import each_case
from metacore.testing.contract.base import Contract
from metacore.testing.contract.samples import SPOILT_TEXTS
from metacore.testing.contract.users import UNIQUE, UNIQUE_AT_AN_EXCHANGE, UNIQUE_TEXTS
from metacore.testing.factories import NewUserFactory


class UserUniqueFieldContract(Contract):
    """Of the unique fields of users, and the look-ups by them."""

    @each_case("field", ["id", *UNIQUE])
    def test_create_names_the_unique_field_that_is_taken(self, storage: Storage, user: User, field: str) -> None:
        value = getattr(user, field)
        with pytest.raises(AlreadyExistsError) as caught:
            storage.users.create(NewUserFactory.build(**{field: value}))
        assert (caught.value.entity, caught.value.field, caught.value.value) == ("user", field, value)
        assert storage.users.list().items == (user,)

    @pytest.mark.parametrize("field", UNIQUE_AT_AN_EXCHANGE)
    def test_these_are_unique_for_each_exchange(self, storage: Storage, user: User, field: str) -> None:
        value, get = getattr(user, field), getattr(storage.users, f"get_by_{field}")
        twin = storage.users.create(NewUserFactory.build(exchange="OTHER", **{field: value}))
        assert get(value) == get(value, "MEXC") == user
        assert get(value, exchange="OTHER") == twin
        with pytest.raises(AlreadyExistsError) as caught:
            storage.users.create(NewUserFactory.build(exchange="OTHER", **{field: value}))
        assert (caught.value.field, caught.value.value) == (field, value)

    def test_a_username_is_unique_over_all_exchanges(self, storage: Storage, user: User) -> None:
        with pytest.raises(AlreadyExistsError) as caught:
            storage.users.create(NewUserFactory.build(exchange="OTHER", username=user.username))
        assert (caught.value.field, caught.value.value) == ("username", user.username)

    def test_missing_unique_fields_are_not_compared(self, storage: Storage) -> None:
        users = [storage.users.create(NewUser()) for _ in range(3)]
        assert [storage.users.get(user.id) for user in users] == users

    @each_case("field", UNIQUE)
    def test_get_by_a_unique_field_is_the_user_with_it(
        self, storage: Storage, user: User, other: User, field: str
    ) -> None:
        get = getattr(storage.users, f"get_by_{field}")
        assert get(getattr(user, field)) == user
        assert get(getattr(other, field)) == other

    @each_case("field", UNIQUE)
    def test_get_by_a_unique_field_that_nobody_has_is_not_found(self, storage: Storage, user: User, field: str) -> None:
        with pytest.raises(NotFoundError) as caught:
            getattr(storage.users, f"get_by_{field}")(404 if field == "telegram_id" else "nobody's")
        assert caught.value.entity == "user"

    @pytest.mark.parametrize("field", UNIQUE_AT_AN_EXCHANGE)
    def test_get_is_of_mexc_by_default(self, storage: Storage, field: str) -> None:
        value: Any = 42 if field == "telegram_id" else "42"
        user = storage.users.create(NewUserFactory.build(exchange="OTHER", **{field: value}))
        get = getattr(storage.users, f"get_by_{field}")
        assert get(value, "OTHER") == user
        for args in ((value,), (value, "other"), (value, "")):
            with pytest.raises(NotFoundError):
                get(*args)
        for exchange in (1, SPOILT_TEXTS[0]):
            with pytest.raises(InvalidDataError) as caught:
                get(value, exchange)
            assert caught.value.field == "exchange"

    @pytest.mark.parametrize("field", UNIQUE_TEXTS)
    def test_upper_and_lower_case_are_distinguished(self, storage: Storage, field: str) -> None:
        lower = storage.users.create(NewUserFactory.build(**{field: "alice"}))
        upper = storage.users.create(NewUserFactory.build(**{field: "ALICE"}))
        get = getattr(storage.users, f"get_by_{field}")
        assert (get("alice"), get("ALICE")) == (lower, upper)
        with pytest.raises(NotFoundError):
            get("Alice")

    @each_case("field", UNIQUE_TEXTS)
    @each_case("text", SPOILT_TEXTS)
    def test_a_text_that_cannot_be_stored_is_refused(self, storage: Storage, field: str, text: str) -> None:
        with pytest.raises(InvalidDataError):
            getattr(storage.users, f"get_by_{field}")(text)

    @each_case("field", UNIQUE)
    def test_update_to_a_unique_field_that_is_taken_names_it(
        self, storage: Storage, user: User, other: User, field: str
    ) -> None:
        value = getattr(other, field)
        with pytest.raises(AlreadyExistsError) as caught:
            storage.users.update(user.id, UserPatch(**{field: value, "is_active": False}))
        assert (caught.value.entity, caught.value.field, caught.value.value) == ("user", field, value)
        assert storage.users.get(user.id) == user

    @pytest.mark.parametrize("field", UNIQUE_AT_AN_EXCHANGE)
    def test_update_of_the_exchange_alone_keeps_the_field_unique(
        self, storage: Storage, user: User, field: str
    ) -> None:
        twin = storage.users.create(NewUserFactory.build(exchange="OTHER", **{field: getattr(user, field)}))
        with pytest.raises(AlreadyExistsError) as caught:
            storage.users.update(twin.id, UserPatch(exchange=user.exchange))
        assert caught.value.field == field
        assert storage.users.get(twin.id) == twin

    @each_case("field", UNIQUE)
    def test_a_unique_field_that_was_cleared_is_free(self, storage: Storage, user: User, field: str) -> None:
        storage.users.update(user.id, UserPatch(**{field: None}))
        heir = storage.users.create(NewUserFactory.build(**{field: getattr(user, field)}))
        assert getattr(storage.users, f"get_by_{field}")(getattr(user, field)) == heir
