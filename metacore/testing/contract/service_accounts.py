"""The contract of the service of accounts."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import pytest

from metacore.domain.people.credentials import Credentials
from metacore.domain.people.users import KycStatus, User
from metacore.errors import AlreadyExistsError, InvalidDataError, NotFoundError
from metacore.sync.services.accounts import AccountService
from metacore.sync.storage.storage import Storage
from metacore.testing.cases import each_case
from metacore.testing.clock import ManualClock
from metacore.testing.contract.samples import NOBODY, SPOILT_TEXTS
from metacore.testing.contract.users_credentials import ALICE, BOB, CredentialContract
from metacore.testing.factories import NewUserFactory
from metacore.testing.runners import Runner


class AccountServiceContract(CredentialContract):
    """Of `metacore.services.accounts.AccountService`."""

    @pytest.fixture
    def service(self, runner: Runner, storage: Storage) -> AccountService:
        service: AccountService = runner.service("AccountService", storage)
        return service

    def test_register_stores_a_user(self, storage: Storage, service: AccountService) -> None:
        user = service.register(NewUserFactory.build())
        assert storage.users.get(user.id) == user

    def test_register_names_the_unique_field_that_is_taken(self, service: AccountService, user: User) -> None:
        with pytest.raises(AlreadyExistsError) as caught:
            service.register(NewUserFactory.build(username=user.username))
        assert caught.value.field == "username"

    def test_deactivate_keeps_everything_else(
        self, storage: Storage, service: AccountService, clock: ManualClock, user: User
    ) -> None:
        now = clock.advance()
        deactivated = service.deactivate(user.id)
        assert deactivated == user.changed(is_active=False, version=2, updated_at=now) == storage.users.get(user.id)

    def test_set_kyc_sets_the_status(self, storage: Storage, service: AccountService, user: User) -> None:
        assert service.set_kyc(user.id, KycStatus.INSTITUTIONAL).kyc_status is KycStatus.INSTITUTIONAL
        assert storage.users.get(user.id).kyc_status is KycStatus.INSTITUTIONAL

    def test_grant_adds_behind_what_the_user_has(self, storage: Storage, service: AccountService, user: User) -> None:
        granted = service.grant_permissions(user.id, ["UNHEARD OF", "SPOT", "MARGIN", "MARGIN"])
        assert granted.permissions == (*user.permissions, "UNHEARD OF", "MARGIN")
        assert storage.users.get(user.id) == granted

    def test_revoke_takes_what_the_user_has(self, storage: Storage, service: AccountService, user: User) -> None:
        assert user.permissions == ("SPOT", "FUTURES")
        revoked = service.revoke_permissions(user.id, ["SPOT", "UNHEARD OF"])
        assert revoked.permissions == ("FUTURES",)
        assert storage.users.get(user.id) == revoked

    def test_what_changes_nothing_leaves_the_version(
        self, storage: Storage, service: AccountService, clock: ManualClock, user: User
    ) -> None:
        clock.advance()
        assert service.set_kyc(user.id, user.kyc_status) == user
        assert service.grant_permissions(user.id, user.permissions) == user
        assert service.grant_permissions(user.id, []) == user
        assert service.revoke_permissions(user.id, ["UNHEARD OF"]) == user
        assert storage.users.get(user.id) == user
        deactivated = service.deactivate(user.id)
        clock.advance()
        assert service.deactivate(user.id) == deactivated == storage.users.get(user.id)

    def test_changes_at_the_same_time_all_count(
        self, storage: Storage, runner: Runner, service: AccountService, user: User
    ) -> None:
        names = [f"P{n}" for n in range(8)]
        runner.together(*(partial(service.grant_permissions, user.id, [name]) for name in names))
        stored = storage.users.get(user.id)
        assert sorted(stored.permissions) == sorted([*user.permissions, *names])
        assert stored.version == 9

    @each_case("permissions", ["SPOT", [""], [5], None, *([text] for text in SPOILT_TEXTS)])
    def test_what_are_no_names_of_permissions_is_refused(
        self, storage: Storage, service: AccountService, user: User, permissions: Any
    ) -> None:
        for change in (service.grant_permissions, service.revoke_permissions):
            with pytest.raises(InvalidDataError) as caught:
                change(user.id, permissions)
            assert "permissions" in str(caught.value)
        assert storage.users.get(user.id) == user

    def test_what_is_no_status_is_refused(self, storage: Storage, service: AccountService, user: User) -> None:
        status: Any = "VIP"
        with pytest.raises(InvalidDataError):
            service.set_kyc(user.id, status)
        assert storage.users.get(user.id) == user

    @pytest.mark.parametrize("before", [None, BOB])
    def test_rotate_credentials_replaces_any_before(
        self, storage: Storage, service: AccountService, user: User, before: Credentials | None
    ) -> None:
        storage.users.set_credentials(user.id, before)
        service.rotate_credentials(user.id, ALICE)
        assert storage.users.credentials(user.id) == ALICE

    def test_rotate_credentials_to_none_removes_them(
        self, storage: Storage, service: AccountService, user: User
    ) -> None:
        service.rotate_credentials(user.id, ALICE)
        service.rotate_credentials(user.id, None)
        with pytest.raises(NotFoundError):
            storage.users.credentials(user.id)

    def test_an_api_key_that_another_user_has_is_refused(
        self, storage: Storage, service: AccountService, user: User, other: User
    ) -> None:
        service.rotate_credentials(user.id, ALICE)
        with pytest.raises(AlreadyExistsError):
            service.rotate_credentials(other.id, ALICE)

    def test_changes_of_nobody_are_not_found(self, service: AccountService, user: User) -> None:
        calls: tuple[Callable[[], object], ...] = (
            lambda: service.deactivate(NOBODY),
            lambda: service.set_kyc(NOBODY, KycStatus.PRIMARY),
            lambda: service.grant_permissions(NOBODY, ["SPOT"]),
            lambda: service.revoke_permissions(NOBODY, ["SPOT"]),
            lambda: service.rotate_credentials(NOBODY, ALICE),
        )
        for call in calls:
            with pytest.raises(NotFoundError) as caught:
                call()
            assert (caught.value.entity, caught.value.key) == ("user", NOBODY)

    def test_on_a_transaction_it_is_part_of_that(self, storage: Storage, runner: Runner, user: User) -> None:
        with pytest.raises(ZeroDivisionError), storage.transaction() as tx:
            service = runner.service("AccountService", tx)
            service.deactivate(user.id)
            assert service.grant_permissions(user.id, ["MARGIN"]).version == 3
            raise ZeroDivisionError
        assert storage.users.get(user.id) == user
