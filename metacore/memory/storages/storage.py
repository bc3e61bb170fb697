"""The storage in memory."""

from __future__ import annotations

from metacore.backends.bundles import BaseStorage
from metacore.backends.schemes import unknown_url
from metacore.config import Settings
from metacore.domain.values.times import Clock
from metacore.memory.storages.session import AutocommitSession, Store
from metacore.memory.storages.transaction import MemoryTransaction


class MemoryStorage(BaseStorage):
    """`metacore.storage.storage.Storage` over dictionaries: empty at first, gone at the end.

    Write transactions run one at a time, waiting `lock_timeout` for each other; readers see the last commit. It lives
    in one event loop (blocking: process).
    """

    transaction_class = MemoryTransaction

    def __init__(self, url: str = "memory://", settings: Settings | None = None, clock: Clock | None = None) -> None:
        if url.partition(":")[2] not in ("", "//"):
            raise unknown_url()
        super().__init__(AutocommitSession(Store(settings, clock)))
