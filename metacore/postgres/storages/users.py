"""Users in PostgreSQL."""

from __future__ import annotations

from datetime import datetime
from typing import Any, final
from uuid import UUID

from metacore.backends.listing import Listing, parse_limit
from metacore.domain.people.names import Name, NameKind, api_key_name, has_name, names_of, renames, user_name
from metacore.domain.people.users import NewUser, User, UserPatch
from metacore.domain.values.pages import Page
from metacore.domain.values.text import require_integer, require_text
from metacore.errors import NotFoundError
from metacore.postgres.client.call import Call
from metacore.postgres.client.codecs import USER, to_text
from metacore.postgres.client.statement import Statement
from metacore.postgres.client.transaction_session import TransactionSession
from metacore.postgres.statements import users as statements
from metacore.postgres.statements.credentials import HASHES, LOCK
from metacore.postgres.statements.names import FIND
from metacore.postgres.storages.credentials import PostgresCredentialStorage
from metacore.postgres.storages.names import exchange, give_up, take
from metacore.postgres.storages.turns import queue
from metacore.storage.users import UserStorage


@final
class PostgresUserStorage(PostgresCredentialStorage, UserStorage):
    """`metacore.storage.users.UserStorage` over PostgreSQL."""

    async def create(self, new: NewUser) -> User:
        user = User.created(new, self._session.now())
        calls: list[Call] = [(statements.CREATE, USER.encode(user)), *take(user.id, names_of(user))]
        await self._session.pipeline("users.create", calls, user)
        return user

    async def get(self, user_id: UUID) -> User:
        return await self._get(statements.GET, {"id": user_id}, user_id)

    async def get_by_uid(self, uid: str, exchange: str = "MEXC") -> User:
        require_text(uid=uid, exchange=exchange)
        return await self._find(user_name(NameKind.UID, uid, exchange), (exchange, uid))

    async def get_by_username(self, username: str) -> User:
        require_text(username=username)
        return await self._find(user_name(NameKind.USERNAME, username), username)

    async def get_by_email(self, email: str, exchange: str = "MEXC") -> User:
        require_text(email=email, exchange=exchange)
        return await self._find(user_name(NameKind.EMAIL, email, exchange), (exchange, email))

    async def get_by_telegram_id(self, telegram_id: int, exchange: str = "MEXC") -> User:
        require_integer(telegram_id=telegram_id)
        require_text(exchange=exchange)
        return await self._find(user_name(NameKind.TELEGRAM_ID, telegram_id, exchange), (exchange, telegram_id))

    async def list(self, active: bool | None = None, after: str | None = None, limit: int = 100) -> Page[User]:
        listing = Listing("users.list", (active,))
        values: dict[str, Any] = {"limit": parse_limit(limit) + 1}
        if (start := listing.position(after)) is not None:
            values |= {"created_at": to_text(start[0]), "id": to_text(start[1])}
        rows = await self._session.fetch(statements.page(active, start is not None), values)
        return listing.page(USER.decode_all(rows), limit, lambda user: (user.created_at, user.id))

    async def update(self, user_id: UUID, patch: UserPatch, expected_version: int | None = None) -> User:
        require_integer(expected_version=expected_version)
        if not patch.named_values():
            user = await self._get(statements.GET, {"id": user_id}, user_id)
            return user.require_version(expected_version)
        if renames(patch):
            return await self._rename(user_id, patch, expected_version)
        statement, values = change_user(user_id, patch, self._session.now(), expected_version)
        rows = await self._session.fetch(statement, values, patch)
        if not rows:
            (await self._get(statements.GET, {"id": user_id}, user_id)).require_version(expected_version)
            raise NotFoundError("user", user_id)
        return USER.decode(rows[0])

    async def delete(self, user_id: UUID) -> None:
        mine = {"id": str(user_id), "user_id": str(user_id)}

        async def delete(tx: TransactionSession) -> None:
            turn = queue(tx, [user_id], alone=True)
            tx.forget()
            calls = [*turn, (statements.LOCK_ALONE, mine), (LOCK, mine), (HASHES, mine)]
            *_, rows, _, hashes = await tx.pipeline("users.delete", calls)
            if not rows:
                raise NotFoundError("user", user_id)
            names = [*names_of(USER.decode(rows[0])), *(api_key_name(api_key_hash) for (api_key_hash,) in hashes)]
            await tx.finish("users.delete", [*give_up(user_id, names), (statements.DELETE, mine)])

        await self._session.run(delete)

    async def _rename(self, user_id: UUID, patch: UserPatch, expected_version: int | None) -> User:
        now = self._session.now()

        async def rename(tx: TransactionSession) -> User:
            rows = await tx.fetch(statements.LOCK, {"user_id": str(user_id)})
            if not rows:
                raise NotFoundError("user", user_id)
            user = USER.decode(rows[0]).require_version(expected_version)
            changed = user.patched(patch, now)
            names = exchange(user_id, names_of(user), names_of(changed))
            await tx.finish("users.update", [*names, change_user(user_id, patch, now)], changed)
            return changed

        return await self._session.run(rename)

    async def _find(self, name: Name, key: object) -> User:
        kind, value = name
        operation = f"users.get_by_{kind.field}"
        call: Call = (statements.GET_BY_NAME, {"kind": kind.value, "value": value})
        if self._session.pool.is_cluster:
            # Only by the id it is known on which node the user lies: with the name alone, each is asked.
            (found,) = await self._session.pipeline(operation, [(FIND, call[1])])
            if not found:
                raise NotFoundError("user", key)
            call = (statements.GET, {"id": str(found[0][0])})
        (rows,) = await self._session.pipeline(operation, [call])
        if not rows or not has_name(user := USER.decode(rows[0]), name):
            raise NotFoundError("user", key)
        return user

    async def _get(self, statement: Statement, values: dict[str, Any], key: object) -> User:
        rows = await self._session.fetch(statement, {name: to_text(value) for name, value in values.items()})
        if not rows:
            raise NotFoundError("user", key)
        return USER.decode(rows[0])


def change_user(
    user_id: UUID, patch: UserPatch, now: datetime, expected_version: int | None = None
) -> tuple[Statement, dict[str, Any]]:
    """The statement, and its values, that sets the fields of `patch`, which names some, of the user."""
    fields = {**patch.named_values(), "updated_at": now}
    values = {name: to_text(value) for name, value in fields.items()}
    values |= {"key": str(user_id), "expected_version": to_text(expected_version)}
    return statements.change(tuple(sorted(fields))), values
