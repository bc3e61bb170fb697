"""Proxies, which are blocking, of what is asynchronous."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import AbstractContextManager
from types import TracebackType
from typing import Any, Protocol, cast


class Caller(Protocol):
    """What a proxy calls by: an event loop that lives elsewhere."""

    def call(self, fn: Callable[..., Any], *args: Any, **kwargs: Any) -> Any: ...

    def call_soon(self, fn: Callable[[], Awaitable[Any]]) -> None: ...

    def callback(self, fn: Callable[..., Any]) -> Callable[..., Awaitable[Any]]: ...

    @property
    def is_calling(self) -> bool: ...


class BlockingProxy:
    """Something asynchronous in blocking style: a method returns what it is awaited for, an attribute is a proxy."""

    def __init__(self, runner: Caller, target: Any) -> None:
        self._runner = runner
        self._target = target

    def __getattr__(self, name: str) -> Any:
        value = getattr(self._target, name)
        if not callable(value):
            return BlockingProxy(self._runner, value)

        def call(*args: Any, **kwargs: Any) -> Any:
            return self._blocking(self._runner.call(value, *map(self._asynchronous, args), **kwargs))

        return call

    def _asynchronous(self, argument: Any) -> Any:
        if callable(argument) and not isinstance(argument, type):
            return self._runner.callback(argument)
        return target_of(argument)

    def _blocking(self, result: Any) -> Any:
        if result is self._target:
            return self
        if hasattr(result, "__aenter__"):
            return BlockingProxyContext(self._runner, result)
        return self._iterate(result) if isinstance(result, AsyncIterator) else result

    def _iterate(self, iterator: Any) -> Iterator[Any]:
        try:
            while True:
                try:
                    item = self._runner.call(iterator.__anext__)
                except StopAsyncIteration:
                    return
                yield item
        finally:
            if self._runner.is_calling:
                self._runner.call_soon(iterator.aclose)
            else:
                self._runner.call(iterator.aclose)

    def __enter__(self) -> Any:
        self._runner.call(self._target.__aenter__)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> bool | None:
        return cast(bool | None, self._runner.call(self._target.__aexit__, kind, error, traceback))


class BlockingProxyContext(AbstractContextManager[Any]):
    def __init__(self, runner: Caller, context: Any) -> None:
        self._runner = runner
        self._context = context

    def __enter__(self) -> Any:
        return BlockingProxy(self._runner, self._runner.call(self._context.__aenter__))

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> bool | None:
        return cast(bool | None, self._runner.call(self._context.__aexit__, kind, error, traceback))


def target_of(storage: Any) -> Any:
    """What `storage` is a proxy of; itself if it is none."""
    return storage._target if isinstance(storage, BlockingProxy) else storage
