"""How the storages reach the tables: directly, or within a transaction."""

from __future__ import annotations

import threading
from abc import abstractmethod
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, AbstractContextManager, asynccontextmanager
from types import TracebackType

from metacore._compat.aio import Lock
from metacore.backends.resources import Resources
from metacore.backends.sessions import BaseAutocommitSession, BaseSession, BaseTransactionSession
from metacore.config import Settings
from metacore.domain.values.times import Clock
from metacore.errors import LockTimeoutError, TransactionAbortedError
from metacore.memory.schema import Views, new_tables


class Store(Resources):
    """The committed tables, and the lock that lets one writer in at a time.

    `mutex` is held for a read, a commit or an operation by itself, never while waiting: readers see whole commits, on
    threads too.
    """

    backend = "memory"

    def __init__(self, settings: Settings | None = None, clock: Clock | None = None) -> None:
        super().__init__(settings, clock)
        self.tables = new_tables()
        self.mutex = threading.RLock()
        self._writer: Lock | None = None

    async def open(self) -> None:
        self._writer = Lock()

    async def lock(self) -> Lock:
        """Become the one writer. LockTimeoutError if that takes longer than `lock_timeout`."""
        self.check()
        writer, timeout = self._writer, self.settings.lock_timeout
        if writer is None or not await writer.acquire(timeout):
            raise LockTimeoutError(f"another transaction was still writing after {timeout:g} s; run this one again")
        return writer


class Session(BaseSession["TransactionSession"]):
    """Operations on the tables of a store."""

    store: Store
    views: Views

    @abstractmethod
    def read(self) -> AbstractContextManager[Views]:
        """The tables, to be read by one operation, which must not wait."""

    @abstractmethod
    def write(self) -> AbstractAsyncContextManager[Views]:
        """The tables, to be changed by one operation, which must not wait: all of it or, on an error, nothing.

        Nothing of a caller's is called in it, such as an iterable, which may read what is half written.
        """


class Reading:
    """The block of `read`: not a generator, since most operations have one."""

    __slots__ = ("_check", "_mutex", "_views")

    def __init__(self, session: Session) -> None:
        self._check, self._mutex, self._views = session.check, session.store.mutex, session.views

    def __enter__(self) -> Views:
        self._check()
        self._mutex.acquire()
        return self._views

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._mutex.release()


class AutocommitSession(BaseAutocommitSession["TransactionSession"], Session):
    """Operations outside of any transaction: each commits by itself, in the tables themselves."""

    def __init__(self, store: Store) -> None:
        super().__init__(store)
        self.store, self.views = store, Views(store.tables)
        self._reading, self._writing = Reading(self), _Alone(self)

    async def ping(self) -> None:
        self.check()

    def read(self) -> Reading:
        return self._reading

    def write(self) -> _Alone:
        return self._writing

    def begin_transaction(self) -> TransactionSession:
        return TransactionSession(self.store, Views(self.store.tables))


class _Alone:
    """The block of `write` of an operation by itself: one, since there is one writer at a time."""

    __slots__ = ("_store", "_views", "_writer")

    def __init__(self, session: AutocommitSession) -> None:
        self._store, self._views = session.store, session.views

    async def __aenter__(self) -> Views:
        writer = await self._store.lock()
        try:
            self._store.mutex.acquire()
        except BaseException:
            writer.release()
            raise
        self._writer = writer
        return self._views

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        writer = self._writer
        try:
            if error is None:
                self._views.keep()
            else:
                self._views.undo()
        finally:
            self._store.mutex.release()
            writer.release()


class TransactionSession(BaseTransactionSession["TransactionSession"], Session):
    """Operations of one transaction, or of a savepoint within it, which has a layer of the tables."""

    def __init__(self, store: Store, views: Views, parent: TransactionSession | None = None) -> None:
        super().__init__(store, parent)
        self.store, self.views = store, views
        self._writer: Lock | None = None
        views.push()

    def read(self) -> Reading:
        return Reading(self)

    @asynccontextmanager
    async def write(self) -> AsyncIterator[Views]:
        self.check()
        await self._become_writer()
        try:
            yield self.views
        except BaseException as error:
            self.views.undo()
            if not isinstance(error, Exception):
                # A change that it interrupted cannot be told from a whole one in a layer, which goes as a whole.
                self.innermost.doom(TransactionAbortedError("an operation was interrupted"), type(error).__name__)
            raise
        self.views.keep()

    def begin_savepoint(self) -> TransactionSession:
        return TransactionSession(self.store, self.views, self)

    async def commit(self) -> None:
        with self.store.mutex:
            self.views.fold()

    async def end(self) -> None:
        if self._writer is not None:
            self._writer.release()

    async def keep(self) -> None:
        self.views.fold()

    async def undo(self) -> None:
        self.views.pop()

    async def _become_writer(self) -> None:
        if self.parent is not None:
            await self.parent._become_writer()
        elif self._writer is None:
            self._writer = await self.store.lock()
