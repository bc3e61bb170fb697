"""How the storages reach the database: by a connection of the pool for each operation, or within a transaction."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from datetime import datetime
from typing import Any

import psycopg

from metacore._compat.psycopg_aio import Connection
from metacore.domain.trading.balances import Balance
from metacore.domain.values.times import read_clock
from metacore.errors import MetacoreError, TransactionAbortedError
from metacore.postgres.client.errors import translate
from metacore.postgres.client.locks import RowLocks
from metacore.postgres.client.pool import Pool
from metacore.postgres.client.statement import Statement
from metacore.postgres.client.wire import Call, Row

_BEGIN_SNAPSHOT = b"BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY"
_COMMIT, _ROLLBACK = b"COMMIT", b"ROLLBACK"


class Session:
    """Operations outside of any transaction: each commits by itself."""

    def __init__(self, pool: Pool) -> None:
        self.pool = pool
        self.counters = pool.counters

    def now(self) -> datetime:
        return read_clock(self.pool.clock)

    def check(self) -> None:
        """StorageUnavailableError if the storage cannot be used; for operations that have nothing to ask the server."""
        self.pool.check()

    async def fetch(self, statement: Statement, values: Mapping[str, Any], subject: object = None) -> list[Row]:
        """The rows that `statement` gives, in one round trip; `subject` is the row it stores, named by errors."""
        connection = await self.pool.acquire()
        try:
            return (await self.pool.exchange(connection, [(statement, values)]))[0]
        except psycopg.Error as error:
            raise self._typed(error, statement.name, commits=statement.writes, subject=subject) from error
        finally:
            await self.pool.release(connection)

    async def pipeline(self, operation: str, calls: Sequence[Call], subject: object = None) -> list[list[Row]]:
        """The rows that each of `calls` gives, in one round trip and one transaction: all of them or none."""
        connection = await self.pool.acquire()
        try:
            return await self.pool.exchange(connection, calls)
        except psycopg.Error as error:
            writes = any(statement.writes for statement, _ in calls)
            raise self._typed(error, operation, commits=writes, subject=subject) from error
        finally:
            await self.pool.release(connection)

    def _typed(
        self, error: psycopg.Error, operation: str, *, commits: bool = False, subject: object = None
    ) -> MetacoreError:
        return translate(error, operation, self.pool.schema, commits=commits, subject=subject)

    def doom(self, error: MetacoreError) -> MetacoreError:
        """`error`; here there is no transaction that it could doom."""
        return error

    def remember(self, balances: Iterable[Balance]) -> None:
        """Keep `balances` as what is locked; here nothing stays locked."""

    def forget(self) -> None:
        """Forget what is locked, because rows were deleted."""

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[TransactionSession]:
        """A session bound to one transaction: committed at the end of the block, rolled back on an error."""
        session = TransactionSession(self.pool)
        try:
            yield session
            await session.commit()
        finally:
            await session.end()

    @asynccontextmanager
    async def snapshot(self) -> AsyncIterator[Session]:
        """A session whose reads all see the same moment."""
        session = TransactionSession(self.pool, opening=_BEGIN_SNAPSHOT)
        try:
            yield session
            await session.commit()
        finally:
            await session.end()

    @asynccontextmanager
    async def atomic(self) -> AsyncIterator[TransactionSession]:
        """A transaction for one operation of several statements; its errors doom the transaction that it is part of."""
        try:
            async with self.transaction() as session:
                yield session
        except MetacoreError as error:
            if error.dooms_transaction:
                self.doom(error)
            raise


class TransactionSession(Session):
    """Operations of one transaction, or of a savepoint within it. BEGIN or SAVEPOINT goes with the first of them."""

    def __init__(self, pool: Pool, parent: TransactionSession | None = None, opening: bytes = b"BEGIN") -> None:
        super().__init__(pool)
        self._parent = parent
        self._depth: int = parent._depth + 1 if parent else 0
        self._opening = b"SAVEPOINT s%d" % self._depth if parent else opening
        self._locks: RowLocks = RowLocks(parent._locks if parent else None)
        self._inner: TransactionSession | None = None
        self._connection: Connection[Row] | None = None
        self._begun = False
        self._doom: MetacoreError | None = None
        self._ended = False

    def check(self) -> None:
        """TransactionAbortedError if this transaction is doomed or over, StorageUnavailableError if the storage is."""
        self.pool.check()
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
    def locks(self) -> RowLocks:
        """What is locked."""
        return self._innermost._locks

    @property
    def _innermost(self) -> TransactionSession:
        """The innermost open savepoint within this one, else itself: where the server is, whichever of them is used."""
        session = self
        while session._inner is not None:
            session = session._inner
        return session

    async def fetch(self, statement: Statement, values: Mapping[str, Any], subject: object = None) -> list[Row]:
        return (await self.pipeline(statement.name, [(statement, values)], subject))[0]

    async def pipeline(self, operation: str, calls: Sequence[Call], subject: object = None) -> list[list[Row]]:
        self.check()
        connection = await self.connect()
        openings = self._openings()
        try:
            return await self.pool.exchange(connection, calls, openings)
        except psycopg.Error as error:
            raise self.doom(self._typed(error, operation, subject=subject)) from error

    async def finish(self, operation: str, calls: Sequence[Call], subject: object = None) -> None:
        """Make `calls` and end the transaction or savepoint, in one round trip."""
        self.check()
        connection = await self.connect()
        closing = b"RELEASE SAVEPOINT s%d" % self._depth if self._depth else _COMMIT
        try:
            await self.pool.exchange(connection, calls, self._openings(), closing)
        except psycopg.Error as error:
            raise self.doom(self._typed(error, operation, commits=not self._depth, subject=subject)) from error
        self._begun = False

    def remember(self, balances: Iterable[Balance]) -> None:
        """Keep `balances`, locked by this transaction, as they stand."""
        for balance in balances:
            self.locks.balances[balance.key] = balance

    def forget(self) -> None:
        self.locks.forget()

    @asynccontextmanager
    async def snapshot(self) -> AsyncIterator[Session]:
        """Itself: inside a transaction, reads see what the transaction sees."""
        yield self

    def doom(self, error: MetacoreError) -> MetacoreError:
        """`error`, after which this transaction, up to the nearest savepoint, can only be left."""
        self._doom = self._doom or error
        return error

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[TransactionSession]:
        """A session bound to a savepoint: kept at the end of the block, undone on an error."""
        self.check()
        around = self._innermost
        session = around._inner = TransactionSession(self.pool, around)
        try:
            try:
                yield session
                session.check()
            finally:
                around._inner = None
        except BaseException:
            await session.undo()
            raise
        else:
            await session.keep()
            session._locks.keep()
        finally:
            session._ended = True

    async def connect(self) -> Connection[Row]:
        """The connection of the transaction, from the pool at the first call."""
        if self._parent is not None:
            return await self._parent.connect()
        if self._connection is None:
            self._connection = await self.pool.acquire()
        return self._connection

    async def begin(self) -> Connection[Row]:
        """The connection, in the transaction: for what is more than statements, such as COPY."""
        self.check()
        connection = await self.connect()
        if openings := self._openings():
            await self.pool.exchange(connection, (), openings)
        return connection

    def _openings(self) -> list[bytes]:
        openings: list[bytes] = []
        session: TransactionSession | None = self._innermost
        while session is not None and not session._begun:
            session._begun = True
            openings.insert(0, session._opening)
            session = session._parent
        return openings

    async def commit(self) -> None:
        """Commit. OutcomeUnknownError if the connection is lost while the server does."""
        self.check()
        self._ended = True
        if self._connection is None or not self._begun:
            return
        try:
            await self.pool.exchange(self._connection, (), [_COMMIT])
        except psycopg.Error as error:
            self.counters.errors["commit"] += 1
            raise self._typed(error, "commit", commits=True) from error
        self._begun = False

    async def keep(self) -> None:
        """Make the changes since the savepoint part of what is around it."""
        if self._begun and self._depth:
            await self._control(b"RELEASE SAVEPOINT s%d" % self._depth)

    async def undo(self) -> None:
        """Undo the changes since the savepoint; if the connection is lost, all is undone, and what is around doomed."""
        if self._begun and self._depth and not self.pool.is_inherited:
            name = b"s%d" % self._depth
            with suppress(MetacoreError):
                await self._control(b"ROLLBACK TO SAVEPOINT " + name)
                await self._control(b"RELEASE SAVEPOINT " + name)

    async def end(self) -> None:
        """Give back the connection, rolling back what was not committed."""
        self._ended = True
        if self._connection is None or self.pool.is_inherited:
            return
        connection, self._connection = self._connection, None
        try:
            if self._begun and not connection.closed:
                await self.pool.exchange(connection, (), [_ROLLBACK])
        except psycopg.Error:
            await connection.close()
        finally:
            await self.pool.release(connection)

    async def _control(self, command: bytes) -> None:
        connection = await self.connect()
        if connection.closed:
            return
        try:
            await self.pool.exchange(connection, (), [command])
        except psycopg.Error as error:
            assert self._parent is not None
            raise self._parent.doom(self._typed(error, "savepoint")) from error
