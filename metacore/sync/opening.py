# Made from metacore/opening.py by `python tools/generate_sync.py`. Do not edit.
"""Opening a storage by its URL."""

from __future__ import annotations

import os
from urllib.parse import unquote

from pydantic import ValidationError

from metacore.config import Settings
from metacore.domain.values.times import Clock
from metacore.errors import ConfigurationError, MetacoreError, bare
from metacore.sync.storage.storage import Storage

_SCHEMES = "postgresql://..., memory://, embedded: or embedded:/path"


def connect(url: str | None = None, *, settings: Settings | None = None, clock: Clock | None = None) -> Storage:
    """The storage that `url` names, to be opened by `with`.

    `postgresql://...` (anything that libpq takes) is a server whose schema was deployed before; `memory://` lives in
    this process; `embedded:` is a private PostgreSQL, gone at close, and `embedded:/path` one that stays there: both
    deploy the schema by themselves. Without `url`, the variable METACORE_URL names it. `settings` default to the
    METACORE_... variables; `clock` stamps `created_at` and `updated_at`. ConfigurationError for a URL that is
    missing, malformed or of another scheme.
    """
    try:
        return _connect(url or os.environ.get("METACORE_URL"), settings, clock)
    except (MetacoreError, ValidationError) as error:
        failure = error
    del url
    raise bare(failure)


def _connect(url: str | None, settings: Settings | None, clock: Clock | None) -> Storage:
    if not url:
        raise ConfigurationError(
            f"no storage named: pass a url to connect(), or set METACORE_URL, to {_SCHEMES}", setting="url"
        )
    scheme, _, rest = url.partition(":")
    if scheme in ("postgresql", "postgres"):
        from metacore.sync.postgres.storages.storage import PostgresStorage

        return PostgresStorage(url, settings, clock)
    if scheme == "memory" and rest in ("", "//"):
        from metacore.sync.memory.storages.storage import MemoryStorage

        return MemoryStorage(settings, clock)
    if scheme == "embedded":
        from metacore.sync.postgres.storages.embedded import EmbeddedStorage

        return EmbeddedStorage(unquote(rest.removeprefix("//")) or None, settings, clock)
    raise ConfigurationError(f"the URL names no storage that Metacore knows: use {_SCHEMES}", setting="url")
