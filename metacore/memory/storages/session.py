"""How the storages reach the tables: directly, or within a transaction."""

from __future__ import annotations

import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from datetime import datetime

from metacore._compat.aio import Lock, owner
from metacore.crypto.keys import Keys
from metacore.domain.values.times import Clock, read_clock
from metacore.errors import LockTimeoutError, MetacoreError, StorageUnavailableError, TransactionAbortedError
from metacore.memory.schema import Tables, Views
from metacore.storage.counting import Counters


class Store:
    """The committed tables, and the lock that lets one writer in at a time.

    `mutex` is held for a read or a commit, never while waiting: readers see whole commits, on threads too.
    """

    def __init__(self, clock: Clock, lock_timeout: float, keys: Keys) -> None:
        self.tables = Tables()
        self.keys = keys
        self.mutex = threading.RLock()
        self.counters = Counters()
        self.is_open = self.was_open = False
        self._clock = clock
        self._lock_timeout = lock_timeout
        self._writer: Lock | None = None
        self._owner: object = None

    def open(self) -> None:
        self._writer, self._owner = Lock(), owner()
        self.is_open = self.was_open = True

    def check(self) -> None:
        """StorageUnavailableError if the storage is closed or used from elsewhere than it was opened."""
        if not self.is_open:
            raise StorageUnavailableError("the storage is not open; use it inside the `with` block of connect()")
        if owner() != self._owner:
            raise StorageUnavailableError(
                "the storage was opened in another event loop or process; open one of its own there"
            )

    def now(self) -> datetime:
        return read_clock(self._clock)

    async def lock(self) -> Lock:
        """Become the one writer. LockTimeoutError if that takes longer than `lock_timeout`."""
        self.check()
        writer = self._writer
        if writer is None or not await writer.acquire(self._lock_timeout):
            raise LockTimeoutError(
                f"another transaction was still writing after {self._lock_timeout:g} s; run this one again"
            )
        return writer


class Session:
    """Operations outside of any transaction: each commits by itself."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self.counters = store.counters

    def now(self) -> datetime:
        return self.store.now()

    @contextmanager
    def read(self) -> Iterator[Views]:
        """The tables, to be read by one operation."""
        self.store.check()
        with self.store.mutex:
            yield Views(self.store.tables)

    @asynccontextmanager
    async def write(self) -> AsyncIterator[Views]:
        """The tables, to be changed by one operation: all of it or, on an error, nothing."""
        writer = await self.store.lock()
        try:
            views = Views(self.store.tables)
            views.push()
            yield views
            with self.store.mutex:
                views.fold()
        finally:
            writer.release()

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[TransactionSession]:
        self.store.check()
        session = TransactionSession(self.store, Views(self.store.tables))
        session.views.push()
        try:
            yield session
            session.check()
            with self.store.mutex:
                session.views.fold()
        finally:
            session.end()


class TransactionSession(Session):
    """Operations of one transaction, or of a savepoint within it."""

    def __init__(self, store: Store, views: Views, parent: TransactionSession | None = None) -> None:
        super().__init__(store)
        self.views = views
        self._parent = parent
        self._inner: TransactionSession | None = None
        self._writer: Lock | None = None
        self._doom: MetacoreError | None = None
        self._ended = False

    def check(self) -> None:
        """TransactionAbortedError if this transaction is doomed or over."""
        self.store.check()
        session: TransactionSession | None = self._innermost
        while session is not None:
            if self._ended or session._ended:
                raise TransactionAbortedError("this transaction has ended; begin a new one")
            if session._doom is not None:
                cause = type(session._doom).__name__
                raise TransactionAbortedError(
                    f"this transaction was doomed by {cause}; leave its block and begin a new one"
                ) from session._doom
            session = session._parent

    @property
    def _innermost(self) -> TransactionSession:
        """The innermost open savepoint within this one, else itself: whose layer is on top, whichever is used."""
        session = self
        while session._inner is not None:
            session = session._inner
        return session

    @contextmanager
    def read(self) -> Iterator[Views]:
        self.check()
        with self._dooming(), self.store.mutex:
            yield self.views

    @asynccontextmanager
    async def write(self) -> AsyncIterator[Views]:
        self.check()
        with self._dooming():
            await self._become_writer()
            self.views.push()
            try:
                yield self.views
            except BaseException:
                self.views.pop()
                raise
            self.views.fold()

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[TransactionSession]:
        self.check()
        around = self._innermost
        session = around._inner = TransactionSession(self.store, self.views, around)
        self.views.push()
        try:
            yield session
            session.check()
        except BaseException:
            self.views.pop()
            raise
        else:
            self.views.fold()
        finally:
            around._inner = None
            session.end()

    def end(self) -> None:
        self._ended = True
        if self._writer is not None:
            self._writer.release()

    async def _become_writer(self) -> None:
        if self._parent is not None:
            await self._parent._become_writer()
        elif self._writer is None:
            self._writer = await self.store.lock()

    @contextmanager
    def _dooming(self) -> Iterator[None]:
        try:
            yield
        except MetacoreError as error:
            if error.dooms_transaction:
                self._doom = self._doom or error
            raise
