# Made from metacore/postgres/storages/inbox.py by `python tools/generate_sync.py`. Do not edit.
"""What has come in, in PostgreSQL."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import final
from uuid import UUID

from metacore.backends.listing import parse_limit
from metacore.domain.messages.inbox import (
    Acceptance,
    InboxPosition,
    MessageKey,
    Run,
    parse_message_id,
    parse_messages,
    runs_in_turns,
)
from metacore.domain.values.model import unchecked_maker
from metacore.domain.values.text import require_key
from metacore.domain.values.times import require_time
from metacore.postgres.client.call import Call
from metacore.postgres.client.codecs import to_array, to_text
from metacore.postgres.statements import inbox as statements
from metacore.sync.postgres.client.session import Session
from metacore.sync.postgres.client.transaction_session import TransactionSession
from metacore.sync.storage.inbox import InboxStorage

_position = unchecked_maker(InboxPosition, InboxPosition.model_fields)


@final
class PostgresInboxStorage(InboxStorage):
    """`metacore.sync.storage.inbox.InboxStorage` over PostgreSQL."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def accept(self, consumer: str, topic: str, key: str, seq: int) -> Acceptance:
        return self._accept("inbox.accept", consumer, [(topic, key, seq)])[0]

    def accept_many(self, consumer: str, messages: Iterable[MessageKey]) -> Sequence[Acceptance]:
        return self._accept("inbox.accept_many", consumer, messages)

    def _accept(self, operation: str, consumer: str, messages: Iterable[MessageKey]) -> Sequence[Acceptance]:
        require_key(consumer=consumer)
        keys = parse_messages(messages)
        if not keys:
            self._session.check()
            return ()
        first, *others = ({"consumer": consumer, **_columns(runs)} for runs in runs_in_turns(keys))
        calls: list[Call] = [(statements.ENSURE, first), (statements.POSITIONS, first)]
        calls += [(statements.ACCEPT, values) for values in (first, *others)]
        made, found, *_ = self._session.pipeline(operation, calls)
        # What is made is found as the first run leaves it. Positions move as the domain says.
        seqs = {(topic, key): seq for topic, key, seq in found} | dict.fromkeys(map(tuple, made), 0)
        positions = {
            (topic, key): _position({"consumer": consumer, "topic": topic, "key": key, "seq": seq})
            for (topic, key), seq in seqs.items()
        }
        accepted = list[Acceptance]()
        for topic, key, seq in keys:
            positions[topic, key], acceptance = positions[topic, key].accept(seq)
            accepted.append(acceptance)
        return tuple(accepted)

    def once(self, consumer: str, message_id: str | UUID) -> bool:
        require_key(consumer=consumer)
        values = {"message_id": parse_message_id(message_id), "accepted_at": to_text(self._session.now())}
        return bool(self._session.fetch(statements.ONCE, {"consumer": consumer, **values}))

    def purge(self, before: datetime, limit: int = 1000) -> int:
        moment, most = require_time("before", before), parse_limit(limit)

        def purge(tx: TransactionSession) -> int:
            found: dict[str, list[str]] = {}
            for consumer, message_id in tx.fetch(statements.OLD, {"before": to_text(moment), "limit": str(most)}):
                found.setdefault(consumer, []).append(message_id)
            calls: list[Call] = [
                (statements.PURGE, {"consumer": consumer, "message_ids": to_array(found[consumer])})
                for consumer in sorted(found)
            ]
            return sum(map(len, tx.pipeline("inbox.purge", calls))) if calls else 0

        return self._session.run(purge)


def _columns(runs: Sequence[Run]) -> dict[str, str]:
    topics, keys, firsts, lasts = zip(*runs, strict=True)
    return {"topic": to_array(topics), "key": to_array(keys), "first": to_array(firsts), "last": to_array(lasts)}
