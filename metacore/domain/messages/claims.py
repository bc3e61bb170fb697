"""Claims: who may tell the events of which keys, and how far they are told."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Self
from uuid import UUID

from metacore import ids
from metacore.domain.messages.dead_letters import DeadLetter
from metacore.domain.messages.events import Event, EventKey
from metacore.domain.values.model import Model, revised, unchecked
from metacore.domain.values.text import Text, require_integer, require_key, require_seq
from metacore.domain.values.times import Time
from metacore.errors import InvalidDataError

MOST_KEYS = MOST_OF_KEY = 1000
LONGEST_LEASE = timedelta(days=1)


class ClaimedKey(Model):
    """A key whose events a claim may tell: the first of those that are not done, without gaps.

    The first of them has failed `failures` times, the last time by `error`.
    """

    topic: str
    key: str
    events: tuple[Event, ...]
    failures: int = 0
    error: str | None = None

    @classmethod
    def of(cls, progress: KeyProgress, events: Sequence[Event]) -> Self:
        """The key that is so far done, with the `events` of a claim."""
        return unchecked(
            cls,
            {
                "topic": progress.topic,
                "key": progress.key,
                "events": tuple(events),
                "failures": progress.failures,
                "error": progress.error,
            },
        )


class Claim(Model):
    """The keys that one relay has to itself until `leased_until`, with events of each; sorted by topic and key."""

    id: UUID
    leased_until: Time
    keys: tuple[ClaimedKey, ...] = ()

    @classmethod
    def of(cls, claim_id: UUID, leased_until: datetime, keys: Iterable[ClaimedKey]) -> Self:
        """The claim of these keys."""
        listed = tuple(sorted(keys, key=lambda claimed: (claimed.topic, claimed.key)))
        return unchecked(cls, {"id": claim_id, "leased_until": leased_until, "keys": listed})

    @property
    def events(self) -> tuple[Event, ...]:
        """The events of all keys, those of a key in their order."""
        return tuple(event for key in self.keys for event in key.events)

    @property
    def upto(self) -> dict[EventKey, int]:
        """The last seq of each key, for `done` when all of it is told."""
        return {(key.topic, key.key): key.events[-1].seq for key in self.keys}


class Lag(Model):
    """What of a topic is not done: how many `events`, of how many `keys`, the oldest recorded at `oldest_at`."""

    topic: str
    events: int = 0
    keys: int = 0
    oldest_at: Time | None = None


def lag_of(topic: str, keys: Sequence[tuple[int, datetime]]) -> Lag:
    """The lag of a topic of which these keys have so many events not done, the first of them recorded then."""
    return Lag(
        topic=topic,
        events=sum(events for events, _ in keys),
        keys=len(keys),
        oldest_at=min((recorded_at for _, recorded_at in keys), default=None),
    )


class Wait(Model):
    """A key that has events not done: nobody claims it before `due`."""

    topic: str
    key: str
    due: Time


class KeyProgress(Model):
    """How far the events of a key are done, and who has it.

    `claim_id` has it until `not_before`, up to `claimed_seq`. Without a claim, nobody may have it before that time.
    """

    topic: str
    key: str
    done_seq: int = 0
    claimed_seq: int = 0
    claim_id: UUID | None = None
    not_before: Time | None = None
    failures: int = 0
    error: Text | None = None

    @property
    def event_key(self) -> EventKey:
        """Its topic and key."""
        return self.topic, self.key

    def claimed(self, claim_id: UUID, claimed_seq: int, until: datetime) -> Self:
        """This key, of which a claim has the events up to `claimed_seq`."""
        return revised(self, claim_id=claim_id, claimed_seq=claimed_seq, not_before=until)

    def is_held(self, claim_id: UUID, now: datetime) -> bool:
        """Whether the claim has it still: a lease that has run out, though nobody has taken it, is none."""
        return self.claim_id == claim_id and self.not_before is not None and self.not_before > now

    def done(self, upto: int) -> Self:
        """This key, its events done up to `upto`; free, once all that was claimed of it is.

        InvalidDataError if more is to be done than was claimed.
        """
        if upto > self.claimed_seq:
            raise InvalidDataError(f"the claim has this key up to {self.claimed_seq}, not beyond", field="upto")
        if upto <= self.done_seq:
            return self
        moved_on = revised(self, done_seq=upto, failures=0, error=None)
        return moved_on if upto < self.claimed_seq else revised(moved_on, claim_id=None, not_before=None)

    def retried(self, error: str, at: datetime) -> Self:
        """This key, whose first event that is not done has failed once more: free again from `at` on."""
        return revised(self, claim_id=None, not_before=at, failures=self.failures + 1, error=error)

    def parked(self, seq: int) -> Self:
        """This key, whose first event that is not done, which `seq` must be, is put aside."""
        if seq != self.done_seq + 1 or seq > self.claimed_seq:
            raise InvalidDataError(
                "only the first event that is not done, and is claimed, can be put aside: mark those before it done",
                field="seq",
            )
        return self.done(seq)


def delay_after(failures: int, first: timedelta, longest: timedelta) -> timedelta:
    """How long to wait once an event has failed, which had failed `failures` times: twice as long each time."""
    times: int = 2 ** min(failures, 20)
    return min(longest, first * times)


def put_aside(event: Event, error: str, now: datetime) -> DeadLetter:
    """The dead letter that `event` becomes."""
    values = event.fields()
    in_order = unchecked(Event, {name: values[name] for name in Event.model_fields})
    return DeadLetter(
        source=event.topic,
        position=f"{event.key}:{event.seq}",
        key=event.key,
        value=in_order.model_dump_json().encode(),
        headers=event.headers,
        error=error,
        failed_at=now,
    )


@dataclass(frozen=True, slots=True)
class Delay:
    """Keys of a topic that are to be looked at when they are `due`."""

    due: datetime
    keys: Sequence[str]
    id: UUID = field(default_factory=lambda: ids.new_id())


@dataclass(frozen=True, slots=True)
class ClaimRequest:
    """What a claim asks for, checked, and the id that it will have."""

    claim_id: UUID
    topics: tuple[str, ...]
    keys: int
    per_key: int
    lease: timedelta

    @classmethod
    def of(cls, topics: Iterable[str], keys: int, per_key: int, lease: timedelta) -> Self:
        """What these arguments of `claim` ask for; InvalidDataError, naming it, if one cannot be."""
        for name, value, most in (("keys", keys, MOST_KEYS), ("per_key", per_key, MOST_OF_KEY)):
            require_integer(**{name: value})
            if not 1 <= value <= most:
                raise InvalidDataError(f"it is from 1 to {most:,}", field=name)
        if not isinstance(lease, timedelta) or not timedelta() < lease <= LONGEST_LEASE:
            raise InvalidDataError("a lease is a timedelta above zero, of a day at most", field="lease")
        if isinstance(topics, str) or not isinstance(topics, Iterable):
            raise InvalidDataError("topics are an iterable of texts; of one, pass [topic]", field="topics")
        listed = list(topics)
        for topic in listed:
            require_key(topics=topic)
        if not 1 <= len(listed) <= MOST_KEYS:
            raise InvalidDataError(f"topics are 1 to {MOST_KEYS:,} texts", field="topics")
        return cls(ids.new_id(), tuple(dict.fromkeys(listed)), keys, per_key, lease)


def parse_upto(upto: Any) -> dict[EventKey, int]:
    """`upto` of `done`, sorted by topic and key; InvalidDataError if it is none."""
    if not isinstance(upto, Mapping):
        raise InvalidDataError("it is a mapping of (topic, key) to a seq", field="upto")
    for event_key, seq in upto.items():
        if not isinstance(event_key, tuple) or len(event_key) != 2:
            raise InvalidDataError("a key is a pair (topic, key)", field="upto")
        require_key(upto=event_key[0])
        require_key(upto=event_key[1])
        require_seq(upto=seq)
    return {event_key: upto[event_key] for event_key in sorted(upto)}
