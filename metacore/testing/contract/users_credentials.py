"""The contract of the users' storage as far as it keeps their credentials."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from metacore.domain.people.credentials import Credentials
from metacore.domain.people.key_rotation import KeyUse
from metacore.domain.people.users import User
from metacore.errors import (
    AlreadyExistsError,
    ConfigurationError,
    DecryptionError,
    MissingKeyError,
    NotFoundError,
    TransactionAbortedError,
)
from metacore.sync.storage.storage import Storage, Transaction
from metacore.testing.cases import each_case
from metacore.testing.contract.base import Contract, Opening
from metacore.testing.contract.samples import HOSTILE_TEXTS, NOBODY
from metacore.testing.factories import NewUserFactory

OLD = bytes(range(32))
ALICE = Credentials(api_key="mx0alice", api_secret="alice's secret", passphrase="alice's passphrase")  # noqa: S106
BOB = Credentials(api_key="mx0bob", api_secret="bob's secret")  # noqa: S106


class Keys:
    """What the storage asks for its keys: they change from one operation to the next."""

    def __init__(self) -> None:
        self.ring: Any = {"old": OLD}

    def __call__(self) -> Any:
        if isinstance(self.ring, Exception):
            raise self.ring
        return self.ring


class CredentialContract(Contract):
    """Base of the suites of credentials: a storage whose keys change at once when they are told to."""

    @pytest.fixture
    def keys(self) -> Keys:
        return Keys()

    @pytest.fixture
    def storage(self, open_storage: Opening, keys: Keys) -> Storage:
        return open_storage(encryption_keys=keys, encryption_keys_max_age=0)


class CredentialStorageContract(CredentialContract):
    """Of `metacore.storage.credentials.CredentialStorage`, with one encryption key."""

    @pytest.mark.parametrize("credentials", [ALICE, BOB], ids=["with passphrase", "without passphrase"])
    def test_credentials_equal_what_was_set(self, storage: Storage, user: User, credentials: Credentials) -> None:
        storage.users.set_credentials(user.id, credentials)
        assert storage.users.credentials(user.id) == credentials

    @each_case("text", [*HOSTILE_TEXTS, "x" * 4096])
    def test_every_text_comes_back_as_it_went_in(self, storage: Storage, user: User, text: str) -> None:
        credentials = Credentials(api_key=text, api_secret=text, passphrase=text)
        storage.users.set_credentials(user.id, credentials)
        stored = storage.users.credentials(user.id)
        assert stored.api_key.get_secret_value() == stored.api_secret.get_secret_value() == text
        assert storage.users.get_by_api_key(text) == user

    def test_credentials_are_of_nobody_else(self, storage: Storage, user: User, other: User) -> None:
        storage.users.set_credentials(user.id, ALICE)
        storage.users.set_credentials(other.id, BOB)
        assert storage.users.credentials(user.id) == ALICE
        assert storage.users.credentials(other.id) == BOB

    def test_credentials_that_are_not_set_are_not_found(self, storage: Storage, user: User) -> None:
        for user_id in (user.id, NOBODY):
            with pytest.raises(NotFoundError) as caught:
                storage.users.credentials(user_id)
            assert (caught.value.entity, caught.value.key) == ("credentials", user_id)

    def test_setting_replaces_what_was_set_before(self, storage: Storage, user: User) -> None:
        storage.users.set_credentials(user.id, ALICE)
        storage.users.set_credentials(user.id, BOB)
        assert storage.users.credentials(user.id) == BOB
        assert storage.users.get_by_api_key(BOB.api_key) == user
        with pytest.raises(NotFoundError):
            storage.users.get_by_api_key(ALICE.api_key)

    def test_setting_changes_nothing_of_the_user(self, storage: Storage, user: User) -> None:
        storage.users.set_credentials(user.id, ALICE)
        assert storage.users.get(user.id) == user

    def test_none_removes_them(self, storage: Storage, user: User) -> None:
        storage.users.set_credentials(user.id, ALICE)
        for _ in range(2):
            storage.users.set_credentials(user.id, None)
            with pytest.raises(NotFoundError):
                storage.users.credentials(user.id)
            with pytest.raises(NotFoundError):
                storage.users.get_by_api_key(ALICE.api_key)

    @pytest.mark.parametrize("credentials", [ALICE, None])
    def test_setting_those_of_nobody_is_not_found(self, storage: Storage, credentials: Credentials | None) -> None:
        with pytest.raises(NotFoundError) as caught:
            storage.users.set_credentials(NOBODY, credentials)
        assert (caught.value.entity, caught.value.key) == ("user", NOBODY)

    def test_delete_takes_the_credentials_with_the_user(self, storage: Storage, user: User, other: User) -> None:
        storage.users.set_credentials(user.id, ALICE)
        storage.users.set_credentials(other.id, BOB)
        storage.users.delete(user.id)
        with pytest.raises(NotFoundError):
            storage.users.credentials(user.id)
        with pytest.raises(NotFoundError):
            storage.users.get_by_api_key(ALICE.api_key)
        assert storage.users.credentials(other.id) == BOB
        assert storage.users.key_use().credentials == {"old": 1}

    def test_a_transaction_reads_its_own_and_stores_all_or_nothing(
        self, storage: Storage, user: User, other: User
    ) -> None:
        storage.users.set_credentials(user.id, ALICE)

        def swap(tx: Transaction) -> None:
            tx.users.set_credentials(user.id, BOB)
            tx.users.set_credentials(other.id, ALICE)
            assert tx.users.credentials(user.id) == BOB
            assert tx.users.get_by_api_key(ALICE.api_key) == other
            assert storage.users.credentials(user.id) == ALICE
            raise KeyError

        with pytest.raises(KeyError):
            storage.run(swap)
        assert storage.users.credentials(user.id) == ALICE
        assert storage.users.get_by_api_key(ALICE.api_key) == user

    def test_an_api_key_that_is_taken_dooms_the_transaction(self, storage: Storage, user: User, other: User) -> None:
        storage.users.set_credentials(user.id, ALICE)

        def take(tx: Transaction) -> None:
            tx.users.set_credentials(user.id, BOB)
            with pytest.raises(AlreadyExistsError):
                tx.users.set_credentials(other.id, BOB)

        with pytest.raises(TransactionAbortedError):
            storage.run(take)
        assert storage.users.credentials(user.id) == ALICE

    def test_what_concerns_keys_or_nobody_dooms_no_transaction(
        self, storage: Storage, keys: Keys, user: User, other: User
    ) -> None:
        storage.users.set_credentials(other.id, BOB)
        with storage.transaction() as tx:
            for find in (tx.users.credentials, lambda user_id: tx.users.set_credentials(user_id, ALICE)):
                with pytest.raises(NotFoundError):
                    find(NOBODY)
            keys.ring = {"new": OLD}
            with pytest.raises(MissingKeyError):
                tx.users.credentials(other.id)
            keys.ring = {"old": OLD[::-1]}
            with pytest.raises(DecryptionError):
                tx.users.credentials(other.id)
            keys.ring = {"old": OLD}
            tx.users.set_credentials(user.id, ALICE)
        assert storage.users.credentials(user.id) == ALICE


class WithoutKeysContract(Contract):
    """Of `CredentialStorage` where no encryption keys are configured."""

    @pytest.mark.parametrize("text", [None, "", "  "])
    def test_credentials_are_refused_and_the_error_says_how(self, open_storage: Opening, text: str | None) -> None:
        storage = open_storage(encryption_keys=text)
        user = storage.users.create(NewUserFactory.build())
        calls: list[Callable[[], object]] = [
            lambda: storage.users.credentials(user.id),
            lambda: storage.users.credentials(NOBODY),
            lambda: storage.users.set_credentials(user.id, ALICE),
            lambda: storage.users.get_by_api_key(ALICE.api_key),
            lambda: storage.users.rotate_keys(),
        ]
        for call in calls:
            with pytest.raises(ConfigurationError) as caught:
                call()
            assert caught.value.setting == "encryption_keys"

    def test_everything_else_works(self, storage: Storage, user: User) -> None:
        storage.users.set_credentials(user.id, None)
        with pytest.raises(NotFoundError):
            storage.users.set_credentials(NOBODY, None)
        assert storage.users.key_use() == KeyUse(credentials={}, outdated=None)
        assert storage.users.get(user.id) == user
        with storage.transaction() as tx:
            with pytest.raises(ConfigurationError):
                tx.users.set_credentials(user.id, ALICE)
            tx.users.delete(user.id)
        assert storage.users.list().items == ()
