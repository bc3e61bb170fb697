"""Appends events, in PostgreSQL."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from functools import partial
from operator import attrgetter

from metacore.domain.messages.events import Event, EventKey, NewEvent, WrittenEvent, by_key, numbered
from metacore.postgres.client.call import Call, Row
from metacore.postgres.client.codecs import EVENT, to_array, to_text
from metacore.postgres.statements import outbox as statements

Appended = Callable[[Sequence[Sequence[Row]]], Sequence[Event]]
"""Gives the events as they are stored, from what the calls that appended them gave."""


def appending(events: Sequence[NewEvent], now: datetime) -> tuple[list[Call], Appended]:
    """The calls that append `events`, and what makes of their results what is stored."""
    counts = by_key(events)
    topics = tuple(_by_topic(counts))
    return append(events, now), partial(_appended, events, topics, now)


def append(events: Sequence[NewEvent | WrittenEvent], now: datetime) -> list[Call]:
    """The calls that append `events`; they lock the topics' keys, in their order."""
    calls: list[Call] = []
    for topic, keys in _by_topic(by_key(events)).items():
        named = {"topic": topic, "keys": to_array(keys), "counts": to_array(keys.values()), "now": to_text(now)}
        calls.append((statements.LOCK_KEYS, {"topic": topic, "key": named["keys"]}))
        calls.append((statements.APPEND, named | _rows(events, topic, keys, now)))
        calls.append((statements.WAKE_NEW, named))
    return calls


def _by_topic(counts: Mapping[EventKey, int]) -> dict[str, dict[str, int]]:
    by_topic: dict[str, dict[str, int]] = {}
    for (topic, key), count in counts.items():
        by_topic.setdefault(topic, {})[key] = count
    return by_topic


def _rows(
    events: Sequence[NewEvent | WrittenEvent], topic: str, keys: dict[str, int], now: datetime
) -> dict[str, str | None]:
    # Rows of a key together, so that who tells them reads them together, and each page is written to once.
    of_topic = sorted((event for event in events if event.topic == topic), key=attrgetter("key"))
    positions = {key: position for position, key in enumerate(keys, 1)}
    counted: Counter[str] = Counter()
    numbers = []
    for event in of_topic:
        counted[event.key] += 1
        numbers.append(counted[event.key])
    return {
        **EVENT.encode_all(of_topic, ("id", "key", "type", "payload", "headers")),
        "occurred_at": to_array(event.occurred_at or now for event in of_topic),
        "position": to_array(positions[event.key] for event in of_topic),
        "number": to_array(numbers),
    }


def _appended(
    events: Sequence[NewEvent],
    topics: Sequence[str],
    now: datetime,
    results: Sequence[Sequence[Row]],
) -> Sequence[Event]:
    woken = results[2::3]
    before = {(topic, key): seq - 1 for topic, rows in zip(topics, woken, strict=True) for key, seq in rows}
    return numbered(events, before, now)
