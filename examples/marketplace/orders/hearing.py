"""Waiting for what becomes of a purchase: whoever waits is woken by the events of it that have taken effect."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager

from metacore import Event


class Hearing:
    """Those who wait, by the key of what they wait for."""

    def __init__(self) -> None:
        self._waiting: dict[str, set[asyncio.Event]] = {}

    def tell(self, event: Event) -> None:
        """Wake those who wait for something to happen to the event's key."""
        for waiting in self._waiting.get(event.key, ()):
            waiting.set()

    @contextmanager
    def of(self, key: str) -> Iterator[asyncio.Event]:
        """An event that is set whenever something has happened to the key."""
        waiting = asyncio.Event()
        self._waiting.setdefault(key, set()).add(waiting)
        try:
            yield waiting
        finally:
            self._waiting[key].discard(waiting)
            if not self._waiting[key]:
                del self._waiting[key]
