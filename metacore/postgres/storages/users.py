"""Users in PostgreSQL."""

from __future__ import annotations

from datetime import datetime
from typing import Any, final
from uuid import UUID

from metacore.backends.listing import Listing, parse_limit
from metacore.domain.people.users import NewUser, User, UserPatch
from metacore.domain.values.pages import Page
from metacore.domain.values.text import require_integer, require_text
from metacore.errors import NotFoundError
from metacore.postgres.client.codecs import USER, to_text
from metacore.postgres.client.statement import Statement
from metacore.postgres.statements import users as statements
from metacore.postgres.storages.credentials import PostgresCredentialStorage
from metacore.postgres.storages.turns import queue
from metacore.storage.users import UserStorage


@final
class PostgresUserStorage(PostgresCredentialStorage, UserStorage):
    """`metacore.storage.users.UserStorage` over PostgreSQL."""

    async def create(self, new: NewUser) -> User:
        user = User.created(new, self._session.now())
        await self._session.fetch(statements.CREATE, USER.encode(user), user)
        return user

    async def get(self, user_id: UUID) -> User:
        return await self._get(statements.GET, {"id": user_id}, user_id)

    async def get_by_uid(self, uid: str, exchange: str = "MEXC") -> User:
        require_text(uid=uid, exchange=exchange)
        return await self._get(statements.GET_BY_UID, {"exchange": exchange, "uid": uid}, (exchange, uid))

    async def get_by_username(self, username: str) -> User:
        require_text(username=username)
        return await self._get(statements.GET_BY_USERNAME, {"username": username}, username)

    async def get_by_email(self, email: str, exchange: str = "MEXC") -> User:
        require_text(email=email, exchange=exchange)
        return await self._get(statements.GET_BY_EMAIL, {"exchange": exchange, "email": email}, (exchange, email))

    async def get_by_telegram_id(self, telegram_id: int, exchange: str = "MEXC") -> User:
        require_integer(telegram_id=telegram_id)
        require_text(exchange=exchange)
        values = {"exchange": exchange, "telegram_id": telegram_id}
        return await self._get(statements.GET_BY_TELEGRAM_ID, values, (exchange, telegram_id))

    async def list(self, active: bool | None = None, after: str | None = None, limit: int = 100) -> Page[User]:
        listing = Listing("users.list", (active,))
        values: dict[str, Any] = {"limit": parse_limit(limit) + 1}
        if (start := listing.position(after)) is not None:
            values |= {"created_at": to_text(start[0]), "id": to_text(start[1])}
        rows = await self._session.fetch(statements.page(active, start is not None), values)
        return listing.page(USER.decode_all(rows), limit, lambda user: (user.created_at, user.id))

    async def update(self, user_id: UUID, patch: UserPatch, expected_version: int | None = None) -> User:
        require_integer(expected_version=expected_version)
        if not patch.given():
            user = await self._get(statements.GET, {"id": user_id}, user_id)
            return user.require_version(expected_version)
        statement, values = change_user(user_id, patch, self._session.now(), expected_version)
        rows = await self._session.fetch(statement, values, patch)
        if not rows:
            (await self._get(statements.GET, {"id": user_id}, user_id)).require_version(expected_version)
            raise NotFoundError("user", user_id)
        return USER.decode(rows[0])

    async def delete(self, user_id: UUID) -> None:
        turn = queue(self._session, [user_id], alone=True)
        self._session.forget()
        *_, deleted = await self._session.pipeline("users.delete", [*turn, (statements.DELETE, {"id": str(user_id)})])
        if not deleted:
            raise NotFoundError("user", user_id)

    async def _get(self, statement: Statement, values: dict[str, Any], key: object) -> User:
        rows = await self._session.fetch(statement, {name: to_text(value) for name, value in values.items()})
        if not rows:
            raise NotFoundError("user", key)
        return USER.decode(rows[0])


def change_user(
    user_id: UUID, patch: UserPatch, now: datetime, expected_version: int | None = None
) -> tuple[Statement, dict[str, Any]]:
    """The statement, and its values, that sets the fields of `patch`, which names some, of the user."""
    fields = {**patch.given(), "updated_at": now}
    values = {name: to_text(value) for name, value in fields.items()}
    values |= {"key": str(user_id), "expected_version": to_text(expected_version)}
    return statements.change(tuple(sorted(fields))), values
