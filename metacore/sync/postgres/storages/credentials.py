# Made from metacore/postgres/storages/credentials.py by `python tools/generate_sync.py`. Do not edit.
"""Credentials in PostgreSQL: encrypted before they leave the process."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from uuid import UUID

from pydantic import SecretStr

from metacore.backends.arguments import require_id
from metacore.backends.listing import parse_limit
from metacore.crypto.ring import KeyRing
from metacore.crypto.sealed import ApiKeyHash, SealedCredentials
from metacore.crypto.sealing import Resealed, api_key_hashes, has_api_key, hash_api_key, lookup, reseal, seal, unseal
from metacore.domain.people.credentials import Credentials, hide_all
from metacore.domain.people.key_rotation import KeyUse, RotationBatch
from metacore.domain.people.users import User
from metacore.domain.values.secrets import hide
from metacore.errors import NotFoundError
from metacore.postgres.client.codecs import USER, to_array
from metacore.postgres.client.wire import Call
from metacore.postgres.statements import credentials as statements
from metacore.sync.backends.counting import counts_itself
from metacore.sync.postgres.client.session import Session
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
        with self._session.operation("users.set_credentials"):
            require_id(user_id=user_id)
            if credentials is None:
                stored = self._session.fetch(statements.REMOVE, {"user_id": str(user_id)})
            else:
                ring = self._session.keys.ring()
                sealed, hashes = seal(ring, user_id, credentials), api_key_hashes(ring, user_id, credentials)
                calls = [
                    (statements.SET, _columns([sealed], statements.COLUMNS)),
                    (statements.DELETE_HASHES, _hashed_by([sealed])),
                    (statements.INSERT_HASHES, _hashes([(sealed, hashes)])),
                ]
                stored = self._session.pipeline("users.set_credentials", calls)[0]
            if not stored:
                raise NotFoundError("user", user_id)

    @counts_itself
    def get_by_api_key(self, api_key: str | SecretStr) -> User:
        # No variable keeps the text: loggers print the variables of a traceback's frames.
        wanted, api_key = hide(api_key), ""
        with self._session.operation("users.get_by_api_key"):
            secret = lookup(wanted)
            keys = self._session.keys
            hashes = hash_api_key(keys.ring(), secret)
            rows = self._session.fetch(statements.GET_BY_API_KEY, {"api_key_hash": to_array(hashes)})
            for row in rows:
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
        rotated = len(resealed) if dry_run else self._replace(resealed)
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

    def _replace(self, resealed: Sequence[Resealed]) -> int:
        if not resealed:
            return 0
        sealed = [change.sealed for change in resealed]
        before = to_array(change.before.api_key for change in resealed)
        calls = [
            (statements.REPLACE, {**_columns(sealed, statements.COLUMNS), "before": before}),
            (statements.DELETE_HASHES, _hashed_by(sealed)),
            (statements.INSERT_FREE_HASHES, _hashes((change.sealed, change.hashes) for change in resealed)),
        ]
        replaced, *_ = self._session.pipeline("users.rotate_keys", calls)
        return len(replaced)


def _columns(rows: Sequence[SealedCredentials | ApiKeyHash], columns: Iterable[str]) -> dict[str, str]:
    return {name: to_array(getattr(row, name) for row in rows) for name in columns}


def _hashed_by(rows: Sequence[SealedCredentials]) -> Mapping[str, str]:
    return {"user_id": to_array(row.user_id for row in rows), "sealed": to_array(row.api_key for row in rows)}


def _hashes(rows: Iterable[tuple[SealedCredentials, Sequence[ApiKeyHash]]]) -> Mapping[str, str]:
    pairs = [(sealed, row) for sealed, hashes in rows for row in hashes]
    columns = _columns([row for _, row in pairs], statements.HASH_COLUMNS)
    return {**columns, "sealed": to_array(sealed.api_key for sealed, _ in pairs)}


def _of_ring(ring: KeyRing) -> dict[str, str]:
    return {"current": ring.current.id, "ring": to_array(ring)}
