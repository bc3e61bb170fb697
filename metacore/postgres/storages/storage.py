"""The storage in PostgreSQL."""

from __future__ import annotations

from metacore.backends.bundles import BaseStorage
from metacore.config import Settings
from metacore.domain.values.times import Clock
from metacore.postgres.client.pool import Pool
from metacore.postgres.client.session import Session
from metacore.postgres.storages.transaction import PostgresTransaction


class PostgresStorage(BaseStorage):
    """`metacore.storage.storage.Storage` over PostgreSQL, through a pool of connections."""

    transaction_class = PostgresTransaction

    def __init__(self, url: str, settings: Settings | None = None, clock: Clock | None = None) -> None:
        super().__init__(Session(Pool(url, settings, clock)))
