"""Logins in memory."""

from __future__ import annotations

from typing import final
from uuid import UUID

from pydantic import SecretStr

from metacore.domain.people.logins import Login, parse_password_hash
from metacore.domain.people.names import NameKind, user_name
from metacore.domain.people.users import NewUser, User
from metacore.domain.values.text import require_text
from metacore.errors import ConflictError, NotFoundError
from metacore.memory.storages.session import Session
from metacore.memory.storages.users import add_user
from metacore.storage.logins import LoginStorage


@final
class MemoryLoginStorage(LoginStorage):
    """`metacore.storage.logins.LoginStorage` over dictionaries."""

    def __init__(self, session: Session) -> None:
        self._session = session

    async def register(self, new: NewUser, password_hash: str | SecretStr) -> User:
        hashed, now = parse_password_hash(password_hash), self._session.now()
        user = User.created(new, now)
        async with self._session.write() as tables:
            add_user(tables, user)
            tables.logins.put(Login(user_id=user.id, password_hash=hashed, changed_at=now))
        return user

    async def find(self, username: str) -> Login:
        require_text(username=username)
        with self._session.read() as tables:
            user = tables.users.find("username", user_name(NameKind.USERNAME, username))
            login = None if user is None else tables.logins.get((user.id,))
        if login is None:
            raise NotFoundError("login", username)
        return login

    async def get(self, user_id: UUID) -> Login:
        with self._session.read() as tables:
            login = tables.logins.get((user_id,))
        if login is None:
            raise NotFoundError("login", user_id)
        return login

    async def set_password(
        self, user_id: UUID, password_hash: str | SecretStr, expected_hash: str | SecretStr | None = None
    ) -> Login:
        hashed, now = parse_password_hash(password_hash), self._session.now()
        expected = None if expected_hash is None else parse_password_hash(expected_hash, "expected_hash")
        async with self._session.write() as tables:
            if tables.users.get((user_id,)) is None:
                raise NotFoundError("user", user_id)
            if expected is not None:
                if (stored := tables.logins.get((user_id,))) is None:
                    raise NotFoundError("login", user_id)
                if stored.password_hash != expected:
                    raise ConflictError(
                        "the password was set meanwhile; ask for it again", conflicts=("password_hash",)
                    )
            login = Login(user_id=user_id, password_hash=hashed, changed_at=now)
            tables.logins.put(login)
            return login

    async def fail(self, user_id: UUID) -> Login | None:
        now = self._session.now()
        async with self._session.write() as tables:
            if (login := tables.logins.get((user_id,))) is None:
                return None
            failed = login.failed(now)
            tables.logins.put(failed)
            return failed

    async def admit(
        self, user_id: UUID, expected_hash: str | SecretStr, rehashed: str | SecretStr | None = None
    ) -> bool:
        expected = parse_password_hash(expected_hash, "expected_hash")
        other = None if rehashed is None else parse_password_hash(rehashed, "rehashed")
        now = self._session.now()
        async with self._session.write() as tables:
            login = tables.logins.get((user_id,))
            if login is None or login.password_hash != expected or login.is_locked(now):
                return False
            tables.logins.put(login.admitted(other))
            return True
