"""The vocabulary of the blocking world; `metacore._compat.aio` has the same names."""

import os
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable
from typing import Annotated, ClassVar, NoReturn, TypeAlias, TypeVar

from tenacity import RetryCallState, Retrying, retry_if_exception_type, stop_after_attempt, wait_random_exponential

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

Eventual: TypeAlias = Annotated[T, "at once"]
"""What a call gives that may have to wait: here, the value itself."""

Owner: TypeAlias = tuple[int, None]
"""Where something lives: the process. Any thread of it may use the thing."""


def owner() -> Owner:
    """The process; unequal after a fork."""
    return os.getpid(), None


class ContextGuard:
    """Refuses `async with` on what wants a plain `with`: TypeError, naming `metacore`."""

    __slots__ = ()

    world: ClassVar = "blocking"

    async def __aenter__(self) -> NoReturn:
        raise TypeError(
            f"{type(self).__name__} is blocking: open it by a plain `with`, or take `connect` from metacore instead of"
            " metacore.sync, which gives asynchronous storages for `async with`"
        )

    async def __aexit__(self, *exc_info: object) -> None:
        """Never reached; without it, `async with` fails before `__aenter__` can explain."""


def require_own_world(storage: object, service: object) -> None:
    """TypeError, naming what to take, if `storage` is an asynchronous one: `service` would do nothing, and say so by
    coroutines.
    """
    if getattr(type(storage), "world", None) == "asynchronous":
        name = type(service).__name__
        raise TypeError(
            f"this {name} is blocking, and {type(storage).__name__} is asynchronous: take {name} from metacore, or"
            " `connect` from metacore.sync"
        )


class Lock:
    """Lets one thread in at a time, the longest waiting one first. Not reentrant.

    The lock is handed over: a thread that releases it and takes it again at once stands behind those that wait.
    """

    __slots__ = ("_is_taken", "_mutex", "_waiting")

    def __init__(self) -> None:
        self._mutex = threading.Lock()
        self._is_taken = False
        self._waiting: deque[threading.Lock] = deque()

    def acquire(self, timeout: float) -> bool:
        """Take the lock within `timeout` seconds (0 or less: at once) and say whether it was taken.

        An interrupted or timed-out waiter leaves the lock to the next one.
        """
        with self._mutex:
            if not self._is_taken:
                self._is_taken = True
                return True
            if timeout <= 0:
                return False
            turn = threading.Lock()
            turn.acquire()
            self._waiting.append(turn)
        try:
            is_mine = turn.acquire(timeout=min(timeout, threading.TIMEOUT_MAX))
        except BaseException:
            if not self._leave(turn):
                self.release()
            raise
        return is_mine or not self._leave(turn)

    def release(self) -> None:
        """Let the next waiter in; RuntimeError when the lock is not taken."""
        with self._mutex:
            if not self._is_taken:
                raise RuntimeError("release of a lock that is not taken")
            if self._waiting:
                self._waiting.popleft().release()
            else:
                self._is_taken = False

    def _leave(self, turn: threading.Lock) -> bool:
        """Wait no longer; False if the lock has been handed over meanwhile."""
        with self._mutex:
            if turn not in self._waiting:
                return False
            self._waiting.remove(turn)
            return True


class Slots:
    """Lets at most `count` threads in at a time."""

    __slots__ = ("_semaphore",)

    def __init__(self, count: int) -> None:
        self._semaphore = threading.Semaphore(count)

    def __enter__(self) -> None:
        self._semaphore.acquire()

    def __exit__(self, *exc_info: object) -> None:
        self._semaphore.release()


class Alarm:
    """Wakes whoever waits for it, or would next. Any thread may ring it."""

    __slots__ = ("_rung",)

    def __init__(self) -> None:
        self._rung = threading.Event()

    def ring(self) -> None:
        """Wake it."""
        self._rung.set()

    def wait(self, least: float, most: float) -> None:
        """Wait until it rings, but for so many seconds at `least`, and at `most`."""
        time.sleep(least)
        if self._rung.wait(most - least):
            self._rung.clear()


def in_thread(fn: Callable[[], T]) -> T:
    """The result of `fn()`, called in this thread."""
    return fn()


def complete(action: Callable[[], T]) -> T:
    """The result of `action()`."""
    return action()


def sleep(seconds: float) -> None:
    """Wait for `seconds`."""
    time.sleep(seconds)


def for_each(items: Iterable[V], action: Callable[[V], object], at_once: int) -> None:  # noqa: ARG001 - as there
    """Call `action` with each item, in turn."""
    for item in items:
        action(item)


def retry(
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
        return attempt()
    except on as error:
        first = [error]

    def again() -> T:
        if first:
            raise first.pop()
        return attempt()

    def tell(state: RetryCallState) -> None:
        error = state.outcome.exception() if state.outcome is not None else None
        if note is not None and isinstance(error, on):
            note(error)

    # Made only now: as a rule the first call is the last, and this costs more than a statement.
    calls = Retrying(
        sleep=sleep,
        stop=stop_after_attempt(attempts),
        wait=wait_random_exponential(multiplier=base, max=limit),
        retry=retry_if_exception_type(on),
        before_sleep=tell,
        reraise=True,
    )
    return calls(again)
