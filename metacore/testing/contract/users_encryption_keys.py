"""The contract of several encryption keys."""

from __future__ import annotations

import base64
from typing import Any
from uuid import UUID

import pytest

from metacore.crypto.ring import KeyRing
from metacore.domain.people.key_rotation import KeyUse, RotationBatch
from metacore.domain.people.users import User
from metacore.errors import (
    AlreadyExistsError,
    ConfigurationError,
    DecryptionError,
    InvalidDataError,
    MissingKeyError,
)
from metacore.sync.storage.storage import Storage
from metacore.testing.cases import each_case
from metacore.testing.contract.base import Backend, Opening
from metacore.testing.contract.users_credentials import ALICE, BOB, OLD, CredentialContract, Keys
from metacore.testing.factories import NewUserFactory


def _text(key: bytes) -> str:
    return base64.b64encode(key).decode()


NEW, NEWEST = bytes(range(1, 33)), bytes(range(2, 34))


class EncryptionKeysContract(CredentialContract):
    """Of `CredentialStorage`: several encryption keys, and `rotate_keys`."""

    @pytest.fixture
    def alice(self, storage: Storage, user: User) -> User:
        """A user with credentials under the key "old"."""
        storage.users.set_credentials(user.id, ALICE)
        return user

    def test_credentials_are_read_under_whichever_key(self, storage: Storage, keys: Keys, alice: User) -> None:
        for ring in ({"old": OLD}, {"old": OLD, "new": NEW}, {"new": NEW, "old": OLD}):
            keys.ring = ring
            assert storage.users.credentials(alice.id) == ALICE
            assert storage.users.get_by_api_key(ALICE.api_key) == alice

    @pytest.mark.usefixtures("alice")
    def test_the_first_key_encrypts(self, storage: Storage, keys: Keys, other: User) -> None:
        keys.ring = {"new": NEW, "old": OLD}
        storage.users.set_credentials(other.id, BOB)
        assert storage.users.key_use() == KeyUse(credentials={"old": 1, "new": 1}, outdated=1)

    @pytest.mark.parametrize("keep", [{}, {"new": NEW}])
    def test_a_missing_key_is_named(
        self, storage: Storage, keys: Keys, alice: User, other: User, keep: dict[str, bytes]
    ) -> None:
        keys.ring = {"newest": NEWEST, **keep}
        with pytest.raises(MissingKeyError) as caught:
            storage.users.credentials(alice.id)
        assert (caught.value.key_id, caught.value.user_id) == ("old", alice.id)  # type: ignore[attr-defined]
        storage.users.set_credentials(other.id, BOB)
        assert storage.users.credentials(other.id) == BOB

    def test_another_key_of_the_same_id_does_not_decrypt(self, storage: Storage, keys: Keys, alice: User) -> None:
        keys.ring = {"old": NEW}
        with pytest.raises(DecryptionError) as caught:
            storage.users.credentials(alice.id)
        assert (caught.value.key_id, caught.value.user_id) == ("old", alice.id)  # type: ignore[attr-defined]

    def test_credentials_under_a_missing_key_can_be_set_anew_or_removed(
        self, storage: Storage, keys: Keys, alice: User
    ) -> None:
        keys.ring = {"new": NEW}
        storage.users.set_credentials(alice.id, BOB)
        assert storage.users.credentials(alice.id) == BOB
        keys.ring = {"newest": NEWEST}
        storage.users.set_credentials(alice.id, None)
        assert storage.users.key_use().credentials == {}

    @pytest.mark.parametrize(
        "ring", [{"old": OLD, "new": NEW}, {"new": NEW, "old": OLD}], ids=["old one current", "new one current"]
    )
    def test_an_api_key_is_unique_whichever_key_is_current(
        self, storage: Storage, keys: Keys, alice: User, other: User, ring: dict[str, bytes]
    ) -> None:
        keys.ring = ring
        with pytest.raises(AlreadyExistsError):
            storage.users.set_credentials(other.id, ALICE)
        storage.users.set_credentials(alice.id, ALICE)
        keys.ring = dict(reversed(ring.items()))
        with pytest.raises(AlreadyExistsError):
            storage.users.set_credentials(other.id, ALICE)

    def test_rotation_brings_credentials_under_the_current_key(
        self, storage: Storage, keys: Keys, alice: User, other: User
    ) -> None:
        storage.users.set_credentials(other.id, BOB)
        keys.ring = {"new": NEW, "old": OLD}
        assert storage.users.rotate_keys() == RotationBatch(rotated=2)
        assert storage.users.key_use() == KeyUse(credentials={"new": 2}, outdated=0)
        for ring in ({"new": NEW, "old": OLD}, {"new": NEW}):
            keys.ring = ring
            assert storage.users.credentials(alice.id) == ALICE
            assert storage.users.get_by_api_key(ALICE.api_key) == alice
            assert storage.users.credentials(other.id) == BOB
            with pytest.raises(AlreadyExistsError):
                storage.users.set_credentials(other.id, ALICE)

    @pytest.mark.usefixtures("alice")
    def test_what_is_rotated_is_not_rotated_again(self, storage: Storage, keys: Keys) -> None:
        assert storage.users.rotate_keys() == RotationBatch()
        keys.ring = {"new": NEW, "old": OLD}
        storage.users.rotate_keys()
        assert storage.users.rotate_keys() == RotationBatch()

    def test_hashes_under_a_dropped_key_are_outdated(self, storage: Storage, keys: Keys, alice: User) -> None:
        keys.ring = {"new": NEW, "old": OLD}
        storage.users.rotate_keys()
        keys.ring = {"new": NEW}
        assert storage.users.key_use() == KeyUse(credentials={"new": 1}, outdated=1)
        assert storage.users.rotate_keys() == RotationBatch(rotated=1)
        assert storage.users.key_use().outdated == 0
        assert storage.users.get_by_api_key(ALICE.api_key) == alice

    @pytest.mark.usefixtures("alice")
    def test_a_dry_run_writes_nothing(self, storage: Storage, keys: Keys) -> None:
        keys.ring = {"new": NEW, "old": OLD}
        assert storage.users.rotate_keys(dry_run=True) == RotationBatch(rotated=1)
        assert storage.users.key_use() == KeyUse(credentials={"old": 1}, outdated=1)

    @each_case("dry_run", [False, True])
    @each_case("limit", [1, 2, 3, 6, 7, 8])
    def test_batches_in_turn_take_every_user_once_by_id(
        self, storage: Storage, keys: Keys, limit: int, dry_run: bool
    ) -> None:
        ids = [UUID(int=n) for n in (7, 2**127, 0, 2**128 - 1, 2**64, 2**65, 3)]
        keys.ring = {"old": OLD}
        for n, user_id in enumerate(ids):
            storage.users.create(NewUserFactory.build(id=user_id))
            storage.users.set_credentials(user_id, BOB.model_copy(update={"api_key": f"key {n}"}))
        keys.ring = {"new": NEW, "old": OLD}
        batches = [storage.users.rotate_keys(limit=limit, dry_run=dry_run)]
        while (after := batches[-1].next) is not None:
            batches.append(storage.users.rotate_keys(after, limit, dry_run))
        assert [batch.rotated for batch in batches[:-1]] == [limit] * (len(batches) - 1)
        assert sum(batch.rotated for batch in batches) == 7
        assert [batch.next for batch in batches[:-1]] == sorted(ids)[limit - 1 :: limit][: len(batches) - 1]
        for user_id in ids:
            storage.users.delete(user_id)

    @each_case("limit", [0, -1, 1001, True, 1.0, "10", None])
    def test_a_limit_that_is_no_whole_number_from_1_to_1000_is_refused(self, storage: Storage, limit: Any) -> None:
        with pytest.raises(InvalidDataError) as caught:
            storage.users.rotate_keys(limit=limit)
        assert caught.value.field == "limit"

    def test_what_cannot_be_decrypted_is_named_and_left_alone(
        self, storage: Storage, keys: Keys, alice: User, other: User
    ) -> None:
        keys.ring = {"new": NEW}
        storage.users.set_credentials(other.id, BOB)
        keys.ring = {"newest": NEWEST, "new": NEW}
        batch = storage.users.rotate_keys()
        assert (batch.rotated, batch.overtaken, batch.next) == (1, 0, None)
        (unreadable,) = batch.unreadable
        assert (unreadable.user_id, unreadable.key_id) == (alice.id, "old")
        assert "METACORE_ENCRYPTION_KEYS" in unreadable.reason
        assert storage.users.key_use() == KeyUse(credentials={"old": 1, "newest": 1}, outdated=1)
        keys.ring = {"newest": NEWEST, "old": OLD}
        assert storage.users.credentials(alice.id) == ALICE

    def test_rotations_and_writers_at_a_time_leave_every_user_whole(
        self, backend: Backend, storage: Storage, keys: Keys
    ) -> None:
        users = [storage.users.create(NewUserFactory.build()) for _ in range(12)]
        for n, user in enumerate(users):
            storage.users.set_credentials(user.id, BOB.model_copy(update={"api_key": f"key {n}"}))
        keys.ring = {"new": NEW, "old": OLD}
        again = ALICE.model_copy(update={"api_key": "key 3"})

        def rotate() -> object:
            batches = [storage.run(lambda tx: tx.users.rotate_keys(limit=4))]
            while (after := batches[-1].next) is not None:
                batches.append(storage.run(lambda tx, after=after: tx.users.rotate_keys(after, 4)))  # type: ignore[misc]
            return batches

        results = backend.runner.together(
            rotate,
            rotate,
            rotate,
            lambda: storage.users.set_credentials(users[3].id, again),
            lambda: storage.users.set_credentials(users[4].id, None),
            lambda: [storage.users.credentials(users[5].id) for _ in range(20)],
        )
        assert not [result for result in results if isinstance(result, Exception)]
        storage.users.rotate_keys()
        assert storage.users.key_use() == KeyUse(credentials={"new": 11}, outdated=0)
        keys.ring = {"new": NEW}
        assert storage.users.credentials(users[3].id) == again
        for n in (*range(4), *range(5, 12)):
            assert storage.users.get_by_api_key(f"key {n}") == users[n]

    @pytest.mark.parametrize(
        "ring",
        [KeyRing({"new": NEW, "old": OLD}), {"new": NEW, "old": OLD}, f"new:{_text(NEW)},old:{_text(OLD)}"],
        ids=["ring", "mapping", "text"],
    )
    def test_keys_may_be_a_ring_a_mapping_or_text(self, open_storage: Opening, ring: Any) -> None:
        for keys in (ring, lambda: ring):
            storage = open_storage(encryption_keys=keys)
            user = storage.users.create(NewUserFactory.build())
            storage.users.set_credentials(user.id, ALICE)
            assert storage.users.credentials(user.id) == ALICE
            assert storage.users.key_use().credentials == {"new": 1}
            storage.users.delete(user.id)

    def test_a_callable_that_fails_is_an_error_unless_it_gave_keys_before(
        self, storage: Storage, keys: Keys, user: User
    ) -> None:
        ring, keys.ring = keys.ring, OSError("no route to the key management service")
        with pytest.raises(ConfigurationError) as caught:
            storage.users.set_credentials(user.id, ALICE)
        assert caught.value.setting == "encryption_keys"
        keys.ring = ring
        storage.users.set_credentials(user.id, ALICE)
        keys.ring = OSError("no route to the key management service")
        assert storage.users.credentials(user.id) == ALICE
        keys.ring = None
        assert storage.users.credentials(user.id) == ALICE

    def test_keys_that_a_callable_gave_are_kept_for_a_while(self, open_storage: Opening, keys: Keys) -> None:
        storage = open_storage(encryption_keys=keys, encryption_keys_max_age=3600)
        user = storage.users.create(NewUserFactory.build())
        storage.users.set_credentials(user.id, ALICE)
        keys.ring = {"new": NEW}
        assert storage.users.credentials(user.id) == ALICE
