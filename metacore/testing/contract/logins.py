"""The contract of the storage of logins."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from pydantic import SecretStr

from metacore.domain.people.logins import FREE_FAILURES, LOCKS, Login
from metacore.domain.people.users import NewUser, User
from metacore.domain.values.secrets import Secret
from metacore.errors import AlreadyExistsError, ConflictError, InvalidDataError, NotFoundError
from metacore.sync.storage.logins import LoginStorage
from metacore.sync.storage.storage import Storage
from metacore.testing.cases import each_case
from metacore.testing.clock import START, ManualClock
from metacore.testing.contract.base import Contract
from metacore.testing.contract.samples import HOSTILE_TEXTS, NOBODY, SPOILT_TEXTS
from metacore.testing.factories import NewUserFactory
from metacore.testing.runners import Runner

OPERATIONS: dict[str, Callable[[LoginStorage], object]] = {
    "register": lambda logins: logins.register(NewUserFactory.build(), "hash"),
    "find": lambda logins: logins.find("nobody"),
    "get": lambda logins: logins.get(NOBODY),
    "set_password": lambda logins: logins.set_password(NOBODY, "hash"),
    "fail": lambda logins: logins.fail(NOBODY),
    "admit": lambda logins: logins.admit(NOBODY, "hash"),
}
"""Every operation, on what does not exist."""


class LoginStorageContract(Contract):
    """Of `metacore.storage.logins.LoginStorage`."""

    @pytest.fixture
    def alice(self, storage: Storage) -> User:
        return storage.logins.register(NewUser(username="alice"), "first")

    def test_a_user_is_registered_with_a_login(self, storage: Storage) -> None:
        new = NewUserFactory.build()
        user = storage.logins.register(new, SecretStr("first"))
        assert user == storage.users.get(new.id) == User.created(new, START)
        login = Login(user_id=user.id, password_hash=Secret("first"), changed_at=START)
        assert storage.logins.get(user.id) == storage.logins.find(str(user.username)) == login
        assert login.password_hash.get_secret_value() == "first"

    def test_a_taken_name_leaves_neither(self, storage: Storage, alice: User) -> None:
        new = NewUser(username="alice")
        with pytest.raises(AlreadyExistsError) as caught:
            storage.logins.register(new, "other")
        assert (caught.value.field, caught.value.value) == ("username", "alice")
        with pytest.raises(NotFoundError):
            storage.logins.get(new.id)
        assert storage.logins.find("alice").user_id == alice.id

    def test_of_several_of_one_name_at_once_one_is_registered(self, storage: Storage, runner: Runner) -> None:
        found = runner.together(*[lambda: storage.logins.register(NewUser(username="alice"), "hash")] * 6)
        assert sorted(type(each).__name__ for each in found) == ["AlreadyExistsError"] * 5 + ["User"]

    def test_a_user_without_a_login_is_not_found(self, storage: Storage, user: User) -> None:
        calls: list[Callable[[LoginStorage], object]] = [
            lambda logins: logins.find(str(user.username)),
            lambda logins: logins.get(user.id),
        ]
        for call in calls:
            with pytest.raises(NotFoundError) as caught:
                call(storage.logins)
            assert caught.value.entity == "login"
        assert storage.logins.fail(user.id) is None
        assert storage.logins.admit(user.id, "hash") is False

    def test_a_password_is_set(self, storage: Storage, clock: ManualClock, user: User) -> None:
        storage.logins.set_password(user.id, "first")
        storage.logins.fail(user.id)
        now = clock.advance()
        second = storage.logins.set_password(user.id, "second", expected_hash=SecretStr("first"))
        assert second == storage.logins.get(user.id)
        assert second == Login(user_id=user.id, password_hash=Secret("second"), changed_at=now)
        with pytest.raises(ConflictError) as caught:
            storage.logins.set_password(user.id, "third", expected_hash="first")
        assert caught.value.conflicts == ("password_hash",)
        assert storage.logins.get(user.id) == second

    def test_a_password_of_nobody_is_not_set(self, storage: Storage, user: User) -> None:
        with pytest.raises(NotFoundError) as caught:
            storage.logins.set_password(NOBODY, "hash")
        assert caught.value.entity == "user"
        for user_id, entity in ((NOBODY, "user"), (user.id, "login")):
            with pytest.raises(NotFoundError) as caught:
                storage.logins.set_password(user_id, "hash", expected_hash="other")
            assert caught.value.entity == entity

    def test_failures_are_counted_and_lock(self, storage: Storage, alice: User) -> None:
        for failures in range(1, len(LOCKS) + 3):
            login = storage.logins.fail(alice.id)
            assert login == storage.logins.get(alice.id)
            assert login is not None
            lock = LOCKS[min(failures, len(LOCKS)) - 1]
            assert (login.failures, login.locked_until) == (failures, START + lock if lock else None)
            assert (login.locked_until is None) == (failures < FREE_FAILURES)

    def test_failures_at_once_each_count(self, storage: Storage, alice: User, runner: Runner) -> None:
        runner.together(*[lambda: storage.logins.fail(alice.id)] * 6)
        assert storage.logins.get(alice.id).failures == 6

    def test_whoever_knows_the_password_is_admitted(self, storage: Storage, clock: ManualClock, alice: User) -> None:
        before = storage.logins.get(alice.id)
        for _ in range(FREE_FAILURES):
            storage.logins.fail(alice.id)
        assert storage.logins.admit(alice.id, "first") is False
        clock.advance(seconds=1)
        assert storage.logins.admit(alice.id, "other") is False
        assert storage.logins.get(alice.id).failures == FREE_FAILURES
        assert storage.logins.admit(alice.id, "first") is True
        assert storage.logins.get(alice.id) == before
        assert storage.logins.admit(alice.id, SecretStr("first"), SecretStr("again")) is True
        assert storage.logins.get(alice.id) == before.changed(password_hash=Secret("again"))

    def test_a_login_goes_with_its_user(self, storage: Storage, alice: User) -> None:
        storage.users.delete(alice.id)
        with pytest.raises(NotFoundError):
            storage.logins.find("alice")
        assert storage.logins.register(NewUser(username="alice"), "hash").id != alice.id

    def test_a_hash_comes_back_as_it_went_in_and_is_not_shown(self, storage: Storage, alice: User) -> None:
        for text in (*HOSTILE_TEXTS, "x" * 1024):
            login = storage.logins.set_password(alice.id, text)
            assert storage.logins.get(alice.id).password_hash.get_secret_value() == text
            assert text not in f"{login!r} {login} {login.model_dump_json()}"

    @each_case("text", ["", "x" * 1025, None, 7, *SPOILT_TEXTS])
    def test_what_is_no_hash_is_refused(self, storage: Storage, alice: User, text: Any) -> None:
        calls: list[tuple[str, Callable[[Any], object]]] = [
            ("password_hash", lambda logins: logins.register(NewUser(), text)),
            ("password_hash", lambda logins: logins.set_password(alice.id, text)),
            ("expected_hash", lambda logins: logins.admit(alice.id, text)),
        ]
        for field, call in calls:
            with pytest.raises(InvalidDataError) as caught:
                call(storage.logins)
            assert caught.value.field == field
