"""Logins in PostgreSQL."""

from __future__ import annotations

from typing import Any, final
from uuid import UUID

from pydantic import SecretStr

from metacore.domain.people.logins import LOCKS, Login, parse_password_hash
from metacore.domain.people.names import NameKind, names_of, user_name
from metacore.domain.people.users import NewUser, User
from metacore.domain.values.secrets import Secret
from metacore.domain.values.text import require_text
from metacore.errors import ConflictError, NotFoundError
from metacore.postgres.client.call import Call
from metacore.postgres.client.codecs import LOGIN, USER, to_text
from metacore.postgres.client.session import Session
from metacore.postgres.statements import logins as statements
from metacore.postgres.statements import users as user_statements
from metacore.postgres.statements.names import FIND
from metacore.postgres.storages.names import take
from metacore.storage.logins import LoginStorage


@final
class PostgresLoginStorage(LoginStorage):
    """`metacore.storage.logins.LoginStorage` over PostgreSQL."""

    def __init__(self, session: Session) -> None:
        self._session = session

    async def register(self, new: NewUser, password_hash: str | SecretStr) -> User:
        hashed, now = parse_password_hash(password_hash), self._session.now()
        user = User.created(new, now)
        calls: list[Call] = [(user_statements.CREATE, USER.encode(user)), *take(user.id, names_of(user))]
        calls.append((statements.REGISTER, _encoded(Login(user_id=user.id, password_hash=hashed, changed_at=now))))
        await self._session.pipeline("logins.register", calls, user)
        return user

    async def find(self, username: str) -> Login:
        require_text(username=username)
        kind, value = user_name(NameKind.USERNAME, username)
        call: Call = (statements.FIND, {"kind": kind.value, "value": value})
        if self._session.pool.is_cluster:
            # As `users` does: only by the id it is known on which node the login lies.
            (found,) = await self._session.pipeline("logins.find", [(FIND, call[1])])
            if not found:
                raise NotFoundError("login", username)
            call = (statements.GET, {"user_id": str(found[0][0])})
        (rows,) = await self._session.pipeline("logins.find", [call])
        if not rows:
            raise NotFoundError("login", username)
        return LOGIN.decode(rows[0])

    async def get(self, user_id: UUID) -> Login:
        rows = await self._session.fetch(statements.GET, {"user_id": str(user_id)})
        if not rows:
            raise NotFoundError("login", user_id)
        return LOGIN.decode(rows[0])

    async def set_password(
        self, user_id: UUID, password_hash: str | SecretStr, expected_hash: str | SecretStr | None = None
    ) -> Login:
        hashed, now = parse_password_hash(password_hash), self._session.now()
        values = _encoded(Login(user_id=user_id, password_hash=hashed, changed_at=now))
        if expected_hash is None:
            rows = await self._session.fetch(statements.SET, values)
            if not rows:
                raise NotFoundError("user", user_id)
            return LOGIN.decode(rows[0])
        values["expected_hash"] = parse_password_hash(expected_hash, "expected_hash").get_secret_value()
        mine = {"id": str(user_id), "user_id": str(user_id)}
        calls: list[Call] = [(statements.REPLACE, values), (statements.GET, mine), (user_statements.GET, mine)]
        replaced, stored, users = await self._session.pipeline("logins.set_password", calls)
        if replaced:
            return LOGIN.decode(replaced[0])
        if not stored:
            raise NotFoundError("login" if users else "user", user_id)
        raise ConflictError("the password was set meanwhile; ask for it again", conflicts=("password_hash",))

    async def fail(self, user_id: UUID) -> Login | None:
        now = self._session.now()
        locks = {f"lock_{failures}": to_text(now + lock) for failures, lock in enumerate(LOCKS) if lock}
        values = {"user_id": str(user_id), **locks}
        rows = await self._session.fetch(statements.FAIL, values)
        return LOGIN.decode(rows[0]) if rows else None

    async def admit(
        self, user_id: UUID, expected_hash: str | SecretStr, rehashed: str | SecretStr | None = None
    ) -> bool:
        expected = parse_password_hash(expected_hash, "expected_hash")
        other = None if rehashed is None else parse_password_hash(rehashed, "rehashed")
        values = {"user_id": str(user_id), "expected_hash": _text(expected), "rehashed": _text(other)}
        values["now"] = to_text(self._session.now())
        return bool(await self._session.fetch(statements.ADMIT, values))


def _encoded(login: Login) -> dict[str, Any]:
    return {**LOGIN.encode(login), "password_hash": _text(login.password_hash)}


def _text(secret: Secret | None) -> str | None:
    return None if secret is None else secret.get_secret_value()
