"""The contract of the rotation of encryption keys, over all users."""

from __future__ import annotations

import pytest

from metacore.domain.people.key_rotation import KeyUse, RotationReport
from metacore.domain.people.users import User
from metacore.errors import ConfigurationError
from metacore.sync.storage.storage import Storage
from metacore.testing.cases import each_case
from metacore.testing.contract.base import Backend, Opening
from metacore.testing.contract.users_credentials import BOB, OLD, CredentialContract, Keys
from metacore.testing.contract.users_encryption_keys import NEW, NEWEST
from metacore.testing.factories import NewUserFactory


class KeyRotationContract(CredentialContract):
    """Of `metacore.services.key_rotation.KeyRotation`."""

    def create(self, storage: Storage, count: int, prefix: str = "") -> list[User]:
        """Users with credentials."""
        users = [storage.users.create(NewUserFactory.build()) for _ in range(count)]
        for n, user in enumerate(users):
            storage.users.set_credentials(user.id, BOB.model_copy(update={"api_key": f"{prefix}{n}"}))
        return users

    @each_case("batch_size", [1, 2, 5, 1000])
    def test_all_users_are_rotated_and_counted(
        self, backend: Backend, storage: Storage, keys: Keys, batch_size: int
    ) -> None:
        keys.ring = {"old": OLD}
        users = self.create(storage, 5)
        keys.ring = {"new": NEW, "old": OLD}
        rotation = backend.runner.service("KeyRotation", storage)
        assert rotation.run(batch_size) == RotationReport(outdated=5, rotated=5, remaining=0)
        assert rotation.run(batch_size) == RotationReport(outdated=0, remaining=0)
        keys.ring = {"new": NEW}
        assert [storage.users.get_by_api_key(f"{n}") for n in range(5)] == users
        for user in users:
            storage.users.delete(user.id)

    def test_a_dry_run_counts_and_writes_nothing(self, backend: Backend, storage: Storage, keys: Keys) -> None:
        self.create(storage, 5)
        keys.ring = {"new": NEW, "old": OLD}
        report = backend.runner.service("KeyRotation", storage).run(2, True)
        assert report == RotationReport(outdated=5, rotated=5, remaining=5)
        assert storage.users.key_use() == KeyUse(credentials={"old": 5}, outdated=5)

    def test_what_cannot_be_decrypted_is_counted_once_and_ten_are_named(
        self, backend: Backend, storage: Storage, keys: Keys
    ) -> None:
        lost = self.create(storage, 12, "lost ")
        keys.ring = {"new": NEW}
        self.create(storage, 3)
        keys.ring = {"newest": NEWEST, "new": NEW}
        report = backend.runner.service("KeyRotation", storage).run(4)
        assert (report.outdated, report.rotated, report.unreadable, report.remaining) == (15, 3, 12, 12)
        assert [example.user_id for example in report.examples] == sorted(user.id for user in lost)[:10]

    def test_broken_off_it_is_taken_up_where_it_was(self, backend: Backend, storage: Storage, keys: Keys) -> None:
        self.create(storage, 5)
        keys.ring = {"new": NEW, "old": OLD}
        rotation = backend.runner.service("KeyRotation", storage)

        def break_off(report: RotationReport) -> None:
            if report.rotated == 4:
                raise KeyError

        with pytest.raises(KeyError):
            rotation.run(2, progress=break_off)
        assert storage.users.key_use() == KeyUse(credentials={"new": 4, "old": 1}, outdated=1)
        assert rotation.run(2) == RotationReport(outdated=1, rotated=1, remaining=0)

    def test_credentials_outdated_again_meanwhile_are_rotated_in_a_further_pass(
        self, backend: Backend, storage: Storage, keys: Keys
    ) -> None:
        users = self.create(storage, 4)
        keys.ring = {"new": NEW, "old": OLD}
        seen: list[int] = []

        def go_on_with_another_key(report: RotationReport) -> None:
            seen.append(report.rotated)
            keys.ring = {"newest": NEWEST, "new": NEW, "old": OLD}

        report = backend.runner.service("KeyRotation", storage).run(2, progress=go_on_with_another_key)
        assert report == RotationReport(outdated=4, rotated=6, remaining=0)
        assert seen == [2, 4, 6]
        keys.ring = {"newest": NEWEST}
        assert [storage.users.get_by_api_key(f"{n}") for n in range(4)] == users

    def test_without_keys_it_is_refused(self, backend: Backend, open_storage: Opening) -> None:
        with pytest.raises(ConfigurationError):
            backend.runner.service("KeyRotation", open_storage()).run()
