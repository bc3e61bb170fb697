"""One execution for all threads that ask for the same; `metacore._compat.flights_aio` has the same name."""

import threading
from collections.abc import Callable, Hashable
from typing import Generic, TypeVar

from metacore._compat.blocking import Eventual

__all__ = ["SingleFlight"]

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")


class _Flight(Generic[V]):
    __slots__ = ("error", "landed", "value")

    def __init__(self) -> None:
        self.landed = threading.Event()
        self.value: tuple[V] | None = None
        self.error: Exception | None = None


class SingleFlight(Generic[K, V]):
    """Concurrent calls with the same key share one execution."""

    __slots__ = ("_flights", "_lock")

    def __init__(self) -> None:
        self._flights: dict[K, _Flight[V]] = {}
        self._lock = threading.Lock()

    def run(self, key: K, fn: Callable[[], Eventual[V]]) -> V:
        """The result of `fn()`, or of the call with this `key` that is under way already; its error is everybody's.

        When the thread that executes is interrupted (KeyboardInterrupt, SystemExit), one of those that wait executes
        its own `fn` in its place. Nothing is kept once the call has ended. `fn` must not run the same key.
        """
        while (flight := self._board(key)) is not None:
            flight.landed.wait()
            if flight.error is not None:
                raise flight.error
            if flight.value is not None:
                return flight.value[0]
        flight = self._flights[key]
        try:
            value = fn()
            flight.value = (value,)
        except Exception as error:
            flight.error = error
            raise
        else:
            return value
        finally:
            del self._flights[key]
            flight.landed.set()

    def _board(self, key: K) -> _Flight[V] | None:
        """The flight under way; None when the caller has to fly the one that is now registered."""
        with self._lock:
            flight = self._flights.get(key)
            if flight is None:
                self._flights[key] = _Flight()
            return flight
