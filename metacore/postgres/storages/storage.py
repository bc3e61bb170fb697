"""The storage in PostgreSQL."""

from __future__ import annotations

from typing import Any

from metacore._compat.psycopg_aio import Connection, ConnectionPool
from metacore.backends.bundles import BaseStorage
from metacore.config import Settings
from metacore.domain.values.times import Clock
from metacore.postgres.client.autocommit_session import AutocommitSession
from metacore.postgres.client.bound import BoundSession
from metacore.postgres.client.pool import Pool
from metacore.postgres.storages.transaction import PostgresTransaction
from metacore.storage.storage import Transaction


class PostgresStorage(BaseStorage):
    """`metacore.storage.storage.Storage` over PostgreSQL, through a pool of connections."""

    transaction_class = PostgresTransaction
    _resources: Pool

    def __init__(
        self,
        url: str,
        settings: Settings | None = None,
        clock: Clock | None = None,
        pool: ConnectionPool[Any] | None = None,
    ) -> None:
        super().__init__(AutocommitSession(Pool(url, settings, clock, pool)))

    def bind(self, connection: Connection[Any]) -> Transaction:
        self._resources.check()
        return self._bound(BoundSession(self._resources, connection))
