"""Spans and metrics by OpenTelemetry, where opentelemetry-api is installed; where it is not, nothing.

What is told are names: of operations, backends, errors and outcomes. No value of an argument, a row or a setting is.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import cache
from importlib import import_module
from threading import Lock
from typing import Any, Protocol
from weakref import WeakSet

NAME = "metacore"


class HasPool(Protocol):
    """What has a connection pool, perhaps."""

    def figures(self) -> Mapping[str, int] | None:
        """The figures of the pool, None without one."""
        ...


class Watcher:
    """Tells of the operations of the storages of one backend."""

    def __init__(self, instruments: Instruments, backend: str) -> None:
        self._instruments = instruments
        self._attributes = {"db.system.name": backend}

    def begin(self, operation: str) -> Any:
        """A span of `operation`, within the one that the caller is in."""
        attributes = {**self._attributes, "db.operation.name": operation}
        return self._instruments.tracer.start_span(
            operation, kind=self._instruments.kind, attributes=attributes, record_exception=False
        )

    def end(self, span: Any, operation: str, seconds: float, error: BaseException | None) -> None:
        """End the `span` of an operation that took `seconds`, and raised `error` if it did."""
        attributes = {**self._attributes, "db.operation.name": operation}
        if error is not None:
            attributes["error.type"] = type(error).__name__
            span.set_attribute("error.type", attributes["error.type"])
            span.set_status(self._instruments.failed)
        span.end()
        self._instruments.durations.record(seconds, attributes)

    def tell_retry(self, error: str) -> None:
        """Tell that something is tried again, because of an error of this class."""
        self._instruments.retries.add(1, {**self._attributes, "error.type": error})

    def watch_pool(self, owner: HasPool) -> None:
        """Tell of the figures of a pool as long as its `owner` lives."""
        self._instruments.watch_pool(owner)


class Instruments:
    """What OpenTelemetry gives, once for the process: its providers may be set before or after."""

    def __init__(self) -> None:
        metrics: Any = import_module("opentelemetry.metrics")
        trace: Any = import_module("opentelemetry.trace")
        self.tracer = trace.get_tracer(NAME)
        self.kind = trace.SpanKind.CLIENT
        self.failed = trace.StatusCode.ERROR
        self._pools: WeakSet[HasPool] = WeakSet()
        self._mutex = Lock()
        self._observation = metrics.Observation
        meter = metrics.get_meter(NAME)
        self.durations = meter.create_histogram(
            "db.client.operation.duration", "s", "How long operations of storages took."
        )
        self.retries = meter.create_counter("metacore.retries", "{call}", "What was tried again, by the error before.")
        self.outcomes = meter.create_counter("metacore.outcomes", "{result}", "What became of what services were told.")
        meter.create_observable_up_down_counter(
            "db.client.connection.count", [self._connections], "{connection}", "Connections of the pools, by state."
        )
        meter.create_observable_up_down_counter(
            "db.client.connection.pending_requests", [self._waiting], "{request}", "Who waits for a connection."
        )

    def watch_pool(self, owner: HasPool) -> None:
        """Tell of the figures of a pool as long as its `owner` lives."""
        with self._mutex:
            self._pools.add(owner)

    def _connections(self, _: object) -> Iterable[Any]:
        idle = self._sum("pool_available")
        yield self._observation(idle, {"db.client.connection.state": "idle"})
        yield self._observation(self._sum("pool_size") - idle, {"db.client.connection.state": "used"})

    def _waiting(self, _: object) -> Iterable[Any]:
        yield self._observation(self._sum("requests_waiting"))

    def _sum(self, figure: str) -> int:
        with self._mutex:
            owners = list(self._pools)
        return sum((owner.figures() or {}).get(figure, 0) for owner in owners)


@cache
def _instruments() -> Instruments | None:
    try:
        return Instruments()
    except ImportError:
        return None


def watch(backend: str) -> Watcher | None:
    """Who tells of the storages of `backend`; None where opentelemetry-api is not installed."""
    instruments = _instruments()
    return None if instruments is None else Watcher(instruments, backend)


def tell_outcomes(command: str, results: object) -> None:
    """Tell what became of what a service was told by `command`: each result that has an `outcome`."""
    instruments = _instruments()
    if instruments is None:
        return
    for result in results if isinstance(results, tuple | list) else (results,):
        if (outcome := getattr(result, "outcome", None)) is not None:
            instruments.outcomes.add(1, {"metacore.command": command, "metacore.outcome": str(outcome)})
