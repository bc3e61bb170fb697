# Made from metacore/memory/storages/credentials.py by `python tools/generate_sync.py`. Do not edit.
"""Credentials in memory: encrypted, as in a database."""

from __future__ import annotations

from collections import Counter
from uuid import UUID

from pydantic import SecretStr

from metacore.backends.listing import parse_limit
from metacore.crypto.ring import KeyRing
from metacore.crypto.sealed import ApiKeyHash, SealedCredentials
from metacore.crypto.sealing import (
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
from metacore.domain.people.users import User
from metacore.domain.values.model import require_id
from metacore.domain.values.secrets import hide
from metacore.errors import AlreadyExistsError, NotFoundError
from metacore.memory.schema import Views
from metacore.sync.backends.counting import counts_itself
from metacore.sync.backends.operations import WholeOperation
from metacore.sync.memory.storages.session import Session
from metacore.sync.storage.credentials import CredentialStorage


class MemoryCredentialStorage(CredentialStorage):
    """`metacore.sync.storage.credentials.CredentialStorage` over dictionaries."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def credentials(self, user_id: UUID) -> Credentials:
        keys = self._session.keys
        keys.ring()
        with self._session.read() as tables:
            sealed = tables.user_credentials.get((user_id,))
            if sealed is None:
                raise NotFoundError("credentials", user_id)
        return unseal(keys.ring(sealed.key_id), sealed)

    @counts_itself
    def set_credentials(self, user_id: UUID, credentials: Credentials | None) -> None:
        credentials = hide_all(credentials)
        with WholeOperation(self._session, "users.set_credentials"):
            require_id(user_id, "user_id")
            if credentials is None:
                sealed, hashes = None, []
            else:
                ring = self._session.keys.ring()
                sealed, hashes = seal(ring, user_id, credentials), api_key_hashes(ring, user_id, credentials)
            with self._session.write() as tables:
                if tables.users.get((user_id,)) is None:
                    raise NotFoundError("user", user_id)
                _remove(tables, user_id)
                if sealed is not None:
                    if any(tables.user_api_keys.taken(row) for row in hashes):
                        raise AlreadyExistsError("credentials", "api_key")
                    _put(tables, sealed, hashes)

    @counts_itself
    def get_by_api_key(self, api_key: str | SecretStr) -> User:
        # No variable keeps the text: loggers print the variables of a traceback's frames.
        presented, api_key = hide(api_key), ""
        with WholeOperation(self._session, "users.get_by_api_key"):
            secret = lookup(presented)
            keys = self._session.keys
            ring = keys.ring()
            with self._session.read() as tables:
                found = _find(tables, hash_api_key(ring, secret))
            if found is not None:
                user, sealed = found
                if has_api_key(keys.ring(sealed.key_id), sealed, secret):
                    return user
            raise NotFoundError("user", "the one with this API key")

    def rotate_keys(self, after: UUID | None = None, limit: int = 100, dry_run: bool = False) -> RotationBatch:
        parse_limit(limit)
        ring = self._session.keys.ring()
        with self._session.read() as tables:
            rows = [row for row in _outdated(tables, ring) if after is None or row.user_id > after]
        rows.sort(key=lambda row: row.user_id)
        resealed, unreadable = reseal(ring, rows[:limit])
        rotated = 0
        if not dry_run and resealed:
            with self._session.write() as tables:
                for change in resealed:
                    if tables.user_credentials.get((change.before.user_id,)) == change.before:
                        _remove(tables, change.before.user_id)
                        taken = tables.user_api_keys.taken
                        _put(tables, change.sealed, [without_hash(row) if taken(row) else row for row in change.hashes])
                        rotated += 1
        return RotationBatch(
            rotated=len(resealed) if dry_run else rotated,
            overtaken=0 if dry_run else len(resealed) - rotated,
            unreadable=unreadable,
            next=rows[limit - 1].user_id if len(rows) > limit else None,
        )

    def key_use(self) -> KeyUse:
        keys = self._session.keys
        ring = keys.ring() if keys.configured else None
        with self._session.read() as tables:
            return KeyUse(
                credentials=dict(Counter(row.key_id for row in tables.user_credentials.all())),
                outdated=None if ring is None else len(_outdated(tables, ring)),
            )


def _remove(tables: Views, user_id: UUID) -> None:
    tables.user_credentials.delete(tables.user_credentials.group(user_id))
    tables.user_api_keys.delete(tables.user_api_keys.group(user_id))


def _put(tables: Views, sealed: SealedCredentials, hashes: list[ApiKeyHash]) -> None:
    tables.user_credentials.put(sealed)
    for row in hashes:
        tables.user_api_keys.put(row)


def _find(tables: Views, hashes: list[bytes]) -> tuple[User, SealedCredentials] | None:
    for api_key_hash in hashes:
        if (row := tables.user_api_keys.find("api_key", api_key_hash)) is not None:
            user, sealed = tables.users.get((row.user_id,)), tables.user_credentials.get((row.user_id,))
            if user is not None and sealed is not None:
                return user, sealed
    return None


def _outdated(tables: Views, ring: KeyRing) -> list[SealedCredentials]:
    return [
        row
        for row in tables.user_credentials.all()
        if row.key_id != ring.current.id
        or any(left.key_id not in ring for left in tables.user_api_keys.group(row.user_id))
    ]
