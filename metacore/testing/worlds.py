"""One way to test both worlds: asynchronous storages seen as blocking ones, blocking ones as they are."""

from __future__ import annotations

import asyncio
import importlib
import os
import queue
import select
import signal
import threading
import warnings
from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, contextmanager
from enum import Enum, auto
from types import TracebackType
from typing import Any, TypeVar, cast

from metacore.errors import MetacoreError
from metacore.sync.storage.storage import Storage

T = TypeVar("T")

PATIENCE = 120
"""Seconds after which an operation is taken to hang."""


class World(ABC):
    """How to use a storage, asynchronous or not, in blocking style. Close it after use."""

    package: str
    """Where its `connect` and services are."""

    @abstractmethod
    def view(self, storage: Any) -> Storage:
        """What is used in blocking style in place of `storage`, or of a view that another world has of one."""

    @contextmanager
    def opened(self, storage: Any) -> Iterator[Storage]:
        """A view of `storage`, which is opened now and closed at the end."""
        with self.view(storage) as view:
            yield view

    def service(self, name: str, storage: Any) -> Any:
        """The service called `name`, such as "TradingService", over the storage or transaction of a view."""
        return getattr(importlib.import_module(self.package), name)(storage)

    @abstractmethod
    def enter_wrongly(self, storage: Any) -> None:
        """Enter `storage` by the `with` of the other world."""

    def together(self, *calls: Callable[[], T]) -> list[T | MetacoreError]:
        """What each of `calls`, run at the same time, returned, or the MetacoreError that it raised."""
        start = threading.Barrier(len(calls))

        def run(call: Callable[[], T]) -> T | MetacoreError:
            start.wait(PATIENCE)
            try:
                return call()
            except MetacoreError as error:
                return error
            finally:
                self._leave()

        with ThreadPoolExecutor(len(calls)) as pool:
            return list(pool.map(run, calls))

    def forked(self, call: Callable[[], object]) -> str:
        """The name of the error that `call` raises in a forked process; empty if it raises none."""
        reader, writer = os.pipe()
        with warnings.catch_warnings():
            # The threads of this process do nothing that the child waits for.
            warnings.simplefilter("ignore", DeprecationWarning)
            child = os.fork()
        if not child:
            try:
                self._start()
                os.write(writer, _name_of_error(call).encode())
            finally:
                os._exit(0)
        os.close(writer)
        with os.fdopen(reader) as answer:
            ready = select.select([answer], [], [], PATIENCE)[0]
            name = answer.read() if ready else "hangs"
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
        return name

    def _start(self) -> None:
        """Called before the first use, and in a forked process."""
        return

    def _leave(self) -> None:
        """Called at the end of each thread that `together` started."""
        return

    def close(self) -> None:
        """End what it runs."""
        return


def _name_of_error(call: Callable[[], object]) -> str:
    try:
        call()
    except Exception as error:  # noqa: BLE001 - it is told
        return type(error).__name__
    return ""


class BlockingWorld(World):
    """A storage is used as it is."""

    package = "metacore.sync"

    def view(self, storage: Any) -> Storage:
        return cast(Storage, storage)

    def enter_wrongly(self, storage: Any) -> None:
        async def enter() -> None:
            async with storage:
                """Never reached."""

        asyncio.run(enter())


