"""A transaction in PostgreSQL."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from metacore._compat.psycopg_aio import Connection
from metacore.backends.bundles import BaseTransaction
from metacore.domain.trading.balances import Balance, BalanceKey
from metacore.domain.trading.decisions import Changes, Loaded, Selection
from metacore.postgres.client.transaction_session import TransactionSession
from metacore.postgres.storages.transaction_load import load
from metacore.postgres.storages.transaction_save import save


class PostgresTransaction(BaseTransaction):
    """`metacore.storage.storage.Transaction` over PostgreSQL."""

    package = "metacore.postgres.storages"
    _session: TransactionSession

    @property
    def connection(self) -> Connection[Any]:
        return self._session.share()

    async def _load(self, selection: Selection) -> Loaded:
        return await load(self._session, selection)

    async def _save(
        self, changes: Changes, others: Iterator[Changes] | None, last: bool
    ) -> Mapping[BalanceKey, Balance]:
        return await save(self._session, changes, others, last)
