# Made from metacore/backends/counting.py by `python tools/generate_sync.py`. Do not edit.
"""Counts what storages do: each call of a public operation once, its arguments checked, and those that raise."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from functools import partial, wraps
from threading import Lock
from typing import Any, TypeVar, get_origin

from metacore.backends.arguments import Arguments
from metacore.storage.stats import Latency
from metacore.sync.backends.operations import WholeOperation
from metacore.sync.backends.streams import streamed
from metacore.sync.storage.streams import pages_of
from metacore.watching import Watcher

Operation = TypeVar("Operation", bound=Callable[..., Any])


class Counters:
    """How many operations there were, and how many of them raised, by name."""

    def __init__(self) -> None:
        self.operations: Counter[str] = Counter()
        self.errors: Counter[str] = Counter()
        self.retries: Counter[str] = Counter()
        self._times: dict[str, list[float]] = {}
        self._mutex = Lock()
        self.watcher: Watcher | None = None
        """Who is told besides, while the storage is open."""

    def begin(self, name: str) -> Any:
        """Count that an operation begins; its span, if anybody is told."""
        self.operations[name] += 1
        return None if self.watcher is None else self.watcher.begin(name)

    def end(self, name: str, span: Any, seconds: float, error: BaseException | None = None) -> None:
        """Count that an operation has ended, which took so long, and whether it raised."""
        with self._mutex:
            times = self._times.get(name)
            if times is None:
                times = self._times[name] = [0, 0.0, 0.0]
            times[0] += 1
            times[1] += seconds
            if seconds > times[2]:
                times[2] = seconds
            if isinstance(error, Exception):
                self.errors[name] += 1
        if self.watcher is not None:
            # A stream that its reader has left has not failed.
            self.watcher.end(span, name, seconds, None if isinstance(error, GeneratorExit) else error)

    def latencies(self) -> dict[str, Latency]:
        """How long operations took, by name."""
        with self._mutex:
            return {name: Latency(int(count), total, longest) for name, (count, total, longest) in self._times.items()}

    def note_retry(self, error: Exception) -> None:
        """Count that something is tried again because of `error`."""
        self.retries[type(error).__name__] += 1
        if self.watcher is not None:
            self.watcher.tell_retry(type(error).__name__)


def counts_itself(method: Operation) -> Operation:
    """Mark a method that is an `operation` of its session by its own words.

    A stream works after its call has returned; and the frame of a wrapper would keep the secrets that were given.
    """
    vars(method)["counts_itself"] = True
    return method


def counted(storage: str, kind: type, methods: Mapping[str, Callable[..., Any]]) -> type:
    """A class like `kind`, of which a call of one of `methods`, as the protocol declares them, is the operation
    `<storage>.<method>` of its session.
    """
    operations = {}
    for method, declared in methods.items():
        function, arguments = getattr(kind, method), Arguments(declared)
        if function is declared and (pages := pages_of(declared)) is not None:
            operations[method] = _stream(_pages(f"{storage}.{method}", declared, getattr(kind, pages)), arguments)
        elif not hasattr(function, "counts_itself"):
            operations[method] = _operation(f"{storage}.{method}", function, arguments)
        elif get_origin(arguments.returned) is Iterator:
            operations[method] = _stream(function, arguments)
    return type(kind.__name__, (kind,), {"__doc__": kind.__doc__, "__module__": kind.__module__, **operations})


def _operation(name: str, method: Callable[..., Any], arguments: Arguments) -> Callable[..., Any]:
    @wraps(method)
    def wrapper(self: Any, *args: Any, **kwargs: Any) -> Any:
        operation = WholeOperation(self._session, name)
        try:
            if kwargs or (*map(type, args),) not in arguments.passing:
                args = arguments.checked(args, kwargs)
            if (names := self._session.normal_names) is not None:
                args = arguments.normal(args, kwargs, names)
            result = method(self, *args, **kwargs)
        except BaseException as error:
            operation.fail(error)
            raise
        operation.end()
        return result

    return wrapper


def _pages(name: str, declared: Callable[..., Any], read: Callable[..., Any]) -> Callable[..., Any]:
    @wraps(declared)
    def stream(self: Any, *args: Any, **kwargs: Any) -> Any:
        return streamed(self._session, name, partial(read, self, *args, **kwargs))

    return stream


def _stream(method: Callable[..., Any], arguments: Arguments) -> Callable[..., Any]:
    @wraps(method)
    def stream(self: Any, *args: Any, **kwargs: Any) -> Any:
        return method(self, *arguments.checked(args, kwargs), **kwargs)

    return stream
