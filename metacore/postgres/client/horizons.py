"""From when on a queue has to be looked through: before that, there is nothing any more.

Rows that are deleted stay in an index as long as any snapshot is held that could see them. So a queue in the order of
time is read from a horizon on, which follows the clock. What becomes visible behind it, since its transaction was open
for long, is found by looking from the beginning now and then. A horizon is only where to begin: whatever it is, nothing
is lost and nothing is found twice.
"""

from __future__ import annotations

from datetime import datetime, timedelta

SPAN = timedelta(milliseconds=250)
"""How long after its time a row may become visible, and be found at once."""
EVERY = timedelta(seconds=1)
"""How often a queue is looked through from the beginning."""

MOST = 1000
"""How many queues are remembered; of another, the one asked longest ago is forgotten."""


class Horizon:
    """That of one queue, in this process."""

    __slots__ = ("_begun", "_start")

    def __init__(self) -> None:
        self._start: datetime | None = None
        self._begun: datetime | None = None

    def start(self, now: datetime) -> datetime | None:
        """From when on to look; None is from the beginning."""
        if self._begun is None or not timedelta() <= now - self._begun < EVERY:
            self._begun, self._start = now, None
        return self._start

    def seen(self, now: datetime, last: datetime | None) -> None:
        """Note that all was looked at up to the time of the `last` row; up to the end, if None."""
        self._start = now - SPAN if last is None else min(last, now - SPAN)


class Horizons:
    """Those of the queues that were asked last."""

    def __init__(self) -> None:
        self._found: dict[str, Horizon] = {}

    def of(self, queue: str) -> Horizon:
        """That of the queue called so."""
        horizon = self._found.pop(queue, None) or Horizon()
        while len(self._found) >= MOST:
            del self._found[next(iter(self._found))]
        self._found[queue] = horizon
        return horizon
