"""The contract of the storage of events to be told."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Protocol
from uuid import UUID

from metacore.domain.messages.claims import Claim, Lag
from metacore.domain.messages.events import Event, NewEvent
from metacore.domain.values.pages import Page


class OutboxStorage(Protocol):
    """Keeps events for relays to tell: at least once, and those of each topic and key in the order of their commits.

    A claim gives a relay keys of its own, for as long as its lease runs by the storage's clock. Whoever has lost a
    lease changes nothing.
    """

    async def append(self, events: Iterable[NewEvent]) -> Sequence[Event]:
        """Append all of `events`, those of a key in their order, and return them with their `seq`; all or nothing.

        Each topic and key counts 1, 2, 3... without gaps, in the order of the commits: from here to the end of the
        transaction nobody else appends to the same keys. AlreadyExistsError if a topic has an event with this id.
        """
        ...

    async def claim(
        self, topics: Iterable[str], keys: int = 100, per_key: int = 50, lease: timedelta = timedelta(seconds=30)
    ) -> Claim:
        """Claim up to `keys` keys of these topics that have events not done, each with up to `per_key` of them.

        Keys that wait longest come first, counted from an append or from when they became free. A key is in one claim
        at a time, from its first event on that is not done, until all of its events in the claim are done, it is given
        back by `retry`, or the lease runs out; then another claim gets it, from the first event on that is not done. A
        claim of nothing has no keys. Of an event whose transaction stayed open for a quarter of a second after it was
        appended, or whose clock is behind by that, a claim may know a second later. A claim that commits by itself may
        be lost in a crash of the server, as one is whose lease runs out.

        `keys` and `per_key` are 1 to 1,000, `lease` above zero; others are an InvalidDataError.
        """
        ...

    async def done(self, claim_id: UUID, upto: Mapping[tuple[str, str], int]) -> Sequence[tuple[str, str]]:
        """Note that events are told, `upto` a seq for each `(topic, key)`; the keys whose lease was lost, sorted.

        A key is free again once all of its events in the claim are done. InvalidDataError, and nothing is noted, for a
        seq that was not claimed.
        """
        ...

    async def retry(self, claim_id: UUID, topic: str, key: str, error: str, at: datetime) -> bool:
        """Give a key back whose first event that is not done could not be told: nobody claims it before `at`.

        It counts as one more of its `failures`. False, and nothing changes, if the lease was lost.
        """
        ...

    async def park(self, claim_id: UUID, topic: str, key: str, seq: int, error: str) -> bool:
        """Put an event aside that cannot be told: it becomes a dead letter, and counts as done.

        The letter's source is the topic, its position `key:seq`, its value the event as JSON. InvalidDataError unless
        it is the first event of the key that is not done, and claimed. False, and nothing changes, if the lease was
        lost.
        """
        ...

    async def read(self, topic: str, key: str, after_seq: int = 0, limit: int = 100) -> Page[Event]:
        """The events of a key behind `after_seq`, by seq, done or not, as far as they are not purged.

        `next` is the last seq of the page, as text, if there are more. `limit` is 1 to 1,000.
        """
        ...

    def stream(self, topic: str, key: str, after_seq: int = 0) -> AsyncIterator[Event]:
        """All events of `read`, in its order and in constant memory: pages are read as the iteration goes on, without a
        transaction held open.
        """
        ...

    async def lag(self, topic: str) -> Lag:
        """What of the topic is not done."""
        ...

    async def purge(self, before: datetime, limit: int = 1000) -> int:
        """Delete events that are done and were recorded before that time, the oldest first, at most `limit`; how many.

        The keys go on counting from where they are. `limit` is 1 to 1,000.
        """
        ...
