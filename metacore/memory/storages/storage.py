"""The storage in memory."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from types import TracebackType
from typing import Self, TypeVar

from metacore._compat.aio import Eventual, retry
from metacore.config import Settings
from metacore.crypto.keys import Keys
from metacore.domain.values.times import Clock
from metacore.errors import RetryableError, StorageUnavailableError
from metacore.memory.storages.session import Session, Store
from metacore.memory.storages.transaction import MemoryStorages
from metacore.storage.counting import counted
from metacore.storage.stats import Stats
from metacore.storage.storage import Transaction

T = TypeVar("T")


class MemoryStorage(MemoryStorages):
    """`metacore.storage.storage.Storage` over dictionaries: empty at first, gone at the end.

    Write transactions run one at a time, waiting `lock_timeout` for each other; readers see the last commit. It lives
    in one event loop (blocking: process).
    """

    def __init__(self, settings: Settings | None = None, clock: Clock | None = None) -> None:
        settings = settings or Settings()
        keys = Keys(settings.encryption_keys, settings.encryption_keys_max_age)
        self._store = Store(clock or _utc_now, settings.lock_timeout, keys)
        super().__init__(Session(self._store))

    async def run(self, fn: Callable[[Transaction], Eventual[T]], attempts: int = 5) -> T:
        async def attempt() -> T:
            async with self.transaction() as tx:
                return await fn(tx)

        return await retry(attempt, attempts=attempts, on=RetryableError, base=0.01, limit=1)

    @counted("ping")
    async def ping(self) -> None:
        self._store.check()

    def stats(self) -> Stats:
        return Stats(dict(self._store.counters.operations), dict(self._store.counters.errors))

    async def close(self) -> None:
        self._store.is_open = False

    async def __aenter__(self) -> Self:
        if self._store.is_open or self._store.was_open:
            raise StorageUnavailableError("a storage opens once; call connect() again for another one")
        self._store.open()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self.close()


def _utc_now() -> datetime:
    return datetime.now(UTC)
