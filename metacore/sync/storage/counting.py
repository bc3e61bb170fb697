# Made from metacore/storage/counting.py by `python tools/generate_sync.py`. Do not edit.
"""Counts what storages do: each call of a public operation once, and those that raise."""

from __future__ import annotations

import inspect
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import wraps
from typing import Any, TypeVar

Operation = TypeVar("Operation", bound=Callable[..., Any])

_COUNT_THEMSELVES = frozenset({"trades.stream", "users.get_by_api_key", "users.set_credentials"})
"""A stream works after its call has returned; and the frame of a wrapper would keep the secrets that were given."""


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


def counted(name: str) -> Callable[[Operation], Operation]:
    """Make a method that asks a session count as `name` in its counters."""

    def decorate(method: Operation) -> Operation:
        @wraps(method)
        def operation(self: Any, *args: Any, **kwargs: Any) -> Any:
            counters: Counters = self._session.counters
            with counters.counting(name):
                return method(self, *args, **kwargs)

        return operation  # type: ignore[return-value]

    return decorate


def count_operations(**storages: type) -> None:
    """Make the public methods of each of `storages`, given by its name, count as `<storage>.<method>`."""
    for storage, kind in storages.items():
        for method, function in inspect.getmembers(kind, inspect.isfunction):
            name = f"{storage}.{method}"
            if not method.startswith("_") and name not in _COUNT_THEMSELVES:
                setattr(kind, method, counted(name)(function))
