"""Sources of ticks: an exchange behind TCP, or a generator. Fan-out to workers, fan-in to the market."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import aclosing, suppress
from datetime import datetime
from typing import TypeAlias

from common.health import UnwellError
from common.waiting import Backoff
from marketflow.lines import Reader, Splitter
from marketflow.settings import Address, MarketSettings
from metacore import Tick

Chunks: TypeAlias = Callable[[], AsyncIterator[bytes]]
Turn: TypeAlias = Callable[[], bool]

_CHUNK = 64 * 1024
_BATCH = 100
"""So many lines are read at once; then others may work."""
_WAITING = 8
"""So many batches of a source wait at most: then it has to."""
_CONNECTS_WITHIN = 2
_LOOK = 0.5
"""Seconds. So often a silent connection is asked whether it is still ours to read."""
_SILENT_AFTER = 30
"""Seconds. A connection that says nothing for so long is made anew."""


def tcp(address: Address) -> Chunks:
    """What the exchange at that address sends; empty now and then where it sends nothing."""

    async def chunks() -> AsyncIterator[bytes]:
        async with asyncio.timeout(_CONNECTS_WITHIN):
            reader, writer = await asyncio.open_connection(address.host, address.port)
        try:
            heard = time.monotonic()
            while time.monotonic() - heard < _SILENT_AFTER:
                data = b""
                with suppress(TimeoutError):
                    async with asyncio.timeout(_LOOK):
                        data = await reader.read(_CHUNK)
                        if not data:
                            return
                        heard = time.monotonic()
                yield data
        finally:
            writer.close()

    return chunks


class Source:
    """One exchange: reads what it sends while it is its turn, connects again when it was lost, and passes ticks on.

    Its queue is bounded and its own: a source that sends more than can be read waits for itself alone.
    """

    def __init__(
        self,
        exchange: str,
        chunks: Chunks,
        turn: Turn,
        arrive: Callable[[list[Tick]], Awaitable[None]],
        settings: MarketSettings,
        clock: Callable[[], datetime],
    ) -> None:
        self.exchange = exchange
        self._chunks, self._turn, self._arrive = chunks, turn, arrive
        self._settings, self._clock = settings, clock
        self._reader = Reader(exchange, settings.symbols, settings.late, settings.ahead)
        self._lines: asyncio.Queue[list[bytes]] = asyncio.Queue(_WAITING)
        self._tasks: list[asyncio.Task[None]] = []
        self._heard = time.monotonic()
        self._stop = asyncio.Event()
        self.connected = False
        self.ticks = 0

    @property
    def broken(self) -> dict[str, int]:
        """How many lines were no ticks, by why."""
        return dict(self._reader.broken)

    def state(self) -> str:
        """What it does."""
        if not self._turn():
            return "read by another instance"
        if not self.connected:
            return "not connected"
        return "silent" if time.monotonic() - self._heard > self._settings.silence else "connected"

    async def check(self) -> None:
        """Whether ticks come; UnwellError if not."""
        if (state := self.state()) in ("not connected", "silent"):
            raise UnwellError(state)

    def start(self) -> None:
        """Begin to read."""
        works = [self._work() for _ in range(self._settings.workers)]
        self._tasks = [asyncio.create_task(work) for work in (self._run(), *works)]

    async def stop(self) -> None:
        """Read no more; what was read is passed on."""
        self._stop.set()
        reading, *works = self._tasks
        reading.cancel()
        await asyncio.gather(reading, return_exceptions=True)
        await self._lines.join()
        for work in works:
            work.cancel()
        await asyncio.gather(*works, return_exceptions=True)

    async def _run(self) -> None:
        backoff = Backoff(self._stop)
        while not self._stop.is_set():
            if self._turn():
                try:
                    await self._read(backoff)
                except (OSError, UnicodeError):  # time-outs of asyncio are an OSError
                    pass
                finally:
                    self.connected = False
            await backoff.wait()

    async def _read(self, backoff: Backoff) -> None:
        splitter = Splitter(self._settings.longest_line)
        async with aclosing(self._chunks()) as chunks:  # type: ignore[type-var]
            async for data in chunks:
                if not self.connected:
                    self.connected, self._heard = True, time.monotonic()
                if not self._turn():
                    return
                if data:
                    self._heard = time.monotonic()
                    backoff.reset()
                    await self._pass_on(splitter, data)
        # The last line may have no end.
        await self._pass_on(splitter, b"\n")

    async def _pass_on(self, splitter: Splitter, data: bytes) -> None:
        lines = splitter.feed(data)
        if splitter.too_long:
            self._reader.broken["length"] += splitter.too_long
            splitter.too_long = 0
        for start in range(0, len(lines), _BATCH):
            await self._lines.put(list(lines[start : start + _BATCH]))

    async def _work(self) -> None:
        while True:
            lines = await self._lines.get()
            try:
                if ticks := self._reader.read(lines, self._clock()):
                    self.ticks += len(ticks)
                    await self._arrive(ticks)
            finally:
                self._lines.task_done()
            await asyncio.sleep(0)
