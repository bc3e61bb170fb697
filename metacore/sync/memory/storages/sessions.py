# Made from metacore/memory/storages/sessions.py by `python tools/generate_sync.py`. Do not edit.
"""Sessions in memory."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import final
from uuid import UUID

from metacore.backends.listing import parse_limit
from metacore.domain.people.sessions import NewSession, Presented, Rotation
from metacore.domain.people.sessions import Session as UserSession
from metacore.domain.values.text import require_key
from metacore.domain.values.times import require_time
from metacore.errors import AlreadyExistsError, NotFoundError
from metacore.sync.memory.storages.session import Session
from metacore.sync.storage.sessions import SessionStorage


@final
class MemorySessionStorage(SessionStorage):
    """`metacore.sync.storage.sessions.SessionStorage` over dictionaries."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def create(self, new: NewSession) -> UserSession:
        created = UserSession.created(new, self._session.now())
        with self._session.write() as tables:
            if tables.users.get((created.user_id,)) is None:
                raise NotFoundError("user", created.user_id)
            if tables.sessions.add(created) is not None:
                raise AlreadyExistsError("session", "id", created.id)
        return created

    def get(self, user_id: UUID, session_id: UUID) -> UserSession:
        with self._session.read() as tables:
            found = tables.sessions.get((user_id, session_id))
        if found is None:
            raise NotFoundError("session", (user_id, session_id))
        return found

    def rotate(
        self,
        user_id: UUID,
        session_id: UUID,
        presented_hash: bytes,
        next_hash: bytes,
        nonce: bytes,
        idle_until: datetime,
        grace: timedelta,
    ) -> Rotation:
        presented = Presented.parse(presented_hash, next_hash, nonce, idle_until, grace)
        now = self._session.now()
        with self._session.write() as tables:
            rotation = presented.rotate(tables.sessions.get((user_id, session_id)), tables.users.get((user_id,)), now)
            if rotation.session is not None:
                tables.sessions.put(rotation.session)
            return rotation

    def end(self, user_id: UUID, session_id: UUID, reason: str) -> bool:
        require_key(reason=reason)
        now = self._session.now()
        with self._session.write() as tables:
            found = tables.sessions.get((user_id, session_id))
            if found is None or found.ended_at is not None:
                return False
            tables.sessions.put(found.ended(reason, now))
            return True

    def end_all(self, user_id: UUID, reason: str, keep: UUID | None = None) -> int:
        require_key(reason=reason)
        now = self._session.now()
        with self._session.write() as tables:
            found = [each for each in tables.sessions.select("not_ended", user_id) if each.id != keep]
            for each in found:
                tables.sessions.put(each.ended(reason, now))
            return len(found)

    def list(self, user_id: UUID) -> Sequence[UserSession]:
        now = self._session.now()
        with self._session.read() as tables:
            found = tables.sessions.select("not_ended", user_id)
        return tuple(each for each in reversed(found) if each.is_live(now))

    def purge(self, before: datetime, limit: int = 1000) -> int:
        moment, most = require_time("before", before), parse_limit(limit)
        with self._session.write() as tables:
            old = [each for each in tables.sessions.all() if each.expires_at < moment]
            old.sort(key=lambda each: (each.expires_at, each.user_id, each.id))
            tables.sessions.delete(old[:most])
            return len(old[:most])
