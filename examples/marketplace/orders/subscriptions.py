"""Who waits for what becomes of a purchase, and is notified as soon as it has moved."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import TypeAlias
from uuid import UUID

from marketplace.orders.purchase import Purchase

Updates: TypeAlias = asyncio.Queue[Purchase]


class Subscriptions:
    """Those who wait, by the id of what they wait for."""

    def __init__(self) -> None:
        self._waiting: dict[UUID, set[Updates]] = {}

    def notify(self, moved: Iterable[Purchase]) -> None:
        """Give these purchases to those who wait for them."""
        for purchase in moved:
            for updates in self._waiting.get(purchase.id, ()):
                updates.put_nowait(purchase)

    @contextmanager
    def to(self, purchase_id: UUID) -> Iterator[Updates]:
        """The purchase, each time that an event has moved it."""
        updates: Updates = asyncio.Queue()
        self._waiting.setdefault(purchase_id, set()).add(updates)
        try:
            yield updates
        finally:
            self._waiting[purchase_id].discard(updates)
            if not self._waiting[purchase_id]:
                del self._waiting[purchase_id]
