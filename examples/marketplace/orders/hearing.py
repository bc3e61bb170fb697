"""Waiting for what becomes of a purchase: whoever waits is told of it as soon as it has moved."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import TypeAlias
from uuid import UUID

from marketplace.orders.purchase import Purchase

Heard: TypeAlias = asyncio.Queue[Purchase]


class Hearing:
    """Those who wait, by the id of what they wait for."""

    def __init__(self) -> None:
        self._waiting: dict[UUID, set[Heard]] = {}

    def tell(self, moved: Iterable[Purchase]) -> None:
        """Tell those who wait for these purchases."""
        for purchase in moved:
            for heard in self._waiting.get(purchase.id, ()):
                heard.put_nowait(purchase)

    @contextmanager
    def of(self, purchase_id: UUID) -> Iterator[Heard]:
        """The purchase, each time that an event has moved it."""
        heard: Heard = asyncio.Queue()
        self._waiting.setdefault(purchase_id, set()).add(heard)
        try:
            yield heard
        finally:
            self._waiting[purchase_id].discard(heard)
            if not self._waiting[purchase_id]:
                del self._waiting[purchase_id]
