"""One execution for all tasks that ask for the same; `metacore._compat.flights_blocking` has the same name."""

import asyncio
from collections.abc import Callable, Hashable
from typing import Generic, TypeVar

from metacore._compat.aio import Eventual

__all__ = ["SingleFlight"]

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")


class _Flight(Generic[V]):
    __slots__ = ("error", "landed", "value")

    def __init__(self) -> None:
        self.landed = asyncio.Event()
        self.value: tuple[V] | None = None
        self.error: Exception | None = None


class SingleFlight(Generic[K, V]):
    """Concurrent calls with the same key share one execution."""

    __slots__ = ("_flights",)

    def __init__(self) -> None:
        self._flights: dict[K, _Flight[V]] = {}

    async def run(self, key: K, fn: Callable[[], Eventual[V]]) -> V:
        """The result of `fn()`, or of the call with this `key` that is under way already; its error is everybody's.

        When the task that executes is cancelled, one of those that wait executes its own `fn` in its place.
        Nothing is kept once the call has ended. `fn` must not run the same key.
        """
        while (flight := self._flights.get(key)) is not None:
            await flight.landed.wait()
            if flight.error is not None:
                raise flight.error
            if flight.value is not None:
                return flight.value[0]
        flight = self._flights[key] = _Flight()
        try:
            value = await fn()
            flight.value = (value,)
        except Exception as error:
            flight.error = error
            raise
        else:
            return value
        finally:
            del self._flights[key]
            flight.landed.set()
