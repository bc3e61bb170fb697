"""What becomes of ticks: parts of minutes, told to the other instances and stored, each once."""

from __future__ import annotations

import asyncio
import logging
import time
from collections import deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import islice

from common.health import UnwellError
from common.waiting import Backoff
from marketflow.market import Market
from marketflow.stream import Entry, Stream
from metacore import BarPart, MetacoreError, Storage

_MOST_PENDING = 200_000
"""So many parts wait for the database: an hour and more of five symbols on three exchanges."""
_AT_ONCE = 2_000
_ENDS_WITHIN = 2

_logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class _Pending:
    part: BarPart
    entry: Entry | None
    """Where it was told to the others, if it is the last part of that."""


class Keeper:
    """Takes the parts of a market now and then, tells them by the stream, and stores them, however long that takes.

    A part is made once, with its id. So it does not matter how often it is told or stored: when it is not known whether
    it was, it is done again. What an instance told before it died, and did not store, another one stores.
    """

    def __init__(self, market: Market, storage: Storage, stream: Stream, every: float) -> None:
        self._market, self._storage, self._stream, self._every = market, storage, stream, every
        self._pending: deque[_Pending] = deque()
        self._trouble: str | None = None
        self.stored = 0
        self.lost = 0
        """Parts given up because too many waited."""

    @property
    def pending(self) -> int:
        """How many parts wait to be stored."""
        return len(self._pending)

    async def check(self) -> None:
        """Whether parts are stored; UnwellError if not."""
        if self._trouble is not None:
            raise UnwellError(f"{self._trouble}; {self.pending} parts wait")

    async def run(self, stop: asyncio.Event) -> None:
        """Work until the event is set; then what there is, is stored, or given up after some seconds."""
        storing = asyncio.create_task(self._store_for_ever(stop))
        while not stop.is_set():
            self._take()
            self._market.forget(self._storage.now())
            self.adopt(self._stream.orphans())
            try:
                # In step with the clock, so that a second is in as few parts as may be.
                async with asyncio.timeout(self._every - time.time() % self._every):
                    await stop.wait()
            except TimeoutError:
                continue
        # A part that is stored twice is stored once: what is under way may be given up.
        await asyncio.wait({storing}, timeout=_ENDS_WITHIN)
        storing.cancel()
        await asyncio.gather(storing, return_exceptions=True)

    async def finish(self) -> None:
        """Store what is left, once nothing arrives any more."""
        self._take()
        try:
            async with asyncio.timeout(_ENDS_WITHIN):
                await self._stream.tell_all()
                while self._pending:
                    await self._store()
        except (MetacoreError, TimeoutError) as error:
            _logger.warning("ended with %d parts that only the stream has: %s", self.pending, type(error).__name__)

    def adopt(self, entries: Iterable[Entry]) -> None:
        """Store what others told and may not have stored."""
        for entry in entries:
            self._append(entry.parts, entry)

    def _take(self) -> None:
        if parts := self._market.take():
            self._append(parts, self._stream.add(parts))

    def _append(self, parts: Sequence[BarPart], entry: Entry) -> None:
        last = len(parts) - 1
        self._pending.extend(_Pending(part, entry if n == last else None) for n, part in enumerate(parts))
        while len(self._pending) > _MOST_PENDING:
            self._pending.popleft()
            self.lost += 1

    async def _store_for_ever(self, stop: asyncio.Event) -> None:
        backoff = Backoff(stop)
        while not stop.is_set():
            try:
                await self._store()
            except MetacoreError as error:
                trouble = f"waits for the database: {type(error).__name__}"
                if self._trouble is None:
                    _logger.warning(trouble)
                self._trouble = trouble
            else:
                self._trouble = None
                backoff.reset()
            await backoff.wait()

    async def _store(self) -> None:
        batch = list(islice(self._pending, _AT_ONCE))
        if not batch:
            return
        await self._storage.bars.add(pending.part for pending in batch)
        # What was given up meanwhile is no longer at the front.
        for pending in batch:
            if self._pending and self._pending[0] is pending:
                self._pending.popleft()
            if pending.entry is not None:
                self._stream.note_stored(pending.entry)
        self.stored += len(batch)
