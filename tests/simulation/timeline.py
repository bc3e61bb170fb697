"""The simulation's time: what happens when, by the exchange's clock and by ours."""

from __future__ import annotations

import heapq
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from itertools import count
from random import Random

BEGINNING = 1_767_225_600_000
"""The exchange's clock at the beginning, in milliseconds."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class Timeline:
    """What is to happen, in the order of the exchange's clock; ours is `skew` seconds ahead of it."""

    def __init__(self, skew: float) -> None:
        self.now = BEGINNING
        self._skew = timedelta(seconds=skew)
        self._planned: list[tuple[int, int, Callable[[], None]]] = []
        self._numbers = count()

    def after(self, seconds: float, call: Callable[[], None]) -> None:
        """Let `call` happen so many seconds from now."""
        heapq.heappush(self._planned, (self.now + round(seconds * 1000), next(self._numbers), call))

    def run(self) -> None:
        """Let all happen that is planned, and what is planned meanwhile."""
        while self._planned:
            self.now, _, call = heapq.heappop(self._planned)
            call()

    def pass_by(self, seconds: float) -> None:
        """Let time go by in which nothing happens."""
        self.now += round(seconds * 1000)

    def our_clock(self) -> datetime:
        """The clock of the storage."""
        return _EPOCH + timedelta(milliseconds=self.now) + self._skew


class Mail:
    """The way of messages between the exchange and us: some are late, lost, doubled, and overtake each other."""

    def __init__(self, timeline: Timeline, chance: Random) -> None:
        self._timeline = timeline
        self._chance = chance

    def push(self, read: Callable[[], None]) -> None:
        """Deliver a message of a stream once, twice, or never."""
        for _ in range(self._chance.choice([0, 1, 1, 1, 1, 1, 1, 2, 2])):
            self._timeline.after(self._delay(), read)

    def answer(self, read: Callable[[], None]) -> None:
        """Deliver the answer to a request, unless it is lost."""
        if self._chance.random() < 0.95:
            self._timeline.after(self._delay(), read)

    def request(self, serve: Callable[[], None]) -> None:
        """Deliver a request to the exchange, unless it is lost."""
        if self._chance.random() < 0.97:
            self._timeline.after(0.02 + self._chance.random() * 0.25, serve)

    def _delay(self) -> float:
        return 0.02 + self._chance.choice([0.05, 0.3, 1, 3, 20]) * self._chance.random()
