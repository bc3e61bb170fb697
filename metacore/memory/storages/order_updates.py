"""Order updates in memory."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import final
from uuid import UUID

from metacore.domain.trading.order_updates import NewOrderUpdate, OrderUpdate
from metacore.domain.trading.orders import OrderKey
from metacore.errors import NotFoundError
from metacore.memory.schema import Views
from metacore.memory.storages.session import Session
from metacore.storage.order_updates import OrderUpdateStorage


@final
class MemoryOrderUpdateStorage(OrderUpdateStorage):
    """`metacore.storage.order_updates.OrderUpdateStorage` over dictionaries."""

    def __init__(self, session: Session) -> None:
        self._session = session

    async def append(self, new: NewOrderUpdate) -> OrderUpdate:
        return (await self._append([new]))[0]

    async def append_many(self, updates: Iterable[NewOrderUpdate]) -> Sequence[OrderUpdate]:
        return await self._append(updates)

    async def list(self, user_id: UUID, order_id: UUID) -> Sequence[OrderUpdate]:
        with self._session.read() as tables:
            return tuple(tables.order_updates.select("order", (user_id, order_id)))

    async def _append(self, updates: Iterable[NewOrderUpdate]) -> Sequence[OrderUpdate]:
        new, now = list(updates), self._session.now()
        async with self._session.write() as tables:
            return insert_updates(tables, new, now)


def insert_updates(tables: Views, updates: Sequence[NewOrderUpdate], now: datetime) -> Sequence[OrderUpdate]:
    """Append `updates`, whose orders must exist, each with the next `seq` of its order."""
    seqs: dict[OrderKey, int] = {}
    for key in sorted({(new.user_id, new.order_id) for new in updates}):
        if tables.orders.get(key) is None:
            raise NotFoundError("order", key)
        last = tables.order_updates.last("order", key)
        seqs[key] = 0 if last is None else last.seq
    rows = []
    for new in updates:
        key = (new.user_id, new.order_id)
        seqs[key] += 1
        rows.append(OrderUpdate.recorded(new, seqs[key], now))
        tables.order_updates.put(rows[-1])
    return tuple(rows)
