"""Cancels tasks where they wait, and looks whether every connection comes back."""

import asyncio
from collections.abc import Awaitable, Callable, Generator
from typing import Any

import psycopg
import pytest

from metacore import Storage


class CancelledAt:
    """Awaits what is awaitable, and cancels its task when that waits for the nth time."""

    def __init__(self, awaitable: Awaitable[Any], nth: int) -> None:
        self.awaitable, self.nth, self.waits = awaitable, nth, 0

    async def run(self) -> Any:
        """What the awaitable gives."""
        return await self

    def __await__(self) -> Generator[Any, Any, Any]:
        inner = self.awaitable.__await__()
        step: Callable[[], Any] = lambda: inner.send(None)  # noqa: E731
        while True:
            try:
                awaited = step()
            except StopIteration as stop:
                return stop.value
            self.waits += 1
            if self.waits == self.nth:
                task = asyncio.current_task()
                assert task is not None
                task.cancel()
            try:
                yield awaited
            except BaseException as error:  # noqa: BLE001 - it goes on inside
                step = lambda error=error: inner.throw(error)  # noqa: E731
            else:
                step = lambda: inner.send(None)  # noqa: E731


async def expect_every_connection_back(storage: Storage) -> None:
    pool: Any = None
    for _ in range(1000):
        pool = storage.stats().pool
        if pool is None or (pool["pool_size"] == pool["pool_available"] and not pool["requests_waiting"]):
            return
        await asyncio.sleep(0.01)
    pytest.fail(f"a connection is not back: {pool}")


def expect_idle_sessions(url: str, name: str, most: int) -> None:
    """The server has at most that many sessions of the application `name`, and none of them does anything."""
    query = "SELECT state FROM pg_stat_activity WHERE application_name = %s"
    with psycopg.connect(url, autocommit=True) as connection:
        for _ in range(1000):
            states = [state for (state,) in connection.execute(query, [name])]
            if len(states) <= most and set(states) <= {"idle"}:
                return
            connection.execute("SELECT pg_sleep(0.01)")
    pytest.fail(f"sessions are left: {states}")
