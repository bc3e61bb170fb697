"""Archives in memory."""

from __future__ import annotations

from collections.abc import Sequence
from typing import final
from uuid import UUID

from metacore.domain.trading.archiving import ArchivePart, History, gone
from metacore.errors import NotFoundError
from metacore.memory.storages.session import Session
from metacore.storage.archives import ArchiveStorage


@final
class MemoryArchiveStorage(ArchiveStorage):
    """`metacore.storage.archives.ArchiveStorage` over dictionaries."""

    def __init__(self, session: Session) -> None:
        self._session = session

    async def take(self, history: History, digest: str) -> ArchivePart:
        user_id, now = history.user_id, self._session.now()
        async with self._session.write() as tables:
            if tables.users.get((user_id,)) is None:
                raise NotFoundError("user", user_id)
            orders = [
                order
                for archived in history.orders
                if (order := tables.orders.get((user_id, archived.id))) is not None
                and order.version == archived.version
            ]
            trades = [
                trade
                for archived in history.trades
                if (trade := tables.trades.get((user_id, archived.id))) is not None
                and trade.version == archived.version
            ]
            entries = [
                entry
                for archived in history.entries
                if (entry := tables.balance_entries.get((user_id, archived.asset, archived.seq))) is not None
            ]
            if conflict := gone(history, len(orders), len(trades), len(entries)):
                raise conflict
            for order in orders:
                tables.order_updates.delete(tables.order_updates.select("order", order.key))
            tables.orders.delete(orders)
            tables.trades.delete(trades)
            tables.balance_entries.delete(entries)
            last = tables.archives.group(user_id)
            part = ArchivePart.of(history, last[-1].number + 1 if last else 1, digest, now)
            tables.archives.put(part)
            return part

    async def list(self, user_id: UUID, after: int = 0) -> Sequence[ArchivePart]:
        with self._session.read() as tables:
            return tuple(part for part in tables.archives.group(user_id) if part.number > after)
