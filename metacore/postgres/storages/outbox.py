"""Events to be told, in PostgreSQL."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import final
from uuid import UUID

from metacore.backends.counting import counts_itself
from metacore.backends.listing import parse_limit
from metacore.backends.streams import streamed
from metacore.domain.messages.claims import (
    Claim,
    ClaimRequest,
    Delay,
    Lag,
    lag_of,
    parse_upto,
    put_aside,
)
from metacore.domain.messages.events import Event, NewEvent, page_of
from metacore.domain.values.pages import Page
from metacore.domain.values.text import require_key, require_seq, require_text
from metacore.domain.values.times import require_time
from metacore.postgres.client.call import Call
from metacore.postgres.client.codecs import DEAD_LETTER, EVENT, to_array, to_text
from metacore.postgres.client.horizons import Horizons
from metacore.postgres.client.session import Session
from metacore.postgres.client.transaction_session import TransactionSession
from metacore.postgres.statements import dead_letters as dead_letter_statements
from metacore.postgres.statements import outbox as statements
from metacore.postgres.storages.outbox_claims import Claiming, end, lock, save, wait_for, wake_rest
from metacore.postgres.storages.outbox_events import appending
from metacore.storage.outbox import OutboxStorage


@final
class PostgresOutboxStorage(OutboxStorage):
    """`metacore.storage.outbox.OutboxStorage` over PostgreSQL."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._wakeups, self._waits = Horizons(), Horizons()

    async def append(self, events: Iterable[NewEvent]) -> Sequence[Event]:
        new, now = list(events), self._session.now()
        if not new:
            self._session.check()
            return ()
        calls, appended = appending(new, now)
        subject = new[0] if len(new) == 1 else None
        return appended(await self._session.pipeline("outbox.append", calls, subject=subject))

    async def claim(
        self, topics: Iterable[str], keys: int = 100, per_key: int = 50, lease: timedelta = timedelta(seconds=30)
    ) -> Claim:
        request, now = ClaimRequest.of(topics, keys, per_key, lease), self._session.now()
        claiming = Claiming(request, now, self._wakeups, self._waits)
        while (claim := await self._session.run_forgettable(claiming.attempt)) is None:
            """What was to be looked at was nothing, and there may be more."""
        return claim

    async def done(self, claim_id: UUID, upto: Mapping[tuple[str, str], int]) -> Sequence[tuple[str, str]]:
        last_done, now = parse_upto(upto), self._session.now()
        if not last_done:
            self._session.check()
            return ()

        async def note(tx: TransactionSession) -> Sequence[tuple[str, str]]:
            stored = await lock(tx, "outbox.done", list(last_done))
            held = [row for row in stored.values() if row.is_held(claim_id, now)]
            kept = {row.event_key for row in held}
            changed = [row.done(last_done[row.event_key]) for row in held]
            freed = [row for row in changed if row.claim_id is None]
            ended = end([stored[row.event_key] for row in freed], claim_id)
            lost = tuple(event_key for event_key in last_done if event_key not in kept)
            await tx.finish("outbox.done", [*save(changed), *ended, *wake_rest(freed, now)])
            return lost

        return await self._session.run(note)

    async def retry(self, claim_id: UUID, topic: str, key: str, error: str, at: datetime) -> bool:
        require_key(topic=topic, key=key)
        require_text(error=error)
        now, moment = self._session.now(), require_time("at", at)

        async def give_back(tx: TransactionSession) -> bool:
            stored = await lock(tx, "outbox.retry", [(topic, key)])
            held = [row for row in stored.values() if row.is_held(claim_id, now)]
            if not held:
                return False
            due = max(moment, now)
            changed = [row.retried(error, due) for row in held]
            await tx.finish("outbox.retry", [*save(changed), *end(held, claim_id), wait_for(topic, Delay(due, [key]))])
            return True

        return await self._session.run(give_back)

    async def park(self, claim_id: UUID, topic: str, key: str, seq: int, error: str) -> bool:
        require_key(topic=topic, key=key)
        require_seq(seq=seq)
        require_text(error=error)
        now = self._session.now()
        values = {"topic": topic, "key": key, "seq": str(seq)}

        async def put(tx: TransactionSession) -> bool:
            stored = await lock(tx, "outbox.park", [(topic, key)])
            held = [row for row in stored.values() if row.is_held(claim_id, now)]
            if not held:
                return False
            changed = [row.parked(seq) for row in held]
            freed = [row for row in changed if row.claim_id is None]
            (event,) = EVENT.decode_all(await tx.fetch(statements.GET, values))
            letter = DEAD_LETTER.encode(put_aside(event, error, now))
            calls: list[Call] = [(dead_letter_statements.PUT, letter), *save(changed)]
            calls += [*(end(held, claim_id) if freed else ()), *wake_rest(freed, now)]
            await tx.finish("outbox.park", calls)
            return True

        return await self._session.run(put)

    async def read(self, topic: str, key: str, after_seq: int = 0, limit: int = 100) -> Page[Event]:
        require_key(topic=topic, key=key)
        require_seq(0, after_seq=after_seq)
        most = parse_limit(limit)
        values = {"topic": topic, "key": key, "after_seq": str(after_seq), "limit": str(most + 1)}
        return page_of(EVENT.decode_all(await self._session.fetch(statements.READ, values)), most)

    @counts_itself
    def stream(self, topic: str, key: str, after_seq: int = 0) -> AsyncIterator[Event]:
        async def read(after: str | None, limit: int) -> Page[Event]:
            return await PostgresOutboxStorage.read(self, topic, key, int(after) if after else after_seq, limit)

        return streamed(self._session, "outbox.stream", read)

    async def lag(self, topic: str) -> Lag:
        require_key(topic=topic)
        return lag_of(topic, await self._session.fetch(statements.LAG, {"topic": topic}))

    async def purge(self, before: datetime, limit: int = 1000) -> int:
        moment, most = require_time("before", before), parse_limit(limit)

        async def purge(tx: TransactionSession) -> int:
            values = {"before": to_text(moment), "limit": str(most)}
            seqs: dict[tuple[str, str], list[int]] = {}
            for topic, key, seq in await tx.fetch(statements.OLD, values):
                seqs.setdefault((topic, key), []).append(seq)
            calls: list[Call] = [
                (statements.PURGE, {"topic": topic, "key": key, "seqs": to_array(seqs[topic, key])})
                for topic, key in sorted(seqs)
            ]
            return sum(map(len, await tx.pipeline("outbox.purge", calls))) if calls else 0

        return await self._session.run(purge)
