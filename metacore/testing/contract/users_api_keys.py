"""The contract of API keys: unique, and what users are found by."""

from __future__ import annotations

import pickle
from collections.abc import Callable
from typing import Any

import pytest
from pydantic import SecretStr

from metacore.domain.people.credentials import Credentials
from metacore.domain.people.users import User
from metacore.domain.values.secrets import MASK, Secret
from metacore.errors import AlreadyExistsError, InvalidDataError, NotFoundError
from metacore.sync.storage.storage import Storage
from metacore.testing.cases import each_case
from metacore.testing.contract.base import Backend
from metacore.testing.contract.samples import SPOILT_TEXTS
from metacore.testing.contract.users_credentials import ALICE, BOB, CredentialContract
from metacore.testing.factories import NewUserFactory


class ApiKeyContract(CredentialContract):
    """Of the API keys of credentials, and `get_by_api_key`."""

    @pytest.mark.parametrize("before", [BOB, None])
    def test_an_api_key_that_another_user_has_is_refused(
        self, storage: Storage, user: User, other: User, before: Credentials | None
    ) -> None:
        storage.users.set_credentials(user.id, ALICE)
        storage.users.set_credentials(other.id, before)
        with pytest.raises(AlreadyExistsError) as caught:
            storage.users.set_credentials(other.id, BOB.model_copy(update={"api_key": ALICE.api_key}))
        assert (caught.value.field, caught.value.value) == ("api_key", None)
        assert storage.users.get_by_api_key(ALICE.api_key) == user
        if before is None:
            with pytest.raises(NotFoundError):
                storage.users.credentials(other.id)
        else:
            assert storage.users.credentials(other.id) == before
            assert storage.users.get_by_api_key(before.api_key) == other

    def test_the_same_credentials_may_be_set_again(self, storage: Storage, user: User) -> None:
        storage.users.set_credentials(user.id, ALICE)
        storage.users.set_credentials(user.id, ALICE)
        assert storage.users.credentials(user.id) == ALICE

    def test_only_the_api_key_is_unique(self, storage: Storage, user: User, other: User) -> None:
        twin = ALICE.model_copy(update={"api_key": "another"})
        storage.users.set_credentials(user.id, ALICE)
        storage.users.set_credentials(other.id, twin)
        assert storage.users.credentials(other.id) == twin

    def test_an_api_key_that_was_replaced_is_free(self, storage: Storage, user: User, other: User) -> None:
        storage.users.set_credentials(user.id, ALICE)
        storage.users.set_credentials(user.id, BOB)
        storage.users.set_credentials(other.id, ALICE)
        storage.users.delete(user.id)
        assert storage.users.get_by_api_key(ALICE.api_key) == other
        storage.users.set_credentials(other.id, BOB)
        assert storage.users.get_by_api_key(BOB.api_key) == other

    def test_of_writers_of_one_api_key_at_a_time_one_succeeds(self, backend: Backend, storage: Storage) -> None:
        users = [storage.users.create(NewUserFactory.build()) for _ in range(8)]
        calls: list[Callable[[], None]] = [lambda u=u: storage.users.set_credentials(u.id, ALICE) for u in users]  # type: ignore[misc]
        results = backend.runner.together(*calls)
        assert [type(result) for result in results].count(AlreadyExistsError) == 7
        winner = users[results.index(None)]
        assert storage.users.get_by_api_key(ALICE.api_key) == winner
        assert storage.users.credentials(winner.id) == ALICE

    def test_a_user_is_found_by_text_or_secret(self, storage: Storage, user: User, other: User) -> None:
        storage.users.set_credentials(user.id, ALICE)
        storage.users.set_credentials(other.id, BOB)
        for api_key in ("mx0alice", Secret("mx0alice"), SecretStr("mx0alice")):
            assert storage.users.get_by_api_key(api_key) == user

    @each_case("api_key", ["mx0bob", "MX0ALICE", "mx0alice ", "alice's secret"])
    def test_another_api_key_is_not_found_and_not_in_the_error(
        self, storage: Storage, user: User, api_key: str
    ) -> None:
        storage.users.set_credentials(user.id, ALICE)
        with pytest.raises(NotFoundError) as caught:
            storage.users.get_by_api_key(api_key)
        assert caught.value.entity == "user"
        assert api_key not in f"{caught.value!r} {caught.value.__dict__} {pickle.dumps(caught.value)!r}"

    @each_case("api_key", [*SPOILT_TEXTS, "", "x" * 4097, MASK, 1, None, b"mx0alice"])
    def test_what_cannot_be_an_api_key_is_refused(self, storage: Storage, api_key: Any) -> None:
        with pytest.raises(InvalidDataError) as caught:
            storage.users.get_by_api_key(api_key)
        assert caught.value.field == "api_key"
