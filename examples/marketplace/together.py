"""What is asked for at the same time, done together."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from contextvars import Context, copy_context
from dataclasses import dataclass, field
from itertools import accumulate
from typing import Generic, TypeAlias, TypeVar

from marketplace.resting import resting
from metacore import StorageUnavailableError

A = TypeVar("A")
R = TypeVar("R")

AT_ONCE = 256
"""How much is done by one call, unless a single one is more."""

_LITTLE = 4
"""Less than this costs much for each."""

Work: TypeAlias = Callable[[Sequence[A]], Awaitable[Sequence[R | Exception]]]
"""Does what is asked for, all of it or, if it raises an error, nothing; what came of each, in turn."""


@dataclass(frozen=True)
class _Asked(Generic[A, R]):
    what: A
    answered: asyncio.Future[R]
    context: Context = field(default_factory=copy_context)

    def answer(self, came: R | Exception) -> None:
        if self.answered.done():
            return
        if isinstance(came, Exception):
            self.answered.set_exception(came)
        else:
            self.answered.set_result(came)


class Together(Generic[A, R]):
    """Does by one call what several ask for, so that a transaction or a request serves them all, and who wants what all
    want does not wait for each in turn.

    What is asked for while a call is under way, and for a while after one that did little (`resting`), is for the next
    one, which is in the trace of the first who asked. One that cannot be done may undo the others: then each is done
    alone.
    """

    def __init__(self, work: Work[A, R], size: Callable[[A], int] = lambda _: 1) -> None:
        """`size` says how much it is that somebody asks for."""
        self._do, self._size = work, size
        self._asked: list[_Asked[A, R]] = []
        self._working: asyncio.Task[None] | None = None

    async def ask(self, what: A) -> R:
        """Have it done, together with what others ask for."""
        asked = _Asked[A, R](what, asyncio.get_running_loop().create_future())
        self._asked.append(asked)
        if self._working is None:
            self._working = asyncio.create_task(self._work())
        return await asked.answered

    async def _work(self) -> None:
        try:
            while self._asked:
                now, began = self._next(), time.monotonic()
                await asyncio.create_task(self._answer(now), context=now[0].context)
                if sum(self._size(one.what) for one in now) < _LITTLE:
                    await asyncio.sleep(resting(time.monotonic() - began))
        finally:
            self._working = None

    def _next(self) -> Sequence[_Asked[A, R]]:
        sizes = accumulate(self._size(one.what) for one in self._asked)
        count = max(1, sum(size <= AT_ONCE for size in sizes))
        now, self._asked = self._asked[:count], self._asked[count:]
        return now

    async def _answer(self, asked: Sequence[_Asked[A, R]]) -> None:
        try:
            answers: Sequence[R | Exception] = await self._do([one.what for one in asked])
        except Exception as error:  # noqa: BLE001 - who has asked is told
            if len(asked) > 1 and not isinstance(error, StorageUnavailableError):
                await asyncio.gather(*(self._answer([one]) for one in asked))
                return
            answers = [error] * len(asked)
        for one, came in zip(asked, answers, strict=True):
            one.answer(came)
