"""Events: what has happened, told to others in the order in which it was committed."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from pydantic import AfterValidator, Field

from metacore import ids
from metacore.domain.values.frozen import FrozenDict, FrozenJson
from metacore.domain.values.json_text import WrittenJson, load_frozen_json
from metacore.domain.values.model import Model, unchecked, unchecked_maker
from metacore.domain.values.pages import Page
from metacore.domain.values.text import Key
from metacore.domain.values.times import Time

MAX_PAYLOAD = 1_048_576
"""How many bytes of JSON a payload, and the headers, have at most."""

EventKey = tuple[str, str]
"""`(topic, key)`: what the events of one sequence share."""


def _written(value: Mapping[str, Any]) -> WrittenJson:
    written = WrittenJson.of(value)
    if _is_longer(written.text, MAX_PAYLOAD):
        raise ValueError(f"it has at most {MAX_PAYLOAD:,} bytes of JSON")
    return written


def _is_longer(text: str, limit: int) -> bool:
    if 4 * len(text) <= limit or text.isascii():
        return len(text) > limit
    return len(text.encode()) > limit


EventJson = Annotated[FrozenJson, AfterValidator(_written)]
"""A JSON object of at most 1 MiB."""


class EventContent(Model):
    """What an event tells. `payload` is a JSON object, `headers` another, each of at most 1 MiB."""

    id: UUID = Field(default_factory=lambda: ids.new_id())
    topic: Key
    key: Key
    type: Key
    payload: EventJson
    headers: EventJson = Field(default_factory=FrozenDict)

    @property
    def event_key(self) -> EventKey:
        """Its topic and key."""
        return self.topic, self.key


class NewEvent(EventContent):
    """Something that has happened, to be appended to the events of its `topic` and `key`.

    It is told to nobody before the transaction that appends it is committed, and after all events of its key that were
    committed before. It occurred when it is appended, by default.
    """

    occurred_at: Time | None = None


class WrittenEvent(Model):
    """A new event, already valid, whose payload is written as JSON: nobody who stores text has to write it anew."""

    id: UUID
    topic: Key
    key: Key
    type: Key
    payload: str
    headers: str = "{}"
    occurred_at: Time

    @property
    def event_key(self) -> EventKey:
        """Its topic and key."""
        return self.topic, self.key

    def read(self) -> NewEvent:
        """The event that it is."""
        written = {"payload": load_frozen_json(self.payload), "headers": load_frozen_json(self.headers)}
        return unchecked(NewEvent, {**self.__dict__, **written})


class Event(EventContent):
    """A stored event: `seq` counts 1, 2, 3... for each topic and key, without gaps, in the order of the commits."""

    seq: Annotated[int, Field(ge=1)]
    occurred_at: Time
    recorded_at: Time


_event = unchecked_maker(Event, Event.model_fields)


def by_key(events: Iterable[NewEvent | WrittenEvent]) -> dict[EventKey, int]:
    """How many of `events` each topic and key has, by these: the order in which they are locked."""
    counts: dict[EventKey, int] = {}
    for event in events:
        counts[event.event_key] = counts.get(event.event_key, 0) + 1
    return {key: counts[key] for key in sorted(counts)}


def numbered(events: Iterable[NewEvent], last: dict[EventKey, int], now: datetime) -> tuple[Event, ...]:
    """`events` as they are appended at `now` after the `last` seq of each key; those of a key in their order."""
    seqs = dict(last)
    found = []
    for event in events:
        key = event.event_key
        seq = seqs[key] = seqs[key] + 1
        values = {"occurred_at": event.occurred_at or now, "seq": seq, "recorded_at": now}
        found.append(_event(event.__dict__ | values))
    return tuple(found)


def page_of(events: Sequence[Event], limit: int) -> Page[Event]:
    """The page of `events` of one key, of which the storage may have read more than `limit`, to know of more."""
    items = tuple(events[:limit])
    return Page(items, str(items[-1].seq) if len(events) > limit else None)
