"""Requests that come at the same time, done as one batch."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from contextvars import Context, copy_context
from dataclasses import dataclass, field
from itertools import accumulate
from typing import Generic, TypeAlias, TypeVar

from marketplace.linger import linger_after
from metacore import StorageUnavailableError

A = TypeVar("A")
R = TypeVar("R")

LARGEST_BATCH = 256
"""The size of a batch, unless a single request is larger."""

_SMALL = 4
"""A batch below this size costs much for each request."""

Process: TypeAlias = Callable[[Sequence[A]], Awaitable[Sequence[R | Exception]]]
"""Does a batch, all of it or, if it raises an error, nothing; returns the result of each request, in turn."""


@dataclass(slots=True)
class _Pending(Generic[A, R]):
    request: A
    future: asyncio.Future[R]
    context: Context = field(default_factory=copy_context)

    def resolve(self, result: R | Exception) -> None:
        if self.future.done():
            return
        if isinstance(result, Exception):
            self.future.set_exception(result)
        else:
            self.future.set_result(result)


class Batcher(Generic[A, R]):
    """Does what several ask for as one batch, so that a transaction or a call of another service serves them all, and
    who wants what all want does not wait for each in turn.

    What is submitted while a batch is under way, and for a while after a small one (`linger_after`), is for the next
    batch, which is in the trace of the first request in it. A request that cannot be done may undo the others: then
    each is done alone.
    """

    def __init__(self, process: Process[A, R], size: Callable[[A], int] = lambda _: 1) -> None:
        """`size` says how large a request is."""
        self._process, self._size = process, size
        self._pending: list[_Pending[A, R]] = []
        self._worker: asyncio.Task[None] | None = None

    async def submit(self, request: A) -> R:
        """Have it done, in a batch with what others submit."""
        pending: _Pending[A, R] = _Pending(request, asyncio.get_running_loop().create_future())
        self._pending.append(pending)
        if self._worker is None:
            self._worker = asyncio.create_task(self._work())
        return await pending.future

    async def _work(self) -> None:
        try:
            while self._pending:
                batch, began = self._next_batch(), time.monotonic()
                await asyncio.create_task(self._resolve(batch), context=batch[0].context)
                if sum(self._size(pending.request) for pending in batch) < _SMALL:
                    await asyncio.sleep(linger_after(time.monotonic() - began))
        finally:
            self._worker = None

    def _next_batch(self) -> Sequence[_Pending[A, R]]:
        sizes = accumulate(self._size(pending.request) for pending in self._pending)
        count = max(1, sum(size <= LARGEST_BATCH for size in sizes))
        batch, self._pending = self._pending[:count], self._pending[count:]
        return batch

    async def _resolve(self, batch: Sequence[_Pending[A, R]]) -> None:
        try:
            results: Sequence[R | Exception] = await self._process([pending.request for pending in batch])
        except Exception as error:  # noqa: BLE001 - whoever has asked gets it
            if len(batch) > 1 and not isinstance(error, StorageUnavailableError):
                await asyncio.gather(*(self._resolve([pending]) for pending in batch))
                return
            results = [error] * len(batch)
        for pending, result in zip(batch, results, strict=True):
            pending.resolve(result)
