"""Archives in PostgreSQL."""

from __future__ import annotations

from collections.abc import Sequence
from typing import final
from uuid import UUID

from metacore.domain.trading.archiving import ArchivePart, History, gone
from metacore.errors import NotFoundError
from metacore.postgres.client.codecs import ARCHIVE_PART, ORDER, TRADE, of_user
from metacore.postgres.client.codecs import BALANCE_ENTRY as ENTRY
from metacore.postgres.client.session import Session, TransactionSession
from metacore.postgres.client.wire import Call
from metacore.postgres.statements import archives as statements
from metacore.postgres.statements.transactions import LOCK_USER_EXCLUSIVELY
from metacore.postgres.storages.turns import queue
from metacore.storage.archives import ArchiveStorage


@final
class PostgresArchiveStorage(ArchiveStorage):
    """`metacore.storage.archives.ArchiveStorage` over PostgreSQL."""

    def __init__(self, session: Session) -> None:
        self._session = session

    async def take(self, history: History, digest: str) -> ArchivePart:
        user_id, now = history.user_id, self._session.now()
        self._session.forget()

        async def take(tx: TransactionSession) -> ArchivePart:
            mine = {"user_id": str(user_id)}
            calls = [*queue(tx, [user_id], alone=True), (LOCK_USER_EXCLUSIVELY, mine), (statements.LAST, mine)]
            *_, users, last = await tx.pipeline("archives.take", calls)
            if not users:
                raise NotFoundError("user", user_id)
            taken = await tx.pipeline("archives.take", _deletions(history))
            if conflict := gone(history, *map(len, taken)):
                raise conflict
            part = ArchivePart.of(history, last[0][0] + 1 if last else 1, digest, now)
            await tx.finish("archives.take", [(statements.INSERT, ARCHIVE_PART.encode(part))], part)
            return part

        return await self._session.run(take)

    async def list(self, user_id: UUID, after: int = 0) -> Sequence[ArchivePart]:
        values = {"user_id": str(user_id), "after": str(after)}
        return ARCHIVE_PART.decode_all(await self._session.fetch(statements.LIST, values))


def _deletions(history: History) -> list[Call]:
    user_id = history.user_id
    return [
        (statements.DELETE_ORDERS, of_user(ORDER, user_id, history.orders, ("id", "version"))),
        (statements.DELETE_TRADES, of_user(TRADE, user_id, history.trades, ("id", "version"))),
        (statements.DELETE_ENTRIES, of_user(ENTRY, user_id, history.entries, ("asset", "seq"))),
    ]
