"""Accounts: users from their registration on."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any
from uuid import UUID

from metacore._compat.aio import require_own_world
from metacore.domain.people.credentials import Credentials
from metacore.domain.people.users import KycStatus, NewUser, User, UserPatch
from metacore.domain.trading.decisions import Selection
from metacore.domain.values.model import build
from metacore.errors import NotFoundError
from metacore.services.transactions import in_transaction
from metacore.storage.storage import Storages, Transaction


class AccountService:
    """What becomes of a user. Each call is atomic, and one that changes nothing leaves the user's version as it is.

    All of them raise NotFoundError if there is no such user.
    """

    def __init__(self, storage: Storages) -> None:
        require_own_world(storage, self)
        self._storage = storage

    async def register(self, new: NewUser) -> User:
        """Store a user; AlreadyExistsError names the unique field that is taken."""
        return await self._storage.users.create(new)

    async def deactivate(self, user_id: UUID) -> User:
        """Let the user be inactive; everything that belongs to the user stays."""
        return await self._change(user_id, lambda _: {"is_active": False})

    async def set_kyc(self, user_id: UUID, status: KycStatus) -> User:
        """Set how far the exchange has verified the user."""
        return await self._change(user_id, lambda _: {"kyc_status": status})

    async def grant_permissions(self, user_id: UUID, permissions: Iterable[str]) -> User:
        """Add `permissions`, in their order, behind those that the user has."""
        named = build(UserPatch, {"permissions": permissions}).permissions or ()
        return await self._change(
            user_id, lambda user: {"permissions": tuple(dict.fromkeys((*user.permissions, *named)))}
        )

    async def revoke_permissions(self, user_id: UUID, permissions: Iterable[str]) -> User:
        """Take `permissions` from those that the user has; one that the user does not have is passed over."""
        named = build(UserPatch, {"permissions": permissions}).permissions or ()
        return await self._change(
            user_id, lambda user: {"permissions": tuple(name for name in user.permissions if name not in named)}
        )

    async def rotate_credentials(self, user_id: UUID, credentials: Credentials | None) -> None:
        """Set new credentials in place of any before, or remove them; AlreadyExistsError if another has the API key."""
        await self._storage.users.set_credentials(user_id, credentials)

    async def _change(self, user_id: UUID, decide: Callable[[User], dict[str, Any]]) -> User:
        async def change(tx: Transaction) -> User:
            loaded = await tx.load(Selection(users=frozenset({user_id}), exclusive_users=True))
            if (user := loaded.users.get(user_id)) is None:
                raise NotFoundError("user", user_id)
            fields = {name: value for name, value in decide(user).items() if value != getattr(user, name)}
            return await tx.users.update(user_id, build(UserPatch, fields), expected_version=user.version)

        return await in_transaction(self._storage, change)
