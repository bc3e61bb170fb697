"""What URLs of the memory backend open."""

from __future__ import annotations

from metacore.backends.schemes import Scheme

MEMORY = Scheme(
    urls="memory://",
    async_storage="metacore.memory.storages.storage:MemoryStorage",
    blocking_storage="metacore.sync.memory.storages.storage:MemoryStorage",
)
