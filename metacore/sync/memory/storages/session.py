# Made from metacore/memory/storages/session.py by `python tools/generate_sync.py`. Do not edit.
"""How the storages reach the tables: directly, or within a transaction."""

from __future__ import annotations

import threading
from abc import abstractmethod
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager

from metacore._compat.blocking import Lock
from metacore.config import Settings
from metacore.domain.values.times import Clock
from metacore.errors import LockTimeoutError
from metacore.memory.schema import Views, new_tables
from metacore.sync.backends.resources import Resources
from metacore.sync.backends.sessions import BaseAutocommitSession, BaseSession, BaseTransactionSession


class Store(Resources):
    """The committed tables, and the lock that lets one writer in at a time.

    `mutex` is held for a read or a commit, never while waiting: readers see whole commits, on threads too.
    """

    backend = "memory"

    def __init__(self, settings: Settings | None = None, clock: Clock | None = None) -> None:
        super().__init__(settings, clock)
        self.tables = new_tables()
        self.mutex = threading.RLock()
        self._writer: Lock | None = None

    def open(self) -> None:
        self._writer = Lock()

    def lock(self) -> Lock:
        """Become the one writer. LockTimeoutError if that takes longer than `lock_timeout`."""
        self.check()
        writer, timeout = self._writer, self.settings.lock_timeout
        if writer is None or not writer.acquire(timeout):
            raise LockTimeoutError(f"another transaction was still writing after {timeout:g} s; run this one again")
        return writer


class Session(BaseSession["TransactionSession"]):
    """Operations on the tables of a store."""

    store: Store

    @abstractmethod
    def read(self) -> AbstractContextManager[Views]:
        """The tables, to be read by one operation."""

    @abstractmethod
    def write(self) -> AbstractContextManager[Views]:
        """The tables, to be changed by one operation: all of it or, on an error, nothing."""


class AutocommitSession(BaseAutocommitSession["TransactionSession"], Session):
    """Operations outside of any transaction: each commits by itself."""

    def __init__(self, store: Store) -> None:
        super().__init__(store)
        self.store = store

    def ping(self) -> None:
        self.check()

    @contextmanager
    def read(self) -> Iterator[Views]:
        self.check()
        with self.store.mutex:
            yield Views(self.store.tables)

    @contextmanager
    def write(self) -> Iterator[Views]:
        writer = self.store.lock()
        try:
            views = Views(self.store.tables)
            views.push()
            yield views
            with self.store.mutex:
                views.fold()
        finally:
            writer.release()

    def begin_transaction(self) -> TransactionSession:
        return TransactionSession(self.store, Views(self.store.tables))


class TransactionSession(BaseTransactionSession["TransactionSession"], Session):
    """Operations of one transaction, or of a savepoint within it: each has a layer of the tables."""

    def __init__(self, store: Store, views: Views, parent: TransactionSession | None = None) -> None:
        super().__init__(store, parent)
        self.store = store
        self.views = views
        self._writer: Lock | None = None
        views.push()

    @contextmanager
    def read(self) -> Iterator[Views]:
        self.check()
        with self.store.mutex:
            yield self.views

    @contextmanager
    def write(self) -> Iterator[Views]:
        self.check()
        self._become_writer()
        self.views.push()
        try:
            yield self.views
        except BaseException:
            self.views.pop()
            raise
        self.views.fold()

    def begin_savepoint(self) -> TransactionSession:
        return TransactionSession(self.store, self.views, self)

    def commit(self) -> None:
        with self.store.mutex:
            self.views.fold()

    def end(self) -> None:
        if self._writer is not None:
            self._writer.release()

    def keep(self) -> None:
        self.views.fold()

    def undo(self) -> None:
        self.views.pop()

    def _become_writer(self) -> None:
        if self.parent is not None:
            self.parent._become_writer()
        elif self._writer is None:
            self._writer = self.store.lock()