class AsyncWorld(World):
    """A storage lives in a private event loop; each thread that uses a view of it is one task there."""

    package = "metacore"

    def __init__(self) -> None:
        self._start()

    def _start(self) -> None:
        self._local = threading.local()
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="metacore-async-world", daemon=True)
        self._thread.start()

    def view(self, storage: Any) -> Storage:
        return cast(Storage, _View(self, storage._target if isinstance(storage, _View) else storage))

    def service(self, name: str, storage: Any) -> Any:
        return _View(self, super().service(name, storage._target))

    def enter_wrongly(self, storage: Any) -> None:
        with storage:
            """Never reached."""

    def call(self, fn: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        """What `fn` returns, called in the task of this thread, and awaited if need be."""
        return self._task().call(fn, args, kwargs)

    def callback(self, fn: Callable[..., Any]) -> Callable[..., Awaitable[Any]]:
        """`fn`, which is written in blocking style, as what the task of this thread can await."""

        async def call_back(*values: Any) -> Any:
            return await task.call_back(fn, [_View(self, value) for value in values])

        task = self._task()
        return call_back

    def call_soon(self, fn: Callable[[], Awaitable[Any]]) -> None:
        """Call `fn` at the next opportunity, without waiting for it."""

        async def call() -> None:
            await fn()

        if not self._loop.is_closed():
            asyncio.run_coroutine_threadsafe(call(), self._loop)

    @property
    def is_calling(self) -> bool:
        """Whether this thread is waiting for a call: what runs then is a finalizer."""
        return threading.current_thread() is self._thread or self._task().is_calling

    def _task(self) -> _ThreadTask:
        if threading.current_thread() is self._thread:
            raise RuntimeError("an asynchronous storage cannot wait for a view of itself: pass a list, not a generator")
        if not hasattr(self._local, "task"):
            self._local.task = _ThreadTask(self._loop)
        return cast(_ThreadTask, self._local.task)

    def _leave(self) -> None:
        if hasattr(self._local, "task"):
            self._local.task.end()
            del self._local.task

    def close(self) -> None:
        asyncio.run_coroutine_threadsafe(_cancel_others(), self._loop).result(PATIENCE)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(PATIENCE)
        self._loop.close()


async def _cancel_others() -> None:
    others = asyncio.all_tasks() - {asyncio.current_task()}
    for task in others:
        task.cancel()
    await asyncio.gather(*others, return_exceptions=True)
    await asyncio.get_running_loop().shutdown_asyncgens()


class _Kind(Enum):
    CALL = auto()
    CALLBACK = auto()
    RESULT = auto()
    ERROR = auto()
    END = auto()


_Message = tuple[_Kind, Any]


class _ThreadTask:
    """A thread and a task that take turns, so that what the one does blocking the other does awaiting.

    The thread sends a call and waits; the task answers with its result or error, or asks for a callback first. During
    a callback the thread may send calls again.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self.is_calling = False
        self._loop = loop
        self._to_task: asyncio.Queue[_Message] = asyncio.Queue()
        self._to_thread: queue.SimpleQueue[_Message] = queue.SimpleQueue()
        self._task = asyncio.run_coroutine_threadsafe(self._serve(), loop)

    def call(self, fn: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        self.is_calling = True
        try:
            self._send(_Kind.CALL, (fn, args, kwargs))
            while True:
                kind, value = self._to_thread.get(timeout=PATIENCE)
                if kind is _Kind.RESULT:
                    return value
                if kind is _Kind.ERROR:
                    raise value
                self._send(*self._answer(*value))
        finally:
            self.is_calling = False

    def _answer(self, callback: Callable[..., Any], values: list[Any]) -> _Message:
        self.is_calling = False
        try:
            return _Kind.RESULT, callback(*values)
        except BaseException as error:  # noqa: BLE001 - it is raised in the task
            return _Kind.ERROR, error
        finally:
            self.is_calling = True

    async def call_back(self, fn: Callable[..., Any], values: list[Any]) -> Any:
        """What `fn` returns, called in the thread while the task waits."""
        self._to_thread.put((_Kind.CALLBACK, (fn, values)))
        kind, value = await self._serve()
        if kind is _Kind.ERROR:
            raise value
        return value

    def end(self) -> None:
        self._send(_Kind.END, None)
        self._task.result(PATIENCE)

    def _send(self, kind: _Kind, value: Any) -> None:
        self._loop.call_soon_threadsafe(self._to_task.put_nowait, (kind, value))

    async def _serve(self) -> _Message:
        """Do what is called for until the message that is no call."""
        while True:
            kind, value = await self._to_task.get()
            if kind is not _Kind.CALL:
                return kind, value
            fn, args, kwargs = value
            try:
                result = fn(*args, **kwargs)
                if isinstance(result, Awaitable):
                    result = await result
            except asyncio.CancelledError as error:
                self._to_thread.put((_Kind.ERROR, error))
                raise
            except BaseException as error:  # noqa: BLE001 - it is raised in the thread
                self._to_thread.put((_Kind.ERROR, error))
            else:
                self._to_thread.put((_Kind.RESULT, result))


class _View:
    """Something asynchronous in blocking style: what it has is seen so, too, what its methods return is had at once."""

    def __init__(self, world: AsyncWorld, target: Any) -> None:
        self._world = world
        self._target = target

    def __getattr__(self, name: str) -> Any:
        value = getattr(self._target, name)
        if not callable(value):
            return _View(self._world, value)

        def call(*args: Any, **kwargs: Any) -> Any:
            return self._seen(self._world.call(value, *map(self._given, args), **kwargs))

        return call

    def _given(self, argument: Any) -> Any:
        if isinstance(argument, _View):
            return argument._target
        if callable(argument) and not isinstance(argument, type):
            return self._world.callback(argument)
        return argument

    def _seen(self, result: Any) -> Any:
        if hasattr(result, "__aenter__"):
            return _ViewContext(self._world, result)
        return self._iterate(result) if isinstance(result, AsyncIterator) else result

    def _iterate(self, iterator: Any) -> Iterator[Any]:
        try:
            while True:
                try:
                    item = self._world.call(iterator.__anext__)
                except StopAsyncIteration:
                    return
                yield item
        finally:
            if self._world.is_calling:
                self._world.call_soon(iterator.aclose)
            else:
                self._world.call(iterator.aclose)

    def __enter__(self) -> Any:
        self._world.call(self._target.__aenter__)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> bool | None:
        return cast(bool | None, self._world.call(self._target.__aexit__, kind, error, traceback))


class _ViewContext(AbstractContextManager[Any]):
    def __init__(self, world: AsyncWorld, context: Any) -> None:
        self._world = world
        self._context = context

    def __enter__(self) -> Any:
        return _View(self._world, self._world.call(self._context.__aenter__))

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> bool | None:
        return cast(bool | None, self._world.call(self._context.__aexit__, kind, error, traceback))
