"""What URLs of the PostgreSQL backend open."""

from __future__ import annotations

from urllib.parse import unquote

from metacore.backends.schemes import Scheme


def embedded_path(url: str) -> str | None:
    """The directory of the server that an `embedded:` URL names; None for one that is gone at close."""
    return unquote(url.partition(":")[2].removeprefix("//")) or None


POSTGRESQL = Scheme(
    urls="postgresql://...",
    async_storage="metacore.postgres.storages.storage:PostgresStorage",
    blocking_storage="metacore.sync.postgres.storages.storage:PostgresStorage",
    is_deployed=lambda _: True,
    takes_pool=True,
)

EMBEDDED = Scheme(
    urls="embedded: or embedded:/path",
    async_storage="metacore.postgres.storages.embedded:EmbeddedStorage",
    blocking_storage="metacore.sync.postgres.storages.embedded:EmbeddedStorage",
    is_deployed=lambda url: embedded_path(url) is not None,
)
