"""How tasks wait for answers: what reads them goes on within the loop's own callback.

psycopg wakes the task, which then reads: until it does, the loop finds the socket readable once more. And each of its
waits sets a timer.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Generator
from typing import Any, TypeVar
from weakref import WeakKeyDictionary

from psycopg import AsyncConnection, OperationalError

from metacore._compat.psycopg_undocumented import Ready, Wait, wait_async, wait_in_task

T = TypeVar("T")
Waiting = Generator[Wait, Ready | int | None, T]


class _Rounds:
    """Calls all who wait in a loop every moment, as long as there is anybody, by one timer."""

    def __init__(self) -> None:
        self.waiting: set[Callable[[int], None]] = set()
        self._has_timer = False

    def join(self, loop: asyncio.AbstractEventLoop, call: Callable[[int], None], interval: float) -> None:
        self.waiting.add(call)
        if not self._has_timer:
            self._has_timer = True
            loop.call_later(interval, self._go, interval)

    def _go(self, interval: float) -> None:
        for call in [*self.waiting]:
            call(0)
        self._has_timer = bool(self.waiting)
        if self._has_timer:
            # Not kept: the loop would be kept by what is kept for it.
            asyncio.get_running_loop().call_later(interval, self._go, interval)


_rounds: WeakKeyDictionary[asyncio.AbstractEventLoop, _Rounds] = WeakKeyDictionary()


def wait(connection: AsyncConnection[Any], work: Waiting[T]) -> Coroutine[Any, Any, T]:
    """What `work` returns, run while nobody else uses `connection`: see `wait_async`."""
    return wait_async(connection, work, waited)


async def waited(work: Waiting[T], fileno: int, interval: float) -> T:
    """What `work` returns, as of psycopg's `wait_async`; within `interval` seconds it is woken though nothing is ready.

    What it does after it has waited to read is done in a callback of the loop, in no task.
    """
    try:
        waits_for = next(work)
    except StopIteration as end:
        return await wait_in_task(_returning(end.value), fileno, interval)
    if waits_for != Wait.R:
        return await wait_in_task(_going_on(waits_for, work), fileno, interval)
    loop = asyncio.get_running_loop()
    future: asyncio.Future[tuple[Wait | None, Any, BaseException | None]] = loop.create_future()

    def go_on(ready: int) -> None:
        if future.done():
            return
        try:
            next_wait = work.send(ready)
        except StopIteration as end:
            future.set_result((None, end.value, None))
        except BaseException as error:  # noqa: BLE001 - it is raised where the task waits
            future.set_result((None, None, error))
        else:
            if next_wait != Wait.R:
                future.set_result((next_wait, None, None))
        if future.done():
            # At once: if it has closed the socket, another may have its number before the task is woken.
            loop.remove_reader(fileno)

    rounds = _rounds.get(loop)
    if rounds is None:
        rounds = _rounds[loop] = _Rounds()
    try:
        loop.add_reader(fileno, go_on, Ready.R)
    except OSError as error:
        raise OperationalError("connection socket closed") from error
    try:
        rounds.join(loop, go_on, interval)
        then, value, failure = await future
    finally:
        rounds.waiting.discard(go_on)
        if not future.done() or future.cancelled():
            loop.remove_reader(fileno)
    if failure is not None:
        raise failure
    if then is not None:
        return await wait_in_task(_going_on(then, work), fileno, interval)
    result: T = value
    return result


def _returning(value: T) -> Waiting[T]:
    """What is done already: psycopg lets other tasks in where one never waits."""
    return value
    yield


def _going_on(waits_for: Wait, work: Waiting[T]) -> Waiting[T]:
    """The rest of `work`, which waits already."""
    while True:
        ready = yield waits_for
        try:
            waits_for = work.send(ready)
        except StopIteration as end:
            result: T = end.value
            return result
