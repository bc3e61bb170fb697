"""Whether something happens in a service."""

from __future__ import annotations

import asyncio
import time

_LIVELY_FOR = 5.0


class Activity:
    """What happens in a service: whoever is to act on it looks at once, and more often for a while."""

    def __init__(self) -> None:
        self._lively_until = 0.0
        self._appended = asyncio.Event()

    @property
    def is_lively(self) -> bool:
        """Whether something has happened a moment ago."""
        return time.monotonic() < self._lively_until

    def note(self) -> None:
        """Something happens."""
        self._lively_until = time.monotonic() + _LIVELY_FOR

    def appended(self) -> None:
        """Events were appended, and are to be published."""
        self.note()
        self._appended.set()

    async def until_appended(self) -> None:
        """Wait until events are appended."""
        await self._appended.wait()
        self._appended.clear()
