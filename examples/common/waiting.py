"""Waiting that ends with the system."""

from __future__ import annotations

import asyncio

_FIRST, _LONGEST = 0.05, 1.0


class Backoff:
    """Waits longer each time until it is reset, and no longer than until `stop` is set."""

    def __init__(self, stop: asyncio.Event) -> None:
        self._stop = stop
        self._seconds = _FIRST

    async def wait(self) -> bool:
        """Wait; whether to try again, which is no once the system ends."""
        seconds, self._seconds = self._seconds, min(2 * self._seconds, _LONGEST)
        try:
            async with asyncio.timeout(seconds):
                await self._stop.wait()
        except TimeoutError:
            return True
        return False

    def reset(self) -> None:
        """All is well again: the next wait is short."""
        self._seconds = _FIRST
