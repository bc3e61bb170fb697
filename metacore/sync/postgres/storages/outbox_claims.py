# Made from metacore/postgres/storages/outbox_claims.py by `python tools/generate_sync.py`. Do not edit.
"""Claims keys that have events to be told, in PostgreSQL.

A transaction that looks at keys deletes the wakeups that it has seen of them, and sees to it that each has another one
if it has events that are not done: when the lease runs out, by the claim that takes it; after that of an earlier claim,
by whoever has locked the progress of the key then. So it locks the progress of all of them, and what was appended
before is seen by the next statement of whoever frees it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from uuid import UUID

from metacore.domain.messages.claims import Claim, ClaimedKey, KeyProgress, Wanted
from metacore.domain.messages.events import Event, EventKey
from metacore.postgres.client.codecs import EVENT, KEY_PROGRESS, to_array, to_text
from metacore.postgres.client.horizons import Horizons
from metacore.postgres.client.wire import Call, Row
from metacore.postgres.statements import outbox as statements
from metacore.postgres.tables.outbox import REST
from metacore.sync.postgres.client.session import TransactionSession

MOST_WAKEUPS = 5000
"""How many wakeups a claim looks at; it deletes those of the keys that it takes."""
AHEAD = timedelta(minutes=1)
"""How far the clock of somebody who appends may be ahead of ours: what is told is to be told now, whatever it says."""

Wakeup = tuple[datetime, str, int]
"""`(due, key, seq)`."""


class Claiming:
    """What a claim asks for, until something is found, or nothing is left to be looked at."""

    def __init__(self, wanted: Wanted, now: datetime, horizons: Horizons) -> None:
        self._wanted = wanted
        self._claim_id = wanted.claim_id
        self._now = now
        self._horizons = horizons
        self._limit = min(wanted.keys * wanted.per_key, MOST_WAKEUPS)

    def attempt(self, tx: TransactionSession) -> Claim | None:
        """The claim; None if what was looked at was of no use, and there may be more."""
        until = self._now + self._wanted.lease
        seen = self._look(tx)
        chosen = self._choose(seen)
        self._note(seen, chosen)
        if not chosen:
            return Claim.of(self._claim_id, until, ())
        stored, events = self._lock(tx, seen, chosen)
        claimed = {
            key: progress.claimed(self._claim_id, events[key][-1].seq, until)
            for key, progress in stored.items()
            if key in events
        }
        if not claimed:
            return None
        keys = [ClaimedKey.of(stored[key], events[key]) for key in claimed]
        changed = list(claimed.values())
        tx.finish("outbox.claim", [*save(changed), *wake(changed, self._claim_id)])
        return Claim.of(self._claim_id, until, keys)

    def _look(self, tx: TransactionSession) -> Mapping[str, Sequence[Wakeup]]:
        """The wakeups of each topic, in order; what others have locked just now is left to them."""
        now, calls = self._now, list[Call]()
        told = {"now": to_text(now), "ahead": to_text(now + AHEAD), "limit": str(self._limit)}
        for topic in self._wanted.topics:
            start = self._horizons.of(topic).start(now)
            begin = "-infinity" if start is None else to_text(start)
            calls.append((statements.DUE, {"topic": topic, "start": begin, **told}))
        found: list[list[Row]] = tx.pipeline("outbox.claim", calls)
        return {
            topic: [(row[0], row[1], row[2]) for row in rows]
            for topic, rows in zip(self._wanted.topics, found, strict=True)
        }

    def _note(self, seen: Mapping[str, Sequence[Wakeup]], chosen: Sequence[EventKey]) -> None:
        """Note up to when nothing is left to be looked at: the first wakeup that is left, or that was not seen."""
        mine = set(chosen)
        for topic, wakeups in seen.items():
            left = next((due for due, key, _ in wakeups if (topic, key) not in mine), None)
            if left is None and len(wakeups) == self._limit:
                left = wakeups[-1][0]
            self._horizons.of(topic).seen(self._now, left)

    def _choose(self, seen: Mapping[str, Sequence[Wakeup]]) -> Sequence[EventKey]:
        """The keys that wait longest, as many as are wanted."""
        first = sorted((due, topic, key) for topic, wakeups in seen.items() for due, key, _ in wakeups)
        keys = dict.fromkeys((topic, key) for _, topic, key in first)
        return sorted(list(keys)[: self._wanted.keys])

    def _lock(
        self, tx: TransactionSession, seen: Mapping[str, Sequence[Wakeup]], chosen: Sequence[EventKey]
    ) -> tuple[Mapping[EventKey, KeyProgress], Mapping[EventKey, Sequence[Event]]]:
        """How far the keys are done, locked, and the events of those that nobody has; their wakeups are deleted."""
        calls: list[Call] = []
        for topic, keys in _keys_of(chosen).items():
            mine = set(keys)
            named = {"topic": topic, "key": to_array(keys)}
            dropped = [wakeup for wakeup in seen[topic] if wakeup[1] in mine]
            undone = {"now": to_text(self._now), "per_key": str(self._wanted.per_key)}
            calls += [(statements.ENSURE, named), (statements.LOCK, named), (statements.UNDONE, {**named, **undone})]
            calls.append(_drop(topic, dropped))
        results = tx.pipeline("outbox.claim", calls)
        locked = KEY_PROGRESS.decode_all(row for rows in results[1::4] for row in rows)
        events: dict[EventKey, list[Event]] = {}
        for event in EVENT.decode_all(row for rows in results[2::4] for row in rows):
            events.setdefault(event.event_key, []).append(event)
        return {row.event_key: row for row in locked}, events


def lock(tx: TransactionSession, operation: str, keys: Iterable[EventKey]) -> Mapping[EventKey, KeyProgress]:
    """How far these keys are done, locked; those that nobody has ever claimed are left out."""
    named = _keys_of(sorted(keys)).items()
    calls: list[Call] = [(statements.LOCK, {"topic": topic, "key": to_array(of_topic)}) for topic, of_topic in named]
    found = tx.pipeline(operation, calls)
    return {row.event_key: row for row in KEY_PROGRESS.decode_all(row for rows in found for row in rows)}


def save(changed: Sequence[KeyProgress]) -> list[Call]:
    """The calls that store how far keys are done."""
    columns = [name for name in KEY_PROGRESS.columns if name != "topic"]
    topics = by_topic(changed).items()
    return [(statements.SAVE, {"topic": topic, **KEY_PROGRESS.encode_all(rows, columns)}) for topic, rows in topics]


def wake(waiting: Sequence[KeyProgress], claim_id: UUID) -> list[Call]:
    """The calls that have keys looked at when their time has come, which a claim has set."""
    calls: list[Call] = []
    for topic, rows in by_topic(waiting).items():
        told = {"due": to_array(row.not_before for row in rows), "key": to_array(row.key for row in rows)}
        calls.append((statements.WAKE, {"topic": topic, **told, "seq": to_array([_mark(claim_id)] * len(rows))}))
    return calls


def wake_rest(freed: Sequence[KeyProgress], now: datetime) -> list[Call]:
    """The calls that have keys looked at that are free, and have more events."""
    calls: list[Call] = []
    for topic, rows in by_topic(freed).items():
        told = {"key": to_array(row.key for row in rows), "done_seq": to_array(row.done_seq for row in rows)}
        calls.append((statements.WAKE_REST, {"topic": topic, "now": to_text(now), **told}))
    return calls


def drop(held: Sequence[KeyProgress], claim_id: UUID) -> list[Call]:
    """The calls that delete the wakeups of a claim whose leases have ended before their time."""
    return [
        _drop(topic, [(row.not_before, row.key, _mark(claim_id)) for row in rows if row.not_before is not None])
        for topic, rows in by_topic(held).items()
    ]


def by_topic(rows: Iterable[KeyProgress]) -> Mapping[str, Sequence[KeyProgress]]:
    """What belongs to each topic."""
    found: dict[str, list[KeyProgress]] = {}
    for row in rows:
        found.setdefault(row.topic, []).append(row)
    return found


def _mark(claim_id: UUID) -> int:
    """What wakeups of a claim are told apart by."""
    return -1 - claim_id.int % REST


def _drop(topic: str, wakeups: Sequence[Wakeup]) -> Call:
    due, keys, seqs = zip(*wakeups, strict=True)
    return statements.DROP, {"topic": topic, "due": to_array(due), "key": to_array(keys), "seq": to_array(seqs)}


def _keys_of(keys: Iterable[EventKey]) -> Mapping[str, Sequence[str]]:
    """The keys of each topic."""
    found: dict[str, list[str]] = {}
    for topic, key in keys:
        found.setdefault(topic, []).append(key)
    return found
