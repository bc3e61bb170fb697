# Made from metacore/postgres/storages/outbox_claims.py by `python tools/generate_sync.py`. Do not edit.
"""Claims keys that have events to be told, in PostgreSQL: two round trips, one to look, one to take.

A transaction that looks at keys deletes the wakeups and waits that it has seen of them, and sees to it that each has
another one if it has events that are not done: the wait of the claim that takes it, or what whoever has the key leaves
when it is done. So it locks the progress of all of them, whether it takes them or not, and what was appended before is
seen by the next statement of whoever has the key now.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from metacore.domain.messages.claims import Claim, ClaimedKey, ClaimRequest, Delay, KeyProgress
from metacore.domain.messages.events import Event, EventKey
from metacore.postgres.client.call import Call
from metacore.postgres.client.codecs import EVENT, KEY_PROGRESS, to_array, to_text
from metacore.postgres.client.horizons import Horizons
from metacore.postgres.statements import outbox_claims as statements
from metacore.sync.postgres.client.transaction_session import TransactionSession

MOST_WAKEUPS = 5000
"""How many wakeups a claim looks at: as many as it wants keys at first, and more while they are of no use."""
MORE = 4


class Wakeup(NamedTuple):
    """A key that is to be looked at."""

    due: datetime
    key: str
    seq: int


class Seen:
    """What of a topic is to be looked at, the first of it, locked; what others have locked is left to them."""

    def __init__(self, wakeups: Sequence[Wakeup], waits: Sequence[Delay]) -> None:
        self.wakeups = wakeups
        self.waits = waits

    def due(self) -> Iterable[tuple[datetime, str]]:
        """The keys, and since when they wait."""
        yield from ((wakeup.due, wakeup.key) for wakeup in self.wakeups)
        yield from ((wait.due, key) for wait in self.waits for key in wait.keys)


class Claiming:
    """What a claim asks for, until something is found, or nothing is left to be looked at."""

    def __init__(self, request: ClaimRequest, now: datetime, wakeups: Horizons, waits: Horizons) -> None:
        self._request = request
        self._claim_id = request.claim_id
        self._now = now
        self._until = now + request.lease
        self._wakeups, self._waits = wakeups, waits
        self._limit = request.keys

    def attempt(self, tx: TransactionSession) -> Claim | None:
        """The claim; None if what was looked at was of no use, and there may be more."""
        seen = self._look(tx)
        chosen = self._choose(seen)
        claimed = self._take(tx, seen, chosen) if chosen else ()
        # Only now: what could not be taken is still to be looked at.
        self._note(seen, {(topic, key) for topic, keys in chosen.items() for key in keys})
        if not chosen:
            return Claim.of(self._claim_id, self._until, ())
        self._limit = min(MORE * self._limit, MOST_WAKEUPS)
        return Claim.of(self._claim_id, self._until, claimed) if claimed else None

    def _look(self, tx: TransactionSession) -> Mapping[str, Seen]:
        calls: list[Call] = []
        for topic in self._request.topics:
            values = {"topic": topic, "limit": str(self._limit)}
            calls.append((statements.DUE, {**values, "start": self._start(self._wakeups, topic)}))
            over = {"start": self._start(self._waits, topic), "now": to_text(self._now)}
            calls.append((statements.OVER, {**values, **over}))
        found = tx.pipeline("outbox.claim", calls)
        return {
            topic: Seen([Wakeup(*row) for row in due], [Delay(*row) for row in over])
            for topic, due, over in zip(self._request.topics, found[::2], found[1::2], strict=True)
        }

    def _start(self, horizons: Horizons, topic: str) -> str:
        start = horizons.of(topic).start(self._now)
        return "-infinity" if start is None else start.isoformat()

    def _choose(self, seen: Mapping[str, Seen]) -> Mapping[str, Sequence[str]]:
        """The keys that wait longest, as many as are wanted, of each topic, sorted."""
        first = sorted((due, topic, key) for topic, of_topic in seen.items() for due, key in of_topic.due())
        keys = dict.fromkeys((topic, key) for _, topic, key in first)
        return keys_by_topic(sorted(list(keys)[: self._request.keys]))

    def _note(self, seen: Mapping[str, Seen], chosen: set[EventKey]) -> None:
        """Note up to when nothing is left to be looked at: the first that is left, or that was not seen."""
        for topic, of_topic in seen.items():
            wakeups = [(wakeup.due, (wakeup.key,)) for wakeup in of_topic.wakeups]
            self._note_of(self._wakeups, topic, wakeups, chosen)
            self._note_of(self._waits, topic, [(wait.due, wait.keys) for wait in of_topic.waits], chosen)

    def _note_of(
        self, horizons: Horizons, topic: str, rows: Sequence[tuple[datetime, Sequence[str]]], chosen: set[EventKey]
    ) -> None:
        left = next((due for due, keys in rows if any((topic, key) not in chosen for key in keys)), None)
        if left is None and len(rows) == self._limit:
            left = rows[-1][0]
        horizons.of(topic).seen(self._now, left)

    def _take(
        self, tx: TransactionSession, seen: Mapping[str, Seen], chosen: Mapping[str, Sequence[str]]
    ) -> Sequence[ClaimedKey]:
        """The chosen keys that nobody has, and that have events, claimed; what was seen of all of them is deleted."""
        mine = {"claim_id": str(self._claim_id), "until": to_text(self._until), "now": to_text(self._now)}
        calls: list[Call] = []
        others: list[Call] = []
        for topic, keys in chosen.items():
            named = {"topic": topic, "key": to_array(keys), **mine}
            calls += [(statements.LOCK, named), (statements.TAKE, named | {"per_key": str(self._request.per_key)})]
            others += _forget(topic, seen[topic], set(keys))
        results = tx.finish("outbox.claim", [*calls, *others])
        locked, taken = results[: len(calls) : 2], results[1 : len(calls) : 2]
        events: dict[EventKey, list[Event]] = {}
        for event in EVENT.decode_all(row for rows in taken for row in rows):
            events.setdefault(event.event_key, []).append(event)
        progress = {row.event_key: row for row in KEY_PROGRESS.decode_all(row for rows in locked for row in rows)}
        return [ClaimedKey.of(progress[key], found) for key, found in events.items()]


def _forget(topic: str, seen: Seen, chosen: set[str]) -> list[Call]:
    """The calls that delete what was seen of the chosen keys; the others stay as they are."""
    calls: list[Call] = []
    if wakeups := [wakeup for wakeup in seen.wakeups if wakeup.key in chosen]:
        due, keys, seqs = zip(*wakeups, strict=True)
        rows = {"due": to_array(due), "key": to_array(keys), "seq": to_array(seqs)}
        calls.append((statements.DROP, {"topic": topic, **rows}))
    if waits := [wait for wait in seen.waits if not chosen.isdisjoint(wait.keys)]:
        ended = {"due": to_array(wait.due for wait in waits), "id": to_array(wait.id for wait in waits)}
        calls.append((statements.END, {"topic": topic, **ended}))
        left = [Delay(wait.due, [key for key in wait.keys if key not in chosen]) for wait in waits]
        calls += [wait_for(topic, delay) for delay in left if delay.keys]
    return calls


def lock(tx: TransactionSession, operation: str, keys: Iterable[EventKey]) -> Mapping[EventKey, KeyProgress]:
    """How far these keys are done, locked; those that have no event are left out."""
    named = keys_by_topic(sorted(keys)).items()
    calls: list[Call] = [(statements.LOCK, {"topic": topic, "key": to_array(of_topic)}) for topic, of_topic in named]
    found = tx.pipeline(operation, calls)
    return {row.event_key: row for row in KEY_PROGRESS.decode_all(row for rows in found for row in rows)}


def save(changed: Sequence[KeyProgress]) -> list[Call]:
    """The calls that store how far keys are done."""
    columns = [name for name in KEY_PROGRESS.columns if name != "topic"]
    topics = by_topic(changed).items()
    return [(statements.SAVE, {"topic": topic, **KEY_PROGRESS.encode_all(rows, columns)}) for topic, rows in topics]


def wait_for(topic: str, delay: Delay) -> Call:
    """The call that has keys looked at when they are due."""
    values = {"due": to_text(delay.due), "id": str(delay.id), "keys": to_array(delay.keys)}
    return statements.WAIT, {"topic": topic, **values}


def wake_rest(freed: Sequence[KeyProgress], now: datetime) -> list[Call]:
    """The calls that have keys looked at that are free, and have more events."""
    calls: list[Call] = []
    for topic, rows in by_topic(freed).items():
        values = {"key": to_array(row.key for row in rows), "done_seq": to_array(row.done_seq for row in rows)}
        calls.append((statements.WAKE_REST, {"topic": topic, "now": to_text(now), **values}))
    return calls


def end(held: Sequence[KeyProgress], claim_id: UUID) -> list[Call]:
    """The calls that delete the wait of a claim, of each topic, if these, as it held them, are all of its keys there.

    Otherwise it stays: that the free ones among its keys are looked at once more does no harm.
    """
    return [
        (
            statements.END_CLAIM,
            {
                "topic": topic,
                "due": to_text(rows[0].not_before),
                "claim_id": str(claim_id),
                "keys": to_array(row.key for row in rows),
            },
        )
        for topic, rows in by_topic(held).items()
    ]


def by_topic(rows: Iterable[KeyProgress]) -> Mapping[str, Sequence[KeyProgress]]:
    """What belongs to each topic."""
    found: dict[str, list[KeyProgress]] = {}
    for row in rows:
        found.setdefault(row.topic, []).append(row)
    return found


def keys_by_topic(keys: Iterable[EventKey]) -> Mapping[str, Sequence[str]]:
    """The keys of each topic."""
    found: dict[str, list[str]] = {}
    for topic, key in keys:
        found.setdefault(topic, []).append(key)
    return found
