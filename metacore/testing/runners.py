"""One way to test both runners: asynchronous storages seen as blocking ones, blocking ones as they are."""

from __future__ import annotations

import asyncio
import importlib
import os
import select
import signal
import threading
import warnings
from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any, TypeVar, cast

from metacore.errors import MetacoreError
from metacore.sync.storage.storage import Storage
from metacore.testing.loop_threads import PATIENCE, LoopThread
from metacore.testing.proxies import BlockingProxy, target_of

T = TypeVar("T")


class Runner(ABC):
    """How to use a storage, asynchronous or not, in blocking style. Close it after use."""

    package: str
    """Where its `connect` and services are."""
    has_event_loop: bool
    """Whether its storages live in one."""

    @abstractmethod
    def blocking(self, storage: Any) -> Storage:
        """What is used in blocking style in place of `storage`, or of a proxy that another runner has of one."""

    @contextmanager
    def opened(self, storage: Any) -> Iterator[Storage]:
        """`storage` in blocking style, opened now and closed at the end."""
        with self.blocking(storage) as opened:
            yield opened

    def service(self, name: str, storage: Any, **settings: Any) -> Any:
        """The service called `name`, such as "TradingService", over the storage or transaction, in blocking style."""
        return getattr(importlib.import_module(self.package), name)(storage, **settings)

    @abstractmethod
    def enter_wrongly(self, storage: Any) -> None:
        """Enter `storage` by the `with` of the other runner."""

    @abstractmethod
    def eventual(self, fn: Callable[..., T]) -> Callable[..., Any]:
        """`fn`, which waits for nothing, as a service calls what it is given."""

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


class BlockingRunner(Runner):
    """A storage is used as it is."""

    package = "metacore.sync"
    has_event_loop = False

    def blocking(self, storage: Any) -> Storage:
        return cast(Storage, storage)

    def eventual(self, fn: Callable[..., T]) -> Callable[..., Any]:
        return fn

    def enter_wrongly(self, storage: Any) -> None:
        async def enter() -> None:
            async with storage:
                """Never reached."""

        asyncio.run(enter())


class AsyncRunner(Runner):
    """A storage lives in a private event loop; each thread that uses it, by a proxy, is one task there."""

    package = "metacore"
    has_event_loop = True

    def __init__(self) -> None:
        self._start()

    def _start(self) -> None:
        self._local = threading.local()
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="metacore-async-runner", daemon=True)
        self._thread.start()

    def blocking(self, storage: Any) -> Storage:
        return cast(Storage, BlockingProxy(self, target_of(storage)))

    def service(self, name: str, storage: Any, **settings: Any) -> Any:
        return BlockingProxy(self, super().service(name, target_of(storage), **settings))

    def eventual(self, fn: Callable[..., T]) -> Callable[..., Any]:
        async def call(*values: Any) -> T:
            return fn(*values)

        return call

    def enter_wrongly(self, storage: Any) -> None:
        with storage:
            """Never reached."""

    def call(self, fn: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        """What `fn` returns, called in the task of this thread, and awaited if need be."""
        return self._task().call(fn, args, kwargs)

    def callback(self, fn: Callable[..., Any]) -> Callable[..., Awaitable[Any]]:
        """`fn`, which is written in blocking style, as what the task of this thread can await."""

        async def call_back(*values: Any) -> Any:
            return await task.call_back(fn, [BlockingProxy(self, value) for value in values])

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

    def _task(self) -> LoopThread:
        if threading.current_thread() is self._thread:
            raise RuntimeError(
                "a storage in an event loop cannot wait for a proxy of itself: pass a list, not a generator"
            )
        if not hasattr(self._local, "task"):
            self._local.task = LoopThread(self._loop)
        return cast(LoopThread, self._local.task)

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
