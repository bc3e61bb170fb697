# Made from metacore/postgres/storages/archives.py by `python tools/generate_sync.py`. Do not edit.
"""Archives in PostgreSQL."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import final
from uuid import UUID

from metacore.domain.trading.archiving import ArchivePart, History, gone
from metacore.domain.trading.orders import Order
from metacore.domain.trading.trades import Trade
from metacore.errors import NotFoundError
from metacore.postgres.client.call import Call, Row
from metacore.postgres.client.codecs import ARCHIVE_PART, to_array
from metacore.postgres.statements import archives as statements
from metacore.postgres.statements.transactions import CHECK_ORDERS, CHECK_TRADES, LOCK_USER_EXCLUSIVELY
from metacore.sync.postgres.client.session import Session
from metacore.sync.postgres.client.transaction_session import TransactionSession
from metacore.sync.postgres.storages.turns import queue
from metacore.sync.storage.archives import ArchiveStorage


@final
class PostgresArchiveStorage(ArchiveStorage):
    """`metacore.sync.storage.archives.ArchiveStorage` over PostgreSQL."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def take(self, history: History, digest: str) -> ArchivePart:
        user_id, now = history.user_id, self._session.now()
        self._session.forget()

        def take(tx: TransactionSession) -> ArchivePart:
            mine = {"user_id": str(user_id)}
            calls = [*queue(tx, [user_id], alone=True), (LOCK_USER_EXCLUSIVELY, mine), (statements.LAST, mine)]
            calls += [(CHECK_ORDERS, {**mine, "id": to_array(order.id for order in history.orders)})]
            calls += [(CHECK_TRADES, {**mine, "id": to_array(trade.id for trade in history.trades)})]
            *_, users, last, orders, trades = tx.pipeline("archives.take", calls)
            if not users:
                raise NotFoundError("user", user_id)
            found = _at_version(history.orders, orders), _at_version(history.trades, trades)
            if conflict := gone(history, *found, len(history.entries)):
                raise conflict
            taken = tx.pipeline("archives.take", _deletions(history))
            if conflict := gone(history, *found, sum(map(len, taken[sum(found) :]))):
                raise conflict
            part = ArchivePart.of(history, last[0][0] + 1 if last else 1, digest, now)
            tx.finish("archives.take", [(statements.INSERT, ARCHIVE_PART.encode(part))], part)
            return part

        return self._session.run(take)

    def list(self, user_id: UUID, after: int = 0) -> Sequence[ArchivePart]:
        values = {"user_id": str(user_id), "after": str(after)}
        return ARCHIVE_PART.decode_all(self._session.fetch(statements.LIST, values))


def _at_version(read_before: Iterable[Order | Trade], found: Iterable[Row]) -> int:
    """How many of the rows `read_before` are among those `found`, at the same version."""
    versions = {row_id: version for _, row_id, version in found}
    return sum(versions.get(row.id) == row.version for row in read_before)


def _deletions(history: History) -> list[Call]:
    mine = {"user_id": str(history.user_id)}
    calls: list[Call] = [(statements.DELETE_ORDER, {**mine, "id": str(order.id)}) for order in history.orders]
    calls += [(statements.DELETE_TRADE, {**mine, "id": str(trade.id)}) for trade in history.trades]
    entries = ({"asset": entry.asset, "seq": str(entry.seq)} for entry in history.entries)
    return [*calls, *((statements.DELETE_ENTRY, {**mine, **entry}) for entry in entries)]
