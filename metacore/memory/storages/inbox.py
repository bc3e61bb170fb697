"""What has come in, in memory."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import final
from uuid import UUID

from metacore.backends.listing import parse_limit
from metacore.domain.messages.inbox import (
    Acceptance,
    InboxMessage,
    InboxPosition,
    MessageKey,
    parse_message_id,
    parse_messages,
)
from metacore.domain.values.text import require_key
from metacore.domain.values.times import require_time
from metacore.memory.storages.session import Session
from metacore.storage.inbox import InboxStorage


@final
class MemoryInboxStorage(InboxStorage):
    """`metacore.storage.inbox.InboxStorage` over dictionaries."""

    def __init__(self, session: Session) -> None:
        self._session = session

    async def accept(self, consumer: str, topic: str, key: str, seq: int) -> Acceptance:
        return (await self._accept(consumer, [(topic, key, seq)]))[0]

    async def accept_many(self, consumer: str, messages: Iterable[MessageKey]) -> Sequence[Acceptance]:
        return await self._accept(consumer, messages)

    async def _accept(self, consumer: str, messages: Iterable[MessageKey]) -> Sequence[Acceptance]:
        require_key(consumer=consumer)
        keys = parse_messages(messages)
        accepted = list[Acceptance]()
        async with self._session.write() as tables:
            for topic, key, seq in keys:
                stored = tables.inbox_positions.get((consumer, topic, key))
                position, acceptance = (stored or InboxPosition(consumer=consumer, topic=topic, key=key)).accept(seq)
                tables.inbox_positions.put(position)
                accepted.append(acceptance)
        return tuple(accepted)

    async def once(self, consumer: str, message_id: str | UUID) -> bool:
        require_key(consumer=consumer)
        key, now = parse_message_id(message_id), self._session.now()
        async with self._session.write() as tables:
            if tables.inbox_messages.get((consumer, key)) is not None:
                return False
            tables.inbox_messages.put(InboxMessage(consumer=consumer, message_id=key, accepted_at=now))
            return True

    async def purge(self, before: datetime, limit: int = 1000) -> int:
        moment, most = require_time("before", before), parse_limit(limit)
        async with self._session.write() as tables:
            old = [message for message in tables.inbox_messages.all() if message.accepted_at < moment]
            old.sort(key=lambda message: (message.accepted_at, message.consumer, message.message_id))
            tables.inbox_messages.delete(old[:most])
            return len(old[:most])
