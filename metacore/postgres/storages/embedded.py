"""The storage in a private PostgreSQL."""

from __future__ import annotations

from typing import Self

from metacore._compat.aio import in_thread
from metacore.config import Settings
from metacore.domain.values.times import Clock
from metacore.postgres.embedded import EmbeddedPostgres
from metacore.postgres.schema import SchemaDeployer
from metacore.postgres.storages.storage import PostgresStorage


class EmbeddedStorage(PostgresStorage):
    """A `PostgresStorage` with a server of its own, started and deployed when it opens and stopped when it closes."""

    def __init__(self, path: str | None = None, settings: Settings | None = None, clock: Clock | None = None) -> None:
        super().__init__("", settings, clock)
        self._server = EmbeddedPostgres(path)

    async def close(self) -> None:
        try:
            await super().close()
        finally:
            await in_thread(self._server.stop)

    async def __aenter__(self) -> Self:
        try:
            await in_thread(self._start)
            return await super().__aenter__()
        except BaseException:
            await self.close()
            raise

    def _start(self) -> None:
        self._url = self._server.start().url
        SchemaDeployer(self._url, self._pool.schema).deploy()
