"""The vocabulary of the asynchronous world; `metacore._compat.blocking` has the same names."""

import asyncio
import os
from collections.abc import Awaitable, Callable, Coroutine, Generator, Iterable
from typing import Any, ClassVar, Generic, NoReturn, TypeAlias, TypeVar, cast

from tenacity import AsyncRetrying, RetryCallState, retry_if_exception_type, stop_after_attempt, wait_random_exponential

__all__ = [
    "Alarm",
    "ContextGuard",
    "Eventual",
    "Lock",
    "Owner",
    "Slots",
    "complete",
    "for_each",
    "in_thread",
    "owner",
    "require_own_world",
    "retry",
    "sleep",
]

T = TypeVar("T")
V = TypeVar("V")
E = TypeVar("E", bound=BaseException)

Eventual: TypeAlias = Awaitable[T]
"""What a call gives that may have to wait: `Callable[[Transaction], Eventual[T]]` is written once for both worlds."""

Owner: TypeAlias = tuple[int, asyncio.AbstractEventLoop]
"""Where something lives: the process, and the event loop in it."""


def owner() -> Owner:
    """The process and the running event loop; equal only to the answer of another call from within both.

    It holds the loop itself: the `id` of a finished loop may be given to the next one. Outside of a loop: RuntimeError.
    """
    return os.getpid(), asyncio.get_running_loop()


class ContextGuard:
    """Refuses a plain `with` on what wants `async with`: TypeError, naming `metacore.sync`."""

    __slots__ = ()

    world: ClassVar = "asynchronous"

    def __enter__(self) -> NoReturn:
        raise TypeError(
            f"{type(self).__name__} is asynchronous: open it by `async with`, or take `connect` from metacore.sync,"
            " which gives blocking storages for a plain `with`"
        )

    def __exit__(self, *exc_info: object) -> None:
        """Never reached; without it, `with` fails before `__enter__` can explain."""


def require_own_world(storage: object, service: object) -> None:
    """TypeError, naming what to take, if `storage` is a blocking one: `service` would wait for what has been done."""
    if getattr(type(storage), "world", None) == "blocking":
        name = type(service).__name__
        raise TypeError(
            f"{name} is asynchronous, and {type(storage).__name__} is blocking: take {name} from metacore.sync, or"
            " `connect` from metacore"
        )


class Lock:
    """Lets one task in at a time, the longest waiting one first. Not reentrant."""

    __slots__ = ("_lock", "_waiting")

    def __init__(self) -> None:
        self._lock = asyncio.Lock()
        self._waiting = 0

    async def acquire(self, timeout: float) -> bool:  # noqa: ASYNC109
        """Take the lock within `timeout` seconds (0 or less: at once) and say whether it was taken.

        A cancelled or timed-out waiter leaves the lock to the next one.
        """
        if not self._waiting and not self._lock.locked():
            # A time-out, which this need not wait for, costs more than the lock.
            return await self._lock.acquire()
        self._waiting += 1
        try:
            async with asyncio.timeout(max(timeout, 0)):
                return await self._lock.acquire()
        except TimeoutError:
            return False
        finally:
            self._waiting -= 1

    def release(self) -> None:
        """Let the next waiter in; RuntimeError when the lock is not taken."""
        self._lock.release()


class Slots:
    """Lets at most `count` tasks in at a time, the longest waiting one first."""

    __slots__ = ("_semaphore",)

    def __init__(self, count: int) -> None:
        self._semaphore = asyncio.Semaphore(count)

    async def __aenter__(self) -> None:
        await self._semaphore.acquire()

    async def __aexit__(self, *exc_info: object) -> None:
        self._semaphore.release()


