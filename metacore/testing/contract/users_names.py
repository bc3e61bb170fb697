"""The contract of what users are found by: who has a name, and since when."""

from __future__ import annotations

from typing import Any

import pytest

from metacore.domain.people.users import User, UserPatch
from metacore.domain.trading.decisions import Changes
from metacore.errors import AlreadyExistsError, NotFoundError
from metacore.sync.storage.storage import Storage, Transaction
from metacore.testing.cases import each_case
from metacore.testing.contract.base import Backend
from metacore.testing.contract.users import UNIQUE, UNIQUE_AT_AN_EXCHANGE
from metacore.testing.contract.users_credentials import ALICE, BOB, CredentialContract
from metacore.testing.factories import NewUserFactory

OTHERS: dict[str, Any] = {"uid": "404", "username": "another", "email": "another@example.com", "telegram_id": 404}


def find(storage: Storage | Transaction, field: str, value: object, *exchange: str) -> User | None:
    """The user with this value of a unique field, None if nobody has it."""
    try:
        user: User = getattr(storage.users, f"get_by_{field}")(value, *exchange)
    except NotFoundError:
        return None
    return user


class UserNamesContract(CredentialContract):
    """Of the unique fields of `metacore.storage.users.UserStorage`, and of API keys."""

    @each_case("field", UNIQUE)
    def test_a_user_is_found_by_the_new_value_alone(self, storage: Storage, user: User, field: str) -> None:
        updated = storage.users.update(user.id, UserPatch(**{field: OTHERS[field]}))
        assert find(storage, field, OTHERS[field]) == updated
        assert find(storage, field, getattr(user, field)) is None
        storage.users.update(user.id, UserPatch(**{field: None}))
        assert find(storage, field, OTHERS[field]) is None
        again = storage.users.update(user.id, UserPatch(**{field: getattr(user, field)}))
        assert find(storage, field, getattr(user, field)) == again

    @each_case("field", UNIQUE)
    def test_two_users_swap_within_a_transaction(self, storage: Storage, user: User, other: User, field: str) -> None:
        first, second = getattr(user, field), getattr(other, field)
        with storage.transaction() as tx:
            tx.users.update(user.id, UserPatch(**{field: None}))
            tx.users.update(other.id, UserPatch(**{field: first}))
            swapped = tx.users.update(user.id, UserPatch(**{field: second}))
            assert find(tx, field, second) == swapped
        found = find(storage, field, first), find(storage, field, second)
        assert [each.id for each in found if each] == [other.id, user.id]

    @each_case("field", UNIQUE)
    def test_what_a_transaction_took_is_free_when_it_is_rolled_back(
        self, storage: Storage, user: User, field: str
    ) -> None:
        with pytest.raises(ZeroDivisionError), storage.transaction() as tx:
            tx.users.update(user.id, UserPatch(**{field: OTHERS[field]}))
            raise ZeroDivisionError
        assert find(storage, field, getattr(user, field)) == user
        assert find(storage, field, OTHERS[field]) is None
        storage.users.create(NewUserFactory.build(**{field: OTHERS[field]}))

    @each_case("field", UNIQUE)
    def test_a_savepoint_that_is_undone_gives_back_what_it_took(self, storage: Storage, user: User, field: str) -> None:
        with storage.transaction() as tx:
            with pytest.raises(ZeroDivisionError), tx.transaction() as inner:
                inner.users.update(user.id, UserPatch(**{field: OTHERS[field]}))
                raise ZeroDivisionError
            assert find(tx, field, getattr(user, field)) == user
            tx.users.create(NewUserFactory.build(**{field: OTHERS[field]}))
        assert find(storage, field, getattr(user, field)) == user

    def test_another_exchange_takes_what_is_unique_there(self, storage: Storage, user: User) -> None:
        moved = storage.users.update(user.id, UserPatch(exchange="OTHER"))
        for field in UNIQUE_AT_AN_EXCHANGE:
            value = getattr(user, field)
            assert find(storage, field, value) is None
            assert find(storage, field, value, "OTHER") == moved
        assert storage.users.get_by_username(str(user.username)) == moved

    @each_case("field", ["uid", "email"])
    @each_case(
        "pairs", [(("a/b", "c"), ("a", "b/c")), (("a%2Fb", "c"), ("a/b", "c")), (("a%", "2F/b"), ("a", "%2F/b"))]
    )
    def test_an_exchange_and_a_value_do_not_run_together(
        self, storage: Storage, field: str, pairs: tuple[tuple[str, str], ...]
    ) -> None:
        users = [storage.users.create(NewUserFactory.build(exchange=at, **{field: value})) for at, value in pairs]
        assert [find(storage, field, value, at) for at, value in pairs] == users
        for made in users:
            storage.users.delete(made.id)

    @each_case("field", UNIQUE)
    def test_a_refused_user_has_taken_nothing(self, storage: Storage, user: User, field: str) -> None:
        new = NewUserFactory.build(**{field: getattr(user, field)})
        with pytest.raises(AlreadyExistsError):
            storage.users.create(new)
        for each in UNIQUE:
            assert find(storage, each, getattr(new, each)) == (user if each == field else None)
        storage.users.create(new.changed(**{field: OTHERS[field]}))

    def test_of_several_that_are_taken_the_first_is_named(self, storage: Storage, user: User, other: User) -> None:
        fields = list(UNIQUE)
        while fields:
            values = {field: getattr(user, field) for field in fields}
            with pytest.raises(AlreadyExistsError) as created:
                storage.users.create(NewUserFactory.build(**values))
            with pytest.raises(AlreadyExistsError) as updated:
                storage.users.update(other.id, UserPatch(**values))
            assert created.value.field == updated.value.field == fields.pop(0)

    @each_case("field", UNIQUE)
    def test_a_refused_update_has_changed_no_name(self, storage: Storage, user: User, other: User, field: str) -> None:
        values = {**OTHERS, field: getattr(other, field)}
        with pytest.raises(AlreadyExistsError) as caught:
            storage.users.update(user.id, UserPatch(**values))
        assert (caught.value.field, caught.value.value) == (field, values[field])
        assert [find(storage, each, getattr(user, each)) for each in UNIQUE] == [user] * len(UNIQUE)
        assert [find(storage, each, OTHERS[each]) for each in UNIQUE] == [None] * len(UNIQUE)

    def test_a_refused_update_dooms_its_transaction(self, storage: Storage, user: User, other: User) -> None:
        with pytest.raises(AlreadyExistsError) as caught, storage.transaction() as tx:
            tx.users.update(user.id, UserPatch(username=other.username))
        assert caught.value.dooms_transaction
        assert storage.users.get(user.id) == user

    def test_a_saved_change_changes_names_too(self, storage: Storage, user: User, other: User) -> None:
        patch = UserPatch(username="another", email=None, telegram_id=user.telegram_id)
        with storage.transaction() as tx:
            tx.save(Changes(user_patches={user.id: patch}))
        saved = storage.users.get(user.id)
        assert find(storage, "username", "another") == find(storage, "telegram_id", user.telegram_id) == saved
        assert find(storage, "username", user.username) is find(storage, "email", user.email) is None
        with storage.transaction() as tx:
            for user_id, email in ((other.id, None), (user.id, other.email)):
                tx.save(Changes(user_patches={user_id: UserPatch(email=email)}))
        found = find(storage, "email", other.email)
        assert found is not None
        assert found.id == user.id

    @pytest.mark.parametrize("field", UNIQUE)
    def test_nothing_leads_to_a_deleted_user(self, storage: Storage, user: User, field: str) -> None:
        storage.users.set_credentials(user.id, ALICE)
        storage.users.delete(user.id)
        assert find(storage, field, getattr(user, field)) is None
        with pytest.raises(NotFoundError):
            storage.users.get_by_api_key(ALICE.api_key)
        heir = storage.users.create(NewUserFactory.build(**{field: getattr(user, field)}))
        storage.users.set_credentials(heir.id, ALICE)
        assert find(storage, field, getattr(user, field)) == storage.users.get_by_api_key(ALICE.api_key) == heir

    @pytest.mark.parametrize("field", UNIQUE)
    def test_of_users_created_with_one_value_at_a_time_one_is_stored(
        self, backend: Backend, storage: Storage, field: str
    ) -> None:
        news = [NewUserFactory.build(**{field: OTHERS[field]}) for _ in range(6)]
        results = backend.runner.together(*(lambda new=new: storage.users.create(new) for new in news))
        refused = [result for result in results if isinstance(result, AlreadyExistsError)]
        (stored,) = [result for result in results if isinstance(result, User)]
        assert [(error.field, error.value) for error in refused] == [(field, OTHERS[field])] * 5
        assert storage.users.list().items == (stored,)
        assert find(storage, field, OTHERS[field]) == stored

    @pytest.mark.parametrize("field", UNIQUE)
    def test_of_users_changed_to_one_value_at_a_time_one_has_it(
        self, backend: Backend, storage: Storage, field: str
    ) -> None:
        users = [storage.users.create(NewUserFactory.build()) for _ in range(6)]
        patch = UserPatch(**{field: OTHERS[field]})
        results = backend.runner.together(*(lambda user=user: storage.users.update(user.id, patch) for user in users))
        refused = [result for result in results if isinstance(result, AlreadyExistsError)]
        (changed,) = [result for result in results if isinstance(result, User)]
        assert [(error.field, error.value) for error in refused] == [(field, OTHERS[field])] * 5
        assert find(storage, field, OTHERS[field]) == changed
        for user in users:
            assert user.id == changed.id or find(storage, field, getattr(user, field)) == user

    def test_deleting_beside_writers_of_its_names_leaves_none_behind(
        self, backend: Backend, storage: Storage, user: User
    ) -> None:
        results = backend.runner.together(
            lambda: storage.users.set_credentials(user.id, ALICE),
            lambda: storage.users.update(user.id, UserPatch(**OTHERS)),
            lambda: storage.users.delete(user.id),
            lambda: storage.users.set_credentials(user.id, BOB),
            lambda: storage.users.set_credentials(user.id, None),
        )
        assert {type(result) for result in results if isinstance(result, Exception)} <= {NotFoundError}
        for credentials, names in ((ALICE, OTHERS), (BOB, {field: getattr(user, field) for field in UNIQUE})):
            heir = storage.users.create(NewUserFactory.build(**names))
            storage.users.set_credentials(heir.id, credentials)
