"""How the storages reach what they store: directly, or within a transaction."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any, Generic, TypeVar

from metacore._compat.aio import Eventual
from metacore.backends.resources import Resources
from metacore.backends.transaction_state import TransactionState
from metacore.errors import ConnectionLostError, MetacoreError

T = TypeVar("T")
X = TypeVar("X", bound="BaseTransactionSession[Any]")


class BaseSession(ABC, Generic[X]):
    """Operations on what the storages store."""

    def __init__(self, resources: Resources) -> None:
        self.resources = resources
        self.now = resources.now
        self.counters = resources.counters
        self.keys = resources.keys
        self.normal_names = resources.normal_names

    def check(self) -> None:
        """StorageUnavailableError if the storage cannot be used; for operations that need nothing of it."""
        self.resources.check()

    def begin_operation(self) -> None:
        """Note that an operation of a storage begins."""

    def note_error(self, error: MetacoreError) -> None:
        """Note that an operation of a storage has raised `error`."""

    async def enforce_doom(self) -> None:
        """Where a transaction is doomed that others are to commit, see to it that they cannot."""

    @abstractmethod
    def transaction(self) -> AbstractAsyncContextManager[X]:
        """A session of its own for the block: what is done by it is kept at its end, and undone on an error."""

    @abstractmethod
    async def run(self, work: Callable[[X], Eventual[T]]) -> T:
        """What `work` returns, called with a session of `transaction`."""

    async def _run_once(self, work: Callable[[X], Eventual[T]]) -> T:
        async with self.transaction() as session:
            return await work(session)


class BaseAutocommitSession(BaseSession[X]):
    """Operations outside of any transaction: each commits by itself."""

    @abstractmethod
    async def ping(self) -> None:
        """Return if the storage answers."""

    @abstractmethod
    def begin_transaction(self) -> X:
        """A session of a transaction, which nothing was done in yet."""

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[X]:
        """A session bound to one transaction: committed at the end of the block, rolled back on an error."""
        self.check()
        session = self.begin_transaction()
        try:
            await session.open()
            yield session
            if not session.has_ended:
                await session.conclude()
        finally:
            session.has_ended = True
            await session.end()

    async def run(self, work: Callable[[X], Eventual[T]]) -> T:
        """What `work` returns, called with a session bound to a transaction, which is committed after it.

        It is called once more if the connection was lost before anything was sent to be committed.
        """
        try:
            return await self._run_once(work)
        except ConnectionLostError as error:
            self.counters.note_retry(error)
        return await self._run_once(work)


class BaseTransactionSession(TransactionState, BaseSession[X]):
    """Operations of one transaction or, with a `parent`, of a savepoint within it."""

    def __init__(self, resources: Resources, parent: Any = None) -> None:
        BaseSession.__init__(self, resources)
        TransactionState.__init__(self, parent)

    def check(self) -> None:
        """TransactionAbortedError if this transaction is doomed or over, StorageUnavailableError if the storage is."""
        self.resources.check()
        self.check_state()

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[X]:
        """A session bound to a savepoint: kept at the end of the block, undone on an error."""
        self.check()
        around: Any = self.innermost
        savepoint = around.begin_savepoint()
        try:
            with around.having(savepoint):
                await savepoint.open()
                yield savepoint
                if not savepoint.has_ended:
                    savepoint.check()
        except BaseException:
            if not savepoint.has_ended:
                await savepoint.undo()
            raise
        else:
            if not savepoint.has_ended:
                await savepoint.keep()
        finally:
            savepoint.has_ended = True

    async def run(self, work: Callable[[X], Eventual[T]]) -> T:
        """What `work` returns, called once, with a session bound to a savepoint."""
        return await self._run_once(work)

    async def open(self) -> None:
        """Take what is needed from the beginning of the block on."""

    @property
    def can_conclude(self) -> bool:
        """Whether it is this session's to end the transaction, or the savepoint, now."""
        return self.innermost is self

    async def conclude(self) -> None:
        """End the transaction, or the savepoint, and keep what was done; its block may go on without it."""
        self.check()
        self.has_ended = True
        await (self.commit() if self.parent is None else self.keep())

    @abstractmethod
    def begin_savepoint(self) -> X:
        """A session of a savepoint within this one."""

    @abstractmethod
    async def commit(self) -> None:
        """Make the changes of the transaction part of what is stored."""

    @abstractmethod
    async def end(self) -> None:
        """Give back what the transaction holds, undoing what was not committed."""

    @abstractmethod
    async def keep(self) -> None:
        """Make the changes since the savepoint part of what is around it."""

    @abstractmethod
    async def undo(self) -> None:
        """Undo the changes since the savepoint."""
