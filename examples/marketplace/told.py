"""What messages tell, and which of it may take effect together."""

from __future__ import annotations

from collections.abc import Iterator, Sequence, Set
from contextlib import suppress
from typing import NamedTuple, TypeAlias

from aiokafka import ConsumerRecord
from pydantic import ValidationError

from metacore import Event

Message: TypeAlias = ConsumerRecord[bytes, bytes]

TYPE, SEQ = "type", "seq"
"""Headers of a message, beside those of its event: who does nothing for events of this type need not read it."""


class Told(NamedTuple):
    """What a message tells."""

    message: Message
    key: str
    seq: int
    type: str
    event: Event | None
    """None if nothing is done for it: it is only accepted."""


def read_from(message: Message, passes: Set[str]) -> Told | str:
    """What it tells; why not, if it is no event. What is of a type of `passes` is only
    accepted, and told by its headers.
    """
    headers = dict(message.headers)
    with suppress(KeyError, ValueError, AttributeError):
        kind = headers[TYPE].decode()
        if kind in passes and message.key is not None:
            return Told(message, message.key.decode(), int(headers[SEQ]), kind, None)
    try:
        event = Event.model_validate_json(message.value or b"")
    except ValidationError as error:
        return f"no event: {error.error_count()} errors"
    if event.topic != message.topic:
        return "an event of another topic"
    return Told(message, event.key, event.seq, event.type, None if event.type in passes else event)


def in_turns(told: Sequence[Told], alone: Set[str]) -> Iterator[Sequence[Told]]:
    """In turn those that may take effect together and those that take effect alone, of each key as far as it goes."""
    while told:
        together, by_itself, later = list[Told](), list[Told](), list[Told]()
        held = set[tuple[str, str]]()
        for one in told:
            key = (one.message.topic, one.key)
            if key in held:
                later.append(one)
            elif one.type in alone:
                held.add(key)
                by_itself.append(one)
            else:
                together.append(one)
        yield from (some for some in (together, by_itself) if some)
        told = later


def alike(events: Sequence[Event]) -> Iterator[Sequence[Event]]:
    """Of those that are the next of their keys, the ones of one topic and type, by key; until there are no more."""
    waiting: dict[tuple[str, str], list[Event]] = {}
    for event in reversed(events):
        waiting.setdefault(event.event_key, []).append(event)
    while waiting:
        alike: dict[tuple[str, str], list[Event]] = {}
        for topic, key in sorted(waiting):
            event = waiting[topic, key].pop()
            alike.setdefault((topic, event.type), []).append(event)
        waiting = {key: others for key, others in waiting.items() if others}
        yield from alike.values()
