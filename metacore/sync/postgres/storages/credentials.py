# Made from metacore/postgres/storages/credentials.py by `python tools/generate_sync.py`. Do not edit.
"""Credentials in PostgreSQL: encrypted before they leave the process."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import fields
from functools import partial
from uuid import UUID

from pydantic import SecretStr

from metacore.backends.listing import parse_limit
from metacore.crypto.ring import KeyRing
from metacore.crypto.sealed import ApiKeyHash, SealedCredentials
from metacore.crypto.sealing import (
    Resealed,
    api_key_hashes,
    has_api_key,
    hash_api_key,
    lookup,
    reseal,
    seal,
    unseal,
    without_hash,
)
from metacore.domain.people.credentials import Credentials, hide_all
from metacore.domain.people.key_rotation import KeyUse, RotationBatch
from metacore.domain.people.names import Name, NameKind, api_key_name, exchanged
from metacore.domain.people.users import User
from metacore.domain.values.model import require_id
from metacore.domain.values.secrets import hide
from metacore.errors import NotFoundError
from metacore.postgres.client.call import Call, Row
from metacore.postgres.client.codecs import USER, to_array, to_text
from metacore.postgres.client.named_calls import NamedCalls
from metacore.postgres.statements import credentials as statements
from metacore.postgres.statements.balances import KNOWN_USER
from metacore.postgres.statements.names import FIND_MANY, GIVE_UP, TAKE_FREE
from metacore.sync.backends.counting import counts_itself
from metacore.sync.backends.operations import WholeOperation
from metacore.sync.postgres.client.session import Session
from metacore.sync.postgres.client.transaction_session import TransactionSession
from metacore.sync.postgres.storages.names import exchange, give_up, values_of
from metacore.sync.storage.credentials import CredentialStorage


class PostgresCredentialStorage(CredentialStorage):
    """`metacore.sync.storage.credentials.CredentialStorage` over PostgreSQL."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def credentials(self, user_id: UUID) -> Credentials:
        keys = self._session.keys
        keys.ring()
        rows = self._session.fetch(statements.GET, {"user_id": str(user_id)})
        if not rows:
            raise NotFoundError("credentials", user_id)
        sealed = SealedCredentials(*rows[0])
        return unseal(keys.ring(sealed.key_id), sealed)

    @counts_itself
    def set_credentials(self, user_id: UUID, credentials: Credentials | None) -> None:
        credentials = hide_all(credentials)
        with WholeOperation(self._session, "users.set_credentials"):
            require_id(user_id, "user_id")
            if credentials is None:
                self._session.run(partial(_remove, user_id=user_id))
                return
            ring = self._session.keys.ring()
            sealed, hashes = seal(ring, user_id, credentials), api_key_hashes(ring, user_id, credentials)
            self._session.run(partial(_set, sealed=sealed, hashes=hashes))

    @counts_itself
    def get_by_api_key(self, api_key: str | SecretStr) -> User:
        # No variable keeps the text: loggers print the variables of a traceback's frames.
        presented, api_key = hide(api_key), ""
        with WholeOperation(self._session, "users.get_by_api_key"):
            secret = lookup(presented)
            keys = self._session.keys
            for row in self._having(map(api_key_name, hash_api_key(keys.ring(), secret))):
                sealed = SealedCredentials(*row[len(USER.columns) :])
                if has_api_key(keys.ring(sealed.key_id), sealed, secret):
                    return USER.decode(row[: len(USER.columns)])
            raise NotFoundError("user", "the one with this API key")

    def rotate_keys(self, after: UUID | None = None, limit: int = 100, dry_run: bool = False) -> RotationBatch:
        ring = self._session.keys.ring()
        values = {**_of_ring(ring), "limit": str(parse_limit(limit) + 1)}
        if after is not None:
            values["after"] = str(after)
        rows = self._session.fetch(statements.outdated_page(after is not None), values)
        page = [SealedCredentials(*row) for row in rows[:limit]]
        resealed, unreadable = reseal(ring, page)
        rotated = len(resealed)
        if resealed and not dry_run:
            rotated = self._session.run(partial(_replace, resealed=resealed))
        return RotationBatch(
            rotated=rotated,
            overtaken=len(resealed) - rotated,
            unreadable=unreadable,
            next=page[-1].user_id if len(rows) > limit else None,
        )

    def key_use(self) -> KeyUse:
        keys = self._session.keys
        calls: list[Call] = [(statements.KEY_USE, {})]
        if keys.configured:
            calls.append((statements.OUTDATED, _of_ring(keys.ring())))
        counts, *outdated = self._session.pipeline("users.key_use", calls)
        return KeyUse(credentials=dict(counts), outdated=outdated[0][0][0] if outdated else None)

    def _having(self, names: Iterable[Name]) -> Sequence[Row]:
        """The users with one of these names of API keys, each with the sealed credentials."""
        operation = "users.get_by_api_key"
        values = {"kind": NameKind.API_KEY.value, "values": to_array(value for _, value in names)}
        calls = NamedCalls([(statements.GET_BY_API_KEY, values)])
        if self._session.pool.is_cluster:
            calls = NamedCalls()
            (found,) = self._session.pipeline(operation, [(FIND_MANY, values)])
            for user_id in sorted({user_id for (user_id,) in found}):
                calls.add("users", user_id, statements.GET_WITH_USER)
        results = self._session.pipeline(operation, calls.calls) if calls.calls else []
        return [row for rows in results for row in rows]


