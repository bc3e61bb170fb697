"""Threads that use an event loop, each by a task of its own there."""

from __future__ import annotations

import asyncio
import queue
from collections.abc import Awaitable, Callable
from enum import Enum, auto
from typing import Any

PATIENCE = 120
"""Seconds after which an operation is taken to hang."""


class Kind(Enum):
    CALL = auto()
    CALLBACK = auto()
    RESULT = auto()
    ERROR = auto()
    END = auto()


Message = tuple[Kind, Any]


class LoopThread:
    """A thread and a task that take turns, so that what the one does blocking the other does awaiting.

    The thread sends a call and waits; the task answers with its result or error, or asks for a callback first. During
    a callback the thread may send calls again.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self.is_calling = False
        self._loop = loop
        self._to_task: asyncio.Queue[Message] = asyncio.Queue()
        self._to_thread: queue.SimpleQueue[Message] = queue.SimpleQueue()
        self._task = asyncio.run_coroutine_threadsafe(self._serve(), loop)

    def call(self, fn: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        self.is_calling = True
        try:
            self._send(Kind.CALL, (fn, args, kwargs))
            while True:
                kind, value = self._to_thread.get(timeout=PATIENCE)
                if kind is Kind.RESULT:
                    return value
                if kind is Kind.ERROR:
                    raise value
                self._send(*self._answer(*value))
        finally:
            self.is_calling = False

    def _answer(self, callback: Callable[..., Any], values: list[Any]) -> Message:
        self.is_calling = False
        try:
            return Kind.RESULT, callback(*values)
        except BaseException as error:  # noqa: BLE001 - it is raised in the task
            return Kind.ERROR, error
        finally:
            self.is_calling = True

    async def call_back(self, fn: Callable[..., Any], values: list[Any]) -> Any:
        """What `fn` returns, called in the thread while the task waits."""
        self._to_thread.put((Kind.CALLBACK, (fn, values)))
        kind, value = await self._serve()
        if kind is Kind.ERROR:
            raise value
        return value

    def end(self) -> None:
        self._send(Kind.END, None)
        self._task.result(PATIENCE)

    def _send(self, kind: Kind, value: Any) -> None:
        self._loop.call_soon_threadsafe(self._to_task.put_nowait, (kind, value))

    async def _serve(self) -> Message:
        """Do what is called for until the message that is no call."""
        while True:
            kind, value = await self._to_task.get()
            if kind is not Kind.CALL:
                return kind, value
            fn, args, kwargs = value
            try:
                result = fn(*args, **kwargs)
                if isinstance(result, Awaitable):
                    result = await result
            except asyncio.CancelledError as error:
                self._to_thread.put((Kind.ERROR, error))
                raise
            except BaseException as error:  # noqa: BLE001 - it is raised in the thread
                self._to_thread.put((Kind.ERROR, error))
            else:
                self._to_thread.put((Kind.RESULT, result))
