# Made from metacore/opening.py by `python tools/generate_sync.py`. Do not edit.
"""Opening a storage by its URL."""

from __future__ import annotations

import os

from pydantic import ValidationError

from metacore.backends.schemes import installed, make_storage, require_scheme
from metacore.config import Settings
from metacore.domain.values.times import Clock
from metacore.errors import ConfigurationError, MetacoreError, bare
from metacore.sync.storage.storage import Storage


def connect(url: str | None = None, *, settings: Settings | None = None, clock: Clock | None = None) -> Storage:
    """The storage that `url` names, to be opened by `with`, or by `open`.

    `postgresql://...` (anything that libpq takes) is a server whose schema was deployed before; `memory://` lives in
    this process; `embedded:` is a private PostgreSQL, gone at close, and `embedded:/path` one that stays there: both
    deploy the schema by themselves. Other installed packages may have schemes of their own. Without `url`, the
    variable METACORE_URL names it. `settings` default to the METACORE_... variables; `clock` stamps `created_at` and
    `updated_at`. ConfigurationError for a URL that is missing, malformed or of no scheme that is installed.
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
            f"no storage named: pass a url to connect(), or set METACORE_URL, to {installed()}", setting="url"
        )
    storage: Storage = make_storage(url, require_scheme(url).blocking_storage, Storage, settings, clock)
    return storage
