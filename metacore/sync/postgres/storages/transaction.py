# Made from metacore/postgres/storages/transaction.py by `python tools/generate_sync.py`. Do not edit.
"""A transaction in PostgreSQL."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from metacore._compat.psycopg_blocking import Connection
from metacore.domain.trading.balances import Balance, BalanceKey
from metacore.domain.trading.decisions import Changes, Loaded, Selection
from metacore.sync.backends.bundles import BaseTransaction
from metacore.sync.postgres.client.transaction_session import TransactionSession
from metacore.sync.postgres.storages.transaction_load import load
from metacore.sync.postgres.storages.transaction_save import save


class PostgresTransaction(BaseTransaction):
    """`metacore.sync.storage.storage.Transaction` over PostgreSQL."""

    package = "metacore.sync.postgres.storages"
    _session: TransactionSession

    @property
    def connection(self) -> Connection[Any]:
        return self._session.share()

    def _load(self, selection: Selection) -> Loaded:
        return load(self._session, selection)

    def _save(self, changes: Changes, others: Iterator[Changes] | None, last: bool) -> Mapping[BalanceKey, Balance]:
        return save(self._session, changes, others, last)
