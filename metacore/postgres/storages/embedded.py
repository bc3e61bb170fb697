"""The storage in a private PostgreSQL."""

from __future__ import annotations

from metacore._compat.aio import in_thread
from metacore.config import Settings
from metacore.domain.values.times import Clock
from metacore.postgres.backend import embedded_path
from metacore.postgres.client.autocommit_session import AutocommitSession
from metacore.postgres.client.pool import Pool
from metacore.postgres.embedded import EmbeddedPostgres
from metacore.postgres.schema.deployer import SchemaDeployer
from metacore.postgres.storages.storage import PostgresStorage


class EmbeddedStorage(PostgresStorage):
    """A `PostgresStorage` with a server of its own, started and deployed when it opens and stopped when it closes."""

    def __init__(self, url: str, settings: Settings | None = None, clock: Clock | None = None) -> None:
        super(PostgresStorage, self).__init__(AutocommitSession(EmbeddedPool(embedded_path(url), settings, clock)))


class EmbeddedPool(Pool):
    """Connections to a server that runs while they are open."""

    def __init__(self, path: str | None, settings: Settings | None, clock: Clock | None) -> None:
        super().__init__("", settings, clock)
        self._server = EmbeddedPostgres(path)

    async def open(self) -> None:
        await in_thread(self._start)
        await super().open()

    async def close(self) -> None:
        try:
            await super().close()
        finally:
            await in_thread(self._server.stop)

    def _start(self) -> None:
        self.url = self._server.start().url
        SchemaDeployer(self.url, self.schema).deploy()
