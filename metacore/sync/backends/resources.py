# Made from metacore/backends/resources.py by `python tools/generate_sync.py`. Do not edit.
"""What all operations of a storage share."""

from __future__ import annotations

import os
from datetime import UTC, datetime
from functools import partial
from typing import ClassVar

from metacore._compat.blocking import owner
from metacore.config import Settings
from metacore.domain.values.times import Clock, read_clock
from metacore.errors import StorageClosedError, StorageUnavailableError
from metacore.sync.backends.counting import Counters
from metacore.sync.backends.normal_names import NormalNames
from metacore.sync.crypto.keys import Keys
from metacore.watching import watch


class Resources:
    """The settings, the clock, the encryption keys and the counters of a storage, and whether it is open.

    It opens once, and is used where it was opened: in that process and, if one runs there, that event loop.
    """

    backend: ClassVar[str] = "other"
    """What watchers are told of it."""

    def __init__(self, settings: Settings | None = None, clock: Clock | None = None) -> None:
        self.settings = settings or Settings()
        self.keys = Keys(self.settings.encryption_keys, self.settings.encryption_keys_max_age)
        self.normal_names = NormalNames() if self.settings.normalize_names else None
        self.counters = Counters()
        self.now: Clock = partial(datetime.now, UTC) if clock is None else partial(read_clock, clock)
        """Gives the time by the storage's clock."""
        self._owner: object = None
        self._process: int | None = None
        self._is_closed = False

    def begin(self) -> None:
        """Take it that the storage is opened, here and now; StorageUnavailableError if it was before."""
        if self._process is not None:
            raise StorageUnavailableError("a storage opens once; call connect() again for another one")
        self._owner, self._process, self._is_closed = owner(), os.getpid(), False
        self.counters.watcher = watcher = watch(self.backend)
        if watcher is not None:
            watcher.watch_pool(self)

    def end(self) -> None:
        """Refuse further operations."""
        self._is_closed = True

    def check(self) -> None:
        """StorageClosedError if the storage is closed or used from elsewhere than it was opened."""
        if self._process is None:
            raise StorageClosedError(
                "the storage is not open; use it inside the `with` block of connect(), or call its open() before"
            )
        if owner() != self._owner:
            raise StorageClosedError(
                "the storage was opened in another event loop or process; open one of its own there"
            )
        if self._is_closed:
            raise StorageClosedError("the storage is closed; open another one by connect()")

    @property
    def is_inherited(self) -> bool:
        """Whether this process is a fork of the one that opened it: what it holds is then the other's to end."""
        return self._process != os.getpid()

    def open(self) -> None:
        """Acquire what the operations need."""

    def close(self) -> None:
        """Give it back."""

    def figures(self) -> dict[str, int] | None:
        """The figures of the connection pool, None without one."""
        return None
