# Made from metacore/backends/counting.py by `python tools/generate_sync.py`. Do not edit.
"""Counts what storages do: each call of a public operation once, its arguments checked, and those that raise."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import wraps
from typing import Any, TypeVar, get_origin

from metacore.backends.arguments import Arguments
from metacore.errors import MetacoreError

Operation = TypeVar("Operation", bound=Callable[..., Any])


class Counters:
    """How many operations there were, and how many of them raised, by name."""

    def __init__(self) -> None:
        self.operations: Counter[str] = Counter()
        self.errors: Counter[str] = Counter()

    @contextmanager
    def counting(self, name: str) -> Iterator[None]:
        """Count one operation."""
        self.operations[name] += 1
        try:
            yield
        except Exception:
            self.errors[name] += 1
            raise


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
        if not hasattr(function, "counts_itself"):
            operations[method] = _operation(f"{storage}.{method}", function, arguments)
        elif get_origin(arguments.returned) is Iterator:
            operations[method] = _stream(function, arguments)
    return type(kind.__name__, (kind,), {"__doc__": kind.__doc__, "__module__": kind.__module__, **operations})


def _operation(name: str, method: Callable[..., Any], arguments: Arguments) -> Callable[..., Any]:
    @wraps(method)
    def operation(self: Any, *args: Any, **kwargs: Any) -> Any:
        try:
            with self._session.operation(name):
                args = arguments.checked(args, kwargs)
                if (names := self._session.normal_names) is not None:
                    args = arguments.normal(args, kwargs, names)
                return method(self, *args, **kwargs)
        except MetacoreError:
            self._session.enforce_doom()
            raise

    return operation


def _stream(method: Callable[..., Any], arguments: Arguments) -> Callable[..., Any]:
    @wraps(method)
    def stream(self: Any, *args: Any, **kwargs: Any) -> Any:
        return method(self, *arguments.checked(args, kwargs), **kwargs)

    return stream
