"""The market of one mode: the last minutes of all pairs, and the answers that are made of them."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from types import MappingProxyType

from marketflow.settings import Mode
from metacore import BarPart, NotFoundError, Summary, Tick, TickWindow

PERIODS: Mapping[str, timedelta] = MappingProxyType(
    {
        **{f"{seconds}s": timedelta(seconds=seconds) for seconds in (1, 3, 5, 10, 30)},
        **{f"{minutes}m": timedelta(minutes=minutes) for minutes in (1, 3, 5)},
    }
)
SPAN = max(PERIODS.values()) + timedelta(seconds=10)
"""What the window keeps: the longest period, before a tick that may be ahead of the clock, and whole seconds."""

_MILLISECOND = timedelta(milliseconds=1)
_WAITING = 8
"""So many batches of ticks wait at most to be counted."""


class Market:
    """What is known of the prices of one mode. Ticks of another never get here."""

    def __init__(self, mode: Mode) -> None:
        self.mode: Mode = mode
        self._arriving: asyncio.Queue[list[Tick]] = asyncio.Queue(_WAITING)
        self._turn = asyncio.Lock()
        self.version = 0
        """Another one whenever an answer may be another one."""
        self.ticks = 0
        self._window = TickWindow(SPAN)

    async def run(self) -> None:
        """Count what arrives, for ever."""
        while True:
            self._add(await self._arriving.get())
            self._arriving.task_done()
            await asyncio.sleep(0)

    async def arrive(self, ticks: list[Tick]) -> None:
        """Let `ticks` be counted, in the order of those who call; waits while others are."""
        # A full queue lets in who comes by when there is room, not who waits longest; a lock has turns.
        async with self._turn:
            await self._arriving.put(ticks)

    async def counted(self) -> None:
        """Wait until all that arrived is counted."""
        await self._arriving.join()

    def merge(self, parts: Iterable[BarPart]) -> None:
        """Count what other instances tell."""
        for part in parts:
            self._window.merge(part)
        self.version += 1

    def take(self) -> Sequence[BarPart]:
        """What arrived since the last time, each second of each pair as a part of its minute."""
        return self._window.parts(self.mode, each_second=True)

    def forget(self, now: datetime) -> None:
        """Forget what no answer is about."""
        self._window.trim(now - SPAN)
        self.version += 1

    def latest(self, symbol: str, exchange: str | None = None) -> Tick:
        """The newest tick of the last minutes; NotFoundError if there is none."""
        return self._window.latest(symbol, exchange)

    def newest(self, symbols: Iterable[str], exchanges: Iterable[str]) -> Sequence[Tick]:
        """The newest tick of each pair that has one."""
        found = []
        for symbol in symbols:
            for exchange in exchanges:
                try:
                    found.append(self.latest(symbol, exchange))
                except NotFoundError:
                    continue
        return found

    def summary(self, symbol: str, exchange: str | None, period: timedelta, now: datetime) -> Summary:
        """The prices of the last `period`, from the whole second in which it begins, until just after the newest tick.

        NotFoundError if there was none.
        """
        found = self._window.summary(symbol, exchange, now - period)
        return found.changed(until=min(found.until, self.latest(symbol, exchange).at + _MILLISECOND))

    def _add(self, ticks: Iterable[Tick]) -> None:
        for tick in ticks:
            self._window.add(tick)
            self.ticks += 1
        self.version += 1
