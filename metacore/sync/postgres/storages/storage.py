# Made from metacore/postgres/storages/storage.py by `python tools/generate_sync.py`. Do not edit.
"""The storage in PostgreSQL."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from types import TracebackType
from typing import Self, TypeVar

from metacore._compat.blocking import Eventual, retry
from metacore.config import Settings
from metacore.domain.values.times import Clock
from metacore.errors import MetacoreError, RetryableError, StorageUnavailableError, bare
from metacore.postgres.client.connections import parse_url
from metacore.postgres.client.statement import Statement
from metacore.storage.stats import Stats
from metacore.sync.postgres.client.pool import Pool
from metacore.sync.postgres.client.session import Session
from metacore.sync.postgres.storages.transaction import PostgresStorages
from metacore.sync.storage.counting import counted
from metacore.sync.storage.storage import Transaction

T = TypeVar("T")

_PING = Statement("ping", "SELECT 1")


class PostgresStorage(PostgresStorages):
    """`metacore.sync.storage.storage.Storage` over PostgreSQL, through a pool of connections."""

    def __init__(self, url: str, settings: Settings | None = None, clock: Clock | None = None) -> None:
        parse_url(url)
        self._url = url
        self._pool = Pool(settings or Settings(), clock or _utc_now)
        self._opened = False
        super().__init__(Session(self._pool))

    def run(self, fn: Callable[[Transaction], Eventual[T]], attempts: int = 5) -> T:
        def attempt() -> T:
            with self.transaction() as tx:
                return fn(tx)

        return retry(attempt, attempts=attempts, on=RetryableError, base=0.01, limit=1)

    @counted("ping")
    def ping(self) -> None:
        self._session.fetch(_PING, {})

    def stats(self) -> Stats:
        return Stats(dict(self._pool.counters.operations), dict(self._pool.counters.errors), self._pool.figures())

    def close(self) -> None:
        self._pool.close()

    def __enter__(self) -> Self:
        if self._opened:
            raise StorageUnavailableError("a storage opens once; call connect() again for another one")
        self._opened = True
        try:
            self._pool.open(self._url)
        except MetacoreError as error:
            failure = error
        else:
            return self
        raise bare(failure)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()


def _utc_now() -> datetime:
    return datetime.now(UTC)