class Alarm:
    """Wakes whoever waits for it, or would next. Any thread may ring it."""

    __slots__ = ("_loop", "_rung")

    def __init__(self) -> None:
        self._rung = asyncio.Event()
        self._loop: asyncio.AbstractEventLoop | None = None

    def ring(self) -> None:
        """Wake it."""
        if self._loop is None or self._loop.is_closed():
            self._rung.set()
        else:
            self._loop.call_soon_threadsafe(self._rung.set)

    async def wait(self, least: float, most: float) -> None:
        """Wait until it rings, but for so many seconds at `least`, and at `most`."""
        self._loop = asyncio.get_running_loop()
        await asyncio.sleep(least)
        try:
            async with asyncio.timeout(most - least):
                await self._rung.wait()
        except TimeoutError:
            return
        self._rung.clear()


async def in_thread(fn: Callable[[], T]) -> T:
    """The result of `fn()`, which may block: called in another thread, while other tasks go on."""
    return await asyncio.to_thread(fn)


class _Rest(Generic[T]):
    """What is left of a coroutine that has begun, and waits for `awaited`."""

    __slots__ = ("_awaited", "_coroutine")

    def __init__(self, coroutine: Coroutine[Any, Any, T], awaited: Any) -> None:
        self._coroutine, self._awaited = coroutine, awaited

    async def run(self) -> T:
        return await self

    def __await__(self) -> Generator[Any, Any, T]:
        awaited = self._awaited
        try:
            while True:
                try:
                    value = yield awaited
                except BaseException as error:  # noqa: BLE001 - it is raised where the coroutine waits
                    awaited = self._coroutine.throw(error)
                else:
                    awaited = self._coroutine.send(value)
        except StopIteration as end:
            return cast(T, end.value)


async def complete(action: Callable[[], Coroutine[Any, Any, T]]) -> T:
    """The result of `action()`, which goes on to its end even if the task that waits for it is cancelled.

    It begins in the calling task, so that one which need not wait costs no task of its own; before it first waits, it
    must not enter an `asyncio.timeout`, which is bound to the task.
    """
    coroutine = action()
    try:
        awaited = coroutine.send(None)
    except StopIteration as end:
        return cast(T, end.value)
    task = asyncio.get_running_loop().create_task(_Rest(coroutine, awaited).run())
    _completing.add(task)
    task.add_done_callback(_completing.discard)
    return await asyncio.shield(task)


_completing: set[asyncio.Task[Any]] = set()
"""Keeps what nobody waits for any longer; a loop holds its tasks weakly."""


async def sleep(seconds: float) -> None:
    """Wait for `seconds`."""
    await asyncio.sleep(seconds)


async def for_each(items: Iterable[V], action: Callable[[V], Coroutine[Any, Any, object]], at_once: int) -> None:
    """Call `action` with each item, `at_once` at the same time at most; the blocking one does one after the other.

    The first error is raised when those that have begun are done.
    """
    waiting = iter(items)

    async def work() -> None:
        for item in waiting:
            await action(item)

    if at_once == 1:
        await work()
        return
    done = await asyncio.gather(*(work() for _ in range(at_once)), return_exceptions=True)
    for error in done:
        if error is not None:
            raise error


async def retry(
    attempt: Callable[[], Eventual[T]],
    *,
    attempts: int,
    on: type[E],
    base: float,
    limit: float,
    note: Callable[[E], None] | None = None,
) -> T:
    """The result of `attempt()`, called again on errors of the type `on`, at most `attempts` times altogether.

    Before call n + 1 it waits a random time between 0 and min(limit, base * 2 ** (n - 1)) seconds: exponential backoff
    with full jitter. The last error, and any of another type, is raised as it is; `note` is told each one before it.
    """
    try:
        return await attempt()
    except on as error:
        first = [error]

    async def again() -> T:
        if first:
            raise first.pop()
        return await attempt()

    def tell(state: RetryCallState) -> None:
        error = state.outcome.exception() if state.outcome is not None else None
        if note is not None and isinstance(error, on):
            note(error)

    # Made only now: as a rule the first call is the last, and this costs more than a statement.
    calls = AsyncRetrying(
        sleep=sleep,
        stop=stop_after_attempt(attempts),
        wait=wait_random_exponential(multiplier=base, max=limit),
        retry=retry_if_exception_type(on),
        before_sleep=tell,
        reraise=True,
    )
    return await calls(again)