def _set(tx: TransactionSession, sealed: SealedCredentials, hashes: Sequence[ApiKeyHash]) -> None:
    values = _values(sealed)
    calls = [
        (statements.SET, values),
        (statements.DELETE_HASHES, values),
        (statements.INSERT_HASHES, {**values, **_columns(hashes)}),
    ]
    stored, before, _ = tx.pipeline("users.set_credentials", calls)
    if not stored:
        raise NotFoundError("user", sealed.user_id)
    names = exchange(sealed.user_id, _names(before), _names_of(hashes))
    tx.finish("users.set_credentials", names)


def _remove(tx: TransactionSession, user_id: UUID) -> None:
    mine = {"user_id": str(user_id)}
    calls = [(KNOWN_USER, mine), (statements.LOCK, mine), (statements.HASHES, mine)]
    known, stored, hashes = tx.pipeline("users.set_credentials", calls)
    if not known:
        raise NotFoundError("user", user_id)
    if stored:
        names = give_up(user_id, _names(hashes))
        tx.finish("users.set_credentials", [*names, (statements.REMOVE, mine)])


def _replace(tx: TransactionSession, resealed: Sequence[Resealed]) -> int:
    """Store what was `resealed` where the credentials are still those before it; of how many users.

    A name that another user has stays with that user, and its hash is not stored, but the generation is.
    """
    operation = "users.rotate_keys"
    changes = {change.sealed.user_id: change for change in resealed}
    calls = NamedCalls()
    for user_id, change in sorted(changes.items()):
        values = _values(change.sealed)
        calls.add("replaced", user_id, statements.REPLACE, {**values, "before": to_text(change.before.sealed)})
        calls.add("before", user_id, statements.DELETE_HASHES, values)
    found = calls.found(tx.pipeline(operation, calls.calls))
    replaced = [changes[user_id] for user_id, _ in found.get("replaced", ())]
    own = defaultdict[UUID, set[Name]](set)
    for user_id, row in found.get("before", ()):
        own[user_id].update(_names([row]))
    calls = NamedCalls()
    for change in replaced:
        user_id = change.sealed.user_id
        old, new = exchanged(own[user_id], _names_of(change.hashes))
        for statement, names in ((GIVE_UP, old), (TAKE_FREE, new)):
            for name in names:
                calls.add(statement.name, user_id, statement, values_of(user_id, name))
    taken = calls.found(tx.pipeline(operation, calls.calls) if calls.calls else []).get(TAKE_FREE.name, ())
    for user_id, (value,) in taken:
        own[user_id].add((NameKind.API_KEY, value))
    calls = NamedCalls()
    for change in replaced:
        hashes = [row if own[row.user_id].issuperset(_names_of([row])) else without_hash(row) for row in change.hashes]
        values = {**_values(change.sealed), **_columns(hashes)}
        calls.add("hashes", change.sealed.user_id, statements.INSERT_HASHES, values)
    tx.finish(operation, calls.calls)
    return len(replaced)


def _values(sealed: SealedCredentials) -> dict[str, str | None]:
    return {field.name: to_text(getattr(sealed, field.name)) for field in fields(sealed)}


def _columns(hashes: Iterable[ApiKeyHash]) -> dict[str, str]:
    rows = list(hashes)
    return {name: to_array(getattr(row, name) for row in rows) for name in ("key_id", "api_key_hash")}


def _names(rows: Iterable[Row]) -> list[Name]:
    return [api_key_name(api_key_hash) for (api_key_hash,) in rows if api_key_hash is not None]


def _names_of(hashes: Iterable[ApiKeyHash]) -> list[Name]:
    return _names((row.api_key_hash,) for row in hashes)


def _of_ring(ring: KeyRing) -> dict[str, str]:
    return {"current": ring.current.id, "ring": to_array(ring)}
