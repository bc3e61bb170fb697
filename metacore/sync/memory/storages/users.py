# Made from metacore/memory/storages/users.py by `python tools/generate_sync.py`. Do not edit.
"""Users in memory."""

from __future__ import annotations

from typing import final
from uuid import UUID

from metacore.backends.listing import Listing
from metacore.domain.people.names import Name, NameKind, user_name
from metacore.domain.people.users import NewUser, User, UserPatch
from metacore.domain.values.pages import Page
from metacore.domain.values.text import require_integer, require_text
from metacore.errors import AlreadyExistsError, NotFoundError
from metacore.memory.paging import PageRequest
from metacore.memory.schema import Views
from metacore.sync.memory.storages.credentials import MemoryCredentialStorage
from metacore.sync.storage.users import UserStorage


@final
class MemoryUserStorage(MemoryCredentialStorage, UserStorage):
    """`metacore.sync.storage.users.UserStorage` over dictionaries."""

    def create(self, new: NewUser) -> User:
        user = User.created(new, self._session.now())
        with self._session.write() as tables:
            add_user(tables, user)
        return user

    def get(self, user_id: UUID) -> User:
        with self._session.read() as tables:
            return _get(tables, user_id)

    def get_by_uid(self, uid: str, exchange: str = "MEXC") -> User:
        require_text(uid=uid, exchange=exchange)
        return self._find(user_name(NameKind.UID, uid, exchange), (exchange, uid))

    def get_by_username(self, username: str) -> User:
        require_text(username=username)
        return self._find(user_name(NameKind.USERNAME, username), username)

    def get_by_email(self, email: str, exchange: str = "MEXC") -> User:
        require_text(email=email, exchange=exchange)
        return self._find(user_name(NameKind.EMAIL, email, exchange), (exchange, email))

    def get_by_telegram_id(self, telegram_id: int, exchange: str = "MEXC") -> User:
        require_integer(telegram_id=telegram_id)
        require_text(exchange=exchange)
        return self._find(user_name(NameKind.TELEGRAM_ID, telegram_id, exchange), (exchange, telegram_id))

    def list(self, active: bool | None = None, after: str | None = None, limit: int = 100) -> Page[User]:
        page = PageRequest(Listing("users.list", (active,)), after, limit)
        with self._session.read() as tables:
            rows = [user for user in tables.users.all() if active is None or user.is_active == active]
            return page.of(rows, lambda user: (user.created_at, user.id))

    def update(self, user_id: UUID, patch: UserPatch, expected_version: int | None = None) -> User:
        require_integer(expected_version=expected_version)
        now = self._session.now()
        with self._session.write() as tables:
            user = _get(tables, user_id).require_version(expected_version).patched(patch, now)
            put_user(tables, user)
        return user

    def delete(self, user_id: UUID) -> None:
        with self._session.write() as tables:
            user = _get(tables, user_id)
            tables.delete_owned_by(user_id)
            tables.users.delete([user])

    def _find(self, name: Name, key: object) -> User:
        with self._session.read() as tables:
            user = tables.users.find(name[0].field, name)
        if user is None:
            raise NotFoundError("user", key)
        return user


def _get(tables: Views, user_id: UUID) -> User:
    user = tables.users.get((user_id,))
    if user is None:
        raise NotFoundError("user", user_id)
    return user


def add_user(tables: Views, user: User) -> None:
    """Insert `user`, whose id and unique fields must be free."""
    if (field := tables.users.add(user)) is not None:
        raise AlreadyExistsError("user", field, getattr(user, field))


def put_user(tables: Views, user: User) -> None:
    """Store `user`, whose unique fields must be free."""
    if (field := tables.users.put(user)) is not None:
        raise AlreadyExistsError("user", field, getattr(user, field))
