"""Messages of the broker as they are delivered, and which of them may take effect together."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence, Set
from contextlib import suppress
from typing import Annotated, Any, NamedTuple, TypeAlias

from aiokafka import ConsumerRecord
from pydantic import BaseModel, Field, ValidationError

Message: TypeAlias = ConsumerRecord[bytes, bytes]

TYPE, SEQ = "type", "seq"
"""Headers of a message, beside those of its event: who ignores events of this type need not read it."""


class ReceivedEvent(BaseModel):
    """What of an event its handlers need to know. `metacore.Event`, which keeps numbers to the digit and cannot be
    changed, takes twenty times as long to read; here amounts are texts.
    """

    topic: str
    key: str
    type: str
    seq: Annotated[int, Field(ge=1)]
    payload: Mapping[str, Any]
    headers: Mapping[str, Any]


class Delivery(NamedTuple):
    """A message, and the event in it."""

    message: Message
    key: str
    seq: int
    type: str
    event: ReceivedEvent | None
    """None if its type is ignored: it is only accepted."""


def read_delivery(message: Message, ignored: Set[str]) -> Delivery | str:
    """The event in a message; the reason, if it has none. An event whose type is `ignored` is known from the headers
    of its message, and not read.
    """
    headers = dict(message.headers)
    with suppress(KeyError, ValueError, AttributeError):
        kind = headers[TYPE].decode()
        if kind in ignored and message.key is not None:
            return Delivery(message, message.key.decode(), int(headers[SEQ]), kind, None)
    try:
        event = ReceivedEvent.model_validate_json(message.value or b"")
    except ValidationError as error:
        return f"no event: {error.error_count()} errors"
    if event.topic != message.topic:
        return "an event of another topic"
    return Delivery(message, event.key, event.seq, event.type, None if event.type in ignored else event)


class Postponed:
    """Deliveries whose events do nothing: each is accepted with the next one of its key that does something, or later
    with many others, so that how far a key is accepted is written once for several of them.
    """

    def __init__(self) -> None:
        self._by_key: dict[tuple[str, str], list[Delivery]] = {}
        self.count = 0

    def due_with(self, deliveries: Iterable[Delivery]) -> list[Delivery]:
        """Those of `deliveries` that do something, each after those before it of its key; postpone the others."""
        due = list[Delivery]()
        for delivery in deliveries:
            key = (delivery.message.topic, delivery.key)
            if delivery.event is None:
                self._by_key.setdefault(key, []).append(delivery)
                self.count += 1
            else:
                before = self._by_key.pop(key, [])
                self.count -= len(before)
                due += [*before, delivery]
        return due

    def take_all(self) -> list[Delivery]:
        """All that is postponed, those of a key in turn; then nothing is."""
        by_key, self._by_key, self.count = self._by_key, {}, 0
        return [delivery for of_key in by_key.values() for delivery in of_key]


def batches(deliveries: Sequence[Delivery], singly: Set[str]) -> Iterator[Sequence[Delivery]]:
    """In turn those that may take effect together, and those of a type that takes effect `singly`; of each key as far
    as its order allows.
    """
    while deliveries:
        together, single, later = list[Delivery](), list[Delivery](), list[Delivery]()
        held = set[tuple[str, str]]()
        for delivery in deliveries:
            key = (delivery.message.topic, delivery.key)
            if key in held:
                later.append(delivery)
            elif delivery.type in singly:
                held.add(key)
                single.append(delivery)
            else:
                together.append(delivery)
        yield from (batch for batch in (together, single) if batch)
        deliveries = later


def batches_by_type(events: Sequence[ReceivedEvent]) -> Iterator[Sequence[ReceivedEvent]]:
    """Of those that are the next of their keys, the ones of one topic and type, by key; until there are no more."""
    waiting: dict[tuple[str, str], list[ReceivedEvent]] = {}
    for event in reversed(events):
        waiting.setdefault((event.topic, event.key), []).append(event)
    while waiting:
        by_type: dict[tuple[str, str], list[ReceivedEvent]] = {}
        for topic, key in sorted(waiting):
            event = waiting[topic, key].pop()
            by_type.setdefault((topic, event.type), []).append(event)
        waiting = {key: others for key, others in waiting.items() if others}
        yield from by_type.values()
