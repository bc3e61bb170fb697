"""Opening a storage by its URL."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from pydantic import ValidationError

from metacore.backends.schemes import installed, make_storage, require_scheme
from metacore.config import Settings
from metacore.domain.values.times import Clock
from metacore.errors import ConfigurationError, MetacoreError, bare
from metacore.storage.storage import Storage

if TYPE_CHECKING:
    from metacore._compat.psycopg_aio import ConnectionPool

_POOLED = "postgresql://"
"""What is opened where a pool is handed in without a URL."""


def connect(
    url: str | None = None,
    *,
    settings: Settings | None = None,
    clock: Clock | None = None,
    pool: ConnectionPool[Any] | None = None,
) -> Storage:
    """The storage that `url` names, to be opened by `async with`, or by `open`.

    `postgresql://...` (anything that libpq takes) is a server whose schema was deployed before; `memory://` lives in
    this process; `embedded:` is a private PostgreSQL, gone at close, and `embedded:/path` one that stays there: both
    deploy the schema by themselves. Other installed packages may have schemes of their own. Without `url`, the
    variable METACORE_URL names it. `settings` default to the METACORE_... variables; `clock` stamps `created_at` and
    `updated_at`. ConfigurationError for a URL that is missing, malformed or of no scheme that is installed.

    With `pool`, an open one of psycopg_pool's, no URL is needed: its connections are used, and it is never closed. What
    the storage asks of a session goes with each BEGIN there, and ends with the transaction.
    """
    try:
        return _connect(url or (os.environ.get("METACORE_URL") if pool is None else _POOLED), settings, clock, pool)
    except (MetacoreError, ValidationError) as error:
        failure = error
    del url
    raise bare(failure)


def _connect(url: str | None, settings: Settings | None, clock: Clock | None, pool: object) -> Storage:
    if not url:
        raise ConfigurationError(
            f"no storage named: pass a url to connect(), or set METACORE_URL, to {installed()}", setting="url"
        )
    scheme = require_scheme(url)
    if pool is not None and not scheme.takes_pool:
        raise ConfigurationError(
            f"a storage of {scheme.urls} has no use for a pool; leave out one of both", setting="pool"
        )
    storage: Storage = make_storage(url, scheme.async_storage, Storage, settings, clock, pool)
    return storage
