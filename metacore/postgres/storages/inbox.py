"""What has come in, in PostgreSQL."""

from __future__ import annotations

from datetime import datetime
from typing import final
from uuid import UUID

from metacore.backends.listing import parse_limit
from metacore.domain.messages.inbox import Acceptance, InboxPosition, parse_message_id
from metacore.domain.values.text import require_key, require_seq
from metacore.domain.values.times import require_time
from metacore.postgres.client.codecs import to_array, to_text
from metacore.postgres.client.session import Session, TransactionSession
from metacore.postgres.client.wire import Call
from metacore.postgres.statements import inbox as statements
from metacore.storage.inbox import InboxStorage


@final
class PostgresInboxStorage(InboxStorage):
    """`metacore.storage.inbox.InboxStorage` over PostgreSQL."""

    def __init__(self, session: Session) -> None:
        self._session = session

    async def accept(self, consumer: str, topic: str, key: str, seq: int) -> Acceptance:
        require_key(consumer=consumer, topic=topic, key=key)
        require_seq(seq=seq)
        named = {"consumer": consumer, "topic": topic, "key": key}
        calls: list[Call] = [(statements.ENSURE, named), (statements.POSITION, named)]
        calls.append((statements.ACCEPT, {**named, "seq": str(seq)}))
        _, stored, _ = await self._session.pipeline("inbox.accept", calls)
        return InboxPosition(**named, seq=stored[0][0]).accept(seq)[1]

    async def once(self, consumer: str, message_id: str | UUID) -> bool:
        require_key(consumer=consumer)
        told = {"message_id": parse_message_id(message_id), "accepted_at": to_text(self._session.now())}
        return bool(await self._session.fetch(statements.ONCE, {"consumer": consumer, **told}))

    async def purge(self, before: datetime, limit: int = 1000) -> int:
        moment, most = require_time("before", before), parse_limit(limit)

        async def purge(tx: TransactionSession) -> int:
            found: dict[str, list[str]] = {}
            for consumer, message_id in await tx.fetch(statements.OLD, {"before": to_text(moment), "limit": str(most)}):
                found.setdefault(consumer, []).append(message_id)
            calls: list[Call] = [
                (statements.PURGE, {"consumer": consumer, "message_ids": to_array(found[consumer])})
                for consumer in sorted(found)
            ]
            return sum(map(len, await tx.pipeline("inbox.purge", calls))) if calls else 0

        return await self._session.run(purge)
