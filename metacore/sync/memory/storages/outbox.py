# Made from metacore/memory/storages/outbox.py by `python tools/generate_sync.py`. Do not edit.
"""Events to be told, in memory."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import final
from uuid import UUID

from metacore.backends.listing import parse_limit
from metacore.domain.messages.claims import (
    Claim,
    ClaimedKey,
    ClaimRequest,
    KeyProgress,
    Lag,
    Wait,
    lag_of,
    parse_upto,
    put_aside,
)
from metacore.domain.messages.events import Event, NewEvent, by_key, numbered, page_of
from metacore.domain.values.pages import Page
from metacore.domain.values.text import GREATEST_INTEGER, require_key, require_seq, require_text
from metacore.domain.values.times import require_time
from metacore.errors import AlreadyExistsError
from metacore.memory.schema import Views
from metacore.sync.backends.counting import counts_itself
from metacore.sync.backends.streams import streamed
from metacore.sync.memory.storages.session import Session
from metacore.sync.storage.outbox import OutboxStorage


@final
class MemoryOutboxStorage(OutboxStorage):
    """`metacore.sync.storage.outbox.OutboxStorage` over dictionaries."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def append(self, events: Iterable[NewEvent]) -> Sequence[Event]:
        new, now = list(events), self._session.now()
        with self._session.write() as tables:
            return append_events(tables, new, now)

    def claim(
        self, topics: Iterable[str], keys: int = 100, per_key: int = 50, lease: timedelta = timedelta(seconds=30)
    ) -> Claim:
        request, now = ClaimRequest.of(topics, keys, per_key, lease), self._session.now()
        claim_id, until = request.claim_id, now + request.lease
        with self._session.write() as tables:
            due = [wait for topic in request.topics for wait in tables.outbox_waits.between("due", topic, _FIRST, now)]
            claimed = []
            for wait in sorted(due, key=lambda wait: (wait.due, wait.topic, wait.key))[: request.keys]:
                progress = _progress(tables, wait.topic, wait.key)
                found = _behind(tables, wait.topic, wait.key, progress.done_seq)[: request.per_key]
                tables.outbox_progress.put(progress.claimed(claim_id, found[-1].seq, until))
                tables.outbox_waits.put(Wait(topic=wait.topic, key=wait.key, due=until))
                claimed.append(ClaimedKey.of(progress, found))
        return Claim.of(claim_id, until, claimed)

    def done(self, claim_id: UUID, upto: Mapping[tuple[str, str], int]) -> Sequence[tuple[str, str]]:
        last_done, now, lost = parse_upto(upto), self._session.now(), list[tuple[str, str]]()
        with self._session.write() as tables:
            for (topic, key), seq in last_done.items():
                progress = _progress(tables, topic, key)
                if progress.is_held(claim_id, now):
                    _change(tables, progress.done(seq), now)
                else:
                    lost.append((topic, key))
        return tuple(lost)

    def retry(self, claim_id: UUID, topic: str, key: str, error: str, at: datetime) -> bool:
        require_key(topic=topic, key=key)
        require_text(error=error)
        now, at = self._session.now(), require_time("at", at)
        with self._session.write() as tables:
            progress = _progress(tables, topic, key)
            if not progress.is_held(claim_id, now):
                return False
            changed = progress.retried(error, max(at, now))
            tables.outbox_progress.put(changed)
            tables.outbox_waits.put(Wait(topic=topic, key=key, due=max(at, now)))
            return True

    def park(self, claim_id: UUID, topic: str, key: str, seq: int, error: str) -> bool:
        require_key(topic=topic, key=key)
        require_seq(seq=seq)
        require_text(error=error)
        now = self._session.now()
        with self._session.write() as tables:
            progress = _progress(tables, topic, key)
            if not progress.is_held(claim_id, now):
                return False
            changed = progress.parked(seq)
            letter = put_aside(_behind(tables, topic, key, progress.done_seq)[0], error, now)
            if tables.dead_letters.get((letter.source, letter.position)) is None:
                tables.dead_letters.put(letter)
            _change(tables, changed, now)
            return True

    def read(self, topic: str, key: str, after_seq: int = 0, limit: int = 100) -> Page[Event]:
        require_key(topic=topic, key=key)
        require_seq(0, after_seq=after_seq)
        most = parse_limit(limit)
        with self._session.read() as tables:
            return page_of(_behind(tables, topic, key, after_seq), most)

    @counts_itself
    def stream(self, topic: str, key: str, after_seq: int = 0) -> Iterator[Event]:
        def read(after: str | None, limit: int) -> Page[Event]:
            return MemoryOutboxStorage.read(self, topic, key, int(after) if after else after_seq, limit)

        return streamed(self._session, "outbox.stream", read)

    def lag(self, topic: str) -> Lag:
        require_key(topic=topic)
        with self._session.read() as tables:
            rows = []
            for wait in tables.outbox_waits.group(topic):
                done_seq = _progress(tables, topic, wait.key).done_seq
                first = _behind(tables, topic, wait.key, done_seq)[0]
                rows.append((_last_seq(tables, topic, wait.key) - done_seq, first.recorded_at))
            return lag_of(topic, rows)

    def purge(self, before: datetime, limit: int = 1000) -> int:
        before, most = require_time("before", before), parse_limit(limit)
        with self._session.write() as tables:
            old = [
                event
                for event in tables.outbox_events.all()
                if event.recorded_at < before and event.seq <= _progress(tables, *event.event_key).done_seq
            ]
            old.sort(key=lambda event: (event.recorded_at, event.topic, event.key, event.seq))
            tables.outbox_events.delete(old[:most])
            return len(old[:most])


_FIRST = datetime.min.replace(tzinfo=UTC)


def append_events(tables: Views, events: Sequence[NewEvent], now: datetime) -> Sequence[Event]:
    """Append `events`; AlreadyExistsError if an id is taken."""
    last = {event_key: _last_seq(tables, *event_key) for event_key in by_key(events)}
    appended = numbered(events, last, now)
    for event in appended:
        if tables.outbox_events.put(event) is not None:
            raise AlreadyExistsError("event", "id", event.id)
        if tables.outbox_waits.get(event.event_key) is None:
            tables.outbox_waits.put(Wait(topic=event.topic, key=event.key, due=now))
    return appended


def _change(tables: Views, progress: KeyProgress, now: datetime) -> None:
    """Store how far a key is done; if it is free by that, it waits for the next claim, or for nothing."""
    tables.outbox_progress.put(progress)
    if progress.claim_id is not None:
        return
    wait = tables.outbox_waits.get(progress.event_key)
    if _last_seq(tables, progress.topic, progress.key) > progress.done_seq:
        tables.outbox_waits.put(Wait(topic=progress.topic, key=progress.key, due=now))
    elif wait is not None:
        tables.outbox_waits.delete([wait])


def _progress(tables: Views, topic: str, key: str) -> KeyProgress:
    return tables.outbox_progress.get((topic, key)) or KeyProgress(topic=topic, key=key)


def _last_seq(tables: Views, topic: str, key: str) -> int:
    newest = tables.outbox_events.last("key", (topic, key))
    # Only what is done is ever purged.
    return _progress(tables, topic, key).done_seq if newest is None else newest.seq


def _behind(tables: Views, topic: str, key: str, seq: int) -> Sequence[Event]:
    return tables.outbox_events.between("key", (topic, key), seq + 1, GREATEST_INTEGER)
