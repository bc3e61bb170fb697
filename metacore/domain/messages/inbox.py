"""What has come in: how far each consumer is, so that every message takes effect once, and none is missed."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from enum import StrEnum
from typing import NamedTuple, Self, TypeAlias
from uuid import UUID

from metacore.domain.values.model import Model, revised, unchecked_maker
from metacore.domain.values.text import require_key, require_seq
from metacore.domain.values.times import Time
from metacore.errors import InvalidDataError

MessageKey: TypeAlias = tuple[str, str, int]
"""`(topic, key, seq)` of a message."""


class AcceptOutcome(StrEnum):
    """What a message is to its consumer: the next one, one that has taken effect, or one that comes too early."""

    NEW = "NEW"
    DUPLICATE = "DUPLICATE"
    GAP = "GAP"


class Acceptance(Model):
    """What came of `accept`."""

    outcome: AcceptOutcome
    expected: int
    """The seq that is to come next of this key, also after a NEW one."""


_acceptance = unchecked_maker(Acceptance, Acceptance.model_fields)


class InboxPosition(Model):
    """The last seq of a topic and key that has taken effect at a consumer."""

    consumer: str
    topic: str
    key: str
    seq: int = 0

    def accept(self, seq: int) -> tuple[Self, Acceptance]:
        """The position after a message with this `seq`, and what that message is."""
        if seq == self.seq + 1:
            return revised(self, seq=seq), _acceptance({"outcome": AcceptOutcome.NEW, "expected": seq + 1})
        outcome = AcceptOutcome.DUPLICATE if seq <= self.seq else AcceptOutcome.GAP
        return self, _acceptance({"outcome": outcome, "expected": self.seq + 1})


class InboxMessage(Model):
    """A message without a place in an order, which has taken effect at a consumer."""

    consumer: str
    message_id: str
    accepted_at: Time


def parse_messages(messages: Iterable[MessageKey]) -> Sequence[MessageKey]:
    """`messages` as a sequence; InvalidDataError if one of them is none."""
    if not isinstance(messages, Iterable):
        raise InvalidDataError("messages are an iterable of (topic, key, seq)", field="messages")
    listed = list(messages)
    for message in listed:
        if not isinstance(message, tuple) or len(message) != 3:
            raise InvalidDataError("a message is (topic, key, seq)", field="messages")
        topic, key, seq = message
        require_key(topic=topic, key=key)
        require_seq(seq=seq)
    return listed


class Run(NamedTuple):
    """Messages of a topic and key that follow one another, from the `first` seq to the `last`."""

    topic: str
    key: str
    first: int
    last: int


def runs_in_turns(messages: Iterable[MessageKey]) -> list[list[Run]]:
    """The messages as runs: the first ones of each topic and key, then the second ones, and so on.

    Accepted in turn they leave each position where the messages one after the other would: a run moves on a position
    that is within it, or just before. What comes twice is in a run once.
    """
    runs: dict[tuple[str, str], list[tuple[int, int]]] = {}
    for topic, key, seq in messages:
        of_key = runs.setdefault((topic, key), [])
        first, last = of_key[-1] if of_key else (seq, 0)
        if seq == last + 1:
            of_key[-1:] = [(first, seq)]
        elif not first <= seq <= last:
            of_key.append((seq, seq))
    turns = range(max(map(len, runs.values())))
    return [[Run(*key, *of_key[turn]) for key, of_key in runs.items() if turn < len(of_key)] for turn in turns]


def parse_message_id(message_id: str | UUID) -> str:
    """The id of a message as text; InvalidDataError if it is none: a UUID, or text of 1 to 255 characters."""
    if isinstance(message_id, UUID):
        return str(message_id)
    if not isinstance(message_id, str):
        raise InvalidDataError("it is text or a UUID", field="message_id")
    require_key(message_id=message_id)
    return message_id
