# Made from metacore/postgres/storages/sessions.py by `python tools/generate_sync.py`. Do not edit.
"""Sessions in PostgreSQL."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import final
from uuid import UUID

from metacore.backends.listing import parse_limit
from metacore.domain.people.sessions import EndReason, NewSession, Presented, Rotation, RotationOutcome
from metacore.domain.people.sessions import Session as UserSession
from metacore.domain.values.model import revised, unchecked
from metacore.domain.values.text import require_key
from metacore.domain.values.times import require_time
from metacore.errors import NotFoundError
from metacore.postgres.client.call import Call
from metacore.postgres.client.codecs import SESSION, USER, to_array, to_text
from metacore.postgres.statements import sessions as statements
from metacore.postgres.statements.users import GET as GET_USER
from metacore.sync.postgres.client.session import Session
from metacore.sync.postgres.client.transaction_session import TransactionSession
from metacore.sync.storage.sessions import SessionStorage

_WIDTH = len(SESSION.columns)


@final
class PostgresSessionStorage(SessionStorage):
    """`metacore.sync.storage.sessions.SessionStorage` over PostgreSQL."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def create(self, new: NewSession) -> UserSession:
        created = UserSession.created(new, self._session.now())
        if not self._session.fetch(statements.CREATE, SESSION.encode(created), created):
            raise NotFoundError("user", created.user_id)
        return created

    def get(self, user_id: UUID, session_id: UUID) -> UserSession:
        rows = self._session.fetch(statements.GET, _key(user_id, session_id))
        if not rows:
            raise NotFoundError("session", (user_id, session_id))
        return SESSION.decode(rows[0])

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
        key, now = _key(user_id, session_id), self._session.now()
        values = {
            **key,
            "presented_hash": to_text(presented_hash),
            "next_hash": to_text(next_hash),
            "nonce": to_text(nonce),
            "idle_until": to_text(presented.idle_until),
            "now": to_text(now),
        }
        if rows := self._session.fetch(statements.RENEW, values):
            session, user = SESSION.decode(rows[0][:_WIDTH]), USER.decode(rows[0][_WIDTH:])
            return unchecked(Rotation, {"outcome": RotationOutcome.ROTATED, "session": session, "user": user})
        values |= {"fresh_since": to_text(now - presented.grace), "reason": EndReason.REUSED.value}
        whose: Call = (GET_USER, {"id": str(user_id)})
        calls: list[Call] = [(statements.LOCK, key), (statements.ROTATE, values), whose]
        was, changed, users = self._session.pipeline("sessions.rotate", calls)
        whose_it_is = USER.decode(users[0]) if users else None
        rotation = presented.rotate(SESSION.decode(was[0]) if was else None, whose_it_is, now)
        return revised(rotation, session=SESSION.decode(changed[0])) if changed else rotation

    def end(self, user_id: UUID, session_id: UUID, reason: str) -> bool:
        require_key(reason=reason)
        values = {"reason": reason, "now": to_text(self._session.now())}
        return bool(self._session.fetch(statements.END, {**_key(user_id, session_id), **values}))

    def end_all(self, user_id: UUID, reason: str, keep: UUID | None = None) -> int:
        require_key(reason=reason)
        mine = {"user_id": str(user_id), "keep": to_text(keep)}
        values = {"reason": reason, "now": to_text(self._session.now())}
        calls: list[Call] = [(statements.LOCK_ALL, mine), (statements.END_ALL, {**mine, **values})]
        _, ended = self._session.pipeline("sessions.end_all", calls)
        return len(ended)

    def list(self, user_id: UUID) -> Sequence[UserSession]:
        values = {"user_id": str(user_id), "now": to_text(self._session.now())}
        return SESSION.decode_all(self._session.fetch(statements.LIST, values))

    def purge(self, before: datetime, limit: int = 1000) -> int:
        moment, most = require_time("before", before), parse_limit(limit)

        def purge(tx: TransactionSession) -> int:
            found: dict[UUID, list[UUID]] = {}
            for user_id, session_id in tx.fetch(statements.OLD, {"before": to_text(moment), "limit": str(most)}):
                found.setdefault(user_id, []).append(session_id)
            calls: list[Call] = [
                (statements.PURGE, {"user_id": str(user_id), "ids": to_array(found[user_id])})
                for user_id in sorted(found)
            ]
            return sum(map(len, tx.pipeline("sessions.purge", calls))) if calls else 0

        return self._session.run(purge)


def _key(user_id: UUID, session_id: UUID) -> dict[str, str]:
    return {"user_id": str(user_id), "id": str(session_id)}
