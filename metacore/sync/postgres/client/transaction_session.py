# Made from metacore/postgres/client/transaction_session.py by `python tools/generate_sync.py`. Do not edit.
"""How the storages reach the database within a transaction."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from functools import cache
from typing import Any, TypeVar

import psycopg
from psycopg.pq import TransactionStatus

from metacore._compat.blocking import Eventual
from metacore._compat.psycopg_blocking import Connection
from metacore.domain.trading.balances import Balance
from metacore.errors import MetacoreError, TransactionAbortedError
from metacore.postgres.client.call import Call, Row
from metacore.postgres.client.connections import close_in_pipeline, milliseconds, require_no_pipeline
from metacore.postgres.client.deadlines import MARGIN
from metacore.postgres.client.locks import RowLocks
from metacore.postgres.client.statement import Statement
from metacore.postgres.client.waits import Waiting
from metacore.postgres.client.wire import Wire
from metacore.sync.backends.sessions import BaseTransactionSession
from metacore.sync.postgres.client.pool import Pool
from metacore.sync.postgres.client.session import BEGIN, COMMIT, Session
from metacore.sync.postgres.client.shared_connection import TransactionConnection

T = TypeVar("T")


@cache
def _limit(milliseconds: int) -> Statement:
    # Not set_config: the coordinator of a cluster passes on no more than SET.
    return Statement("limit", f"SET LOCAL statement_timeout = {milliseconds}")


class TransactionSession(BaseTransactionSession["TransactionSession"], Session):
    """Operations of one transaction, or of a savepoint within it. BEGIN or SAVEPOINT goes with the first of them."""

    def __init__(self, pool: Pool, parent: TransactionSession | None = None) -> None:
        super().__init__(pool, parent)
        self.pool = pool
        self._depth: int = parent._depth + 1 if parent else 0
        self.openings = [b"SAVEPOINT s%d" % self._depth] if parent else [BEGIN, *pool.limits]
        self._locks: RowLocks = RowLocks(parent._locks if parent else None)
        self._root: TransactionSession = parent._root if parent else self
        self._connection: Connection[Row] | None = None
        self._begun = False
        self._shared: TransactionConnection | None = None
        self.is_shared = False
        """Of the root: whether others send statements of their own between the operations."""
        self.begins_at_once = False
        """Of the root: whether nothing tells when others send one, which is to be within the savepoint around it."""
        self._patience: float | None = None

    @property
    def locks(self) -> RowLocks:
        """What is locked."""
        return self.innermost._locks

    @property
    def holds_locks(self) -> bool:
        return self._root.is_shared or self.locks.may_hold

    def open(self) -> None:
        if self.parent is None:
            self._connection = self.pool.acquire()
        elif self._root.begins_at_once:
            self.begin()

    def check(self) -> None:
        if self._root.is_shared and not self._root.has_ended:
            require_no_pipeline(self._root.require_connection())
        self.check_for_others()

    def check_for_others(self) -> None:
        """`check` for statements of others, who may be in a pipeline of their own."""
        if self._root.is_shared and not self._root.has_ended:
            self._root.note_others()
        super().check()

    def note_others(self) -> None:
        """Note, in the root, what statements of others have made of the transaction."""
        status = self.require_connection().pgconn.transaction_status
        if status == TransactionStatus.INERROR and not any(state.is_doomed for state in self.lineage):
            self.innermost.doom(TransactionAbortedError("a statement of your own failed"), "a statement of your own")
        elif status == TransactionStatus.IDLE and self._begun:
            self.doom(TransactionAbortedError("a statement of your own ended it"), "its end by a statement of your own")

    def begin_operation(self) -> None:
        if self._root.is_shared:
            self.forget()

    def share(self) -> Connection[Any]:
        """The connection, for statements of others, from now on."""
        self.check_for_others()
        if self._root is not self:
            return self._root.share()
        if self._shared is None:
            self.is_shared = True
            self._shared = TransactionConnection(self.require_connection(), self.openings_of_others)
        return self._shared

    def openings_of_others(self) -> list[bytes]:
        """What goes before a statement of others, of the root; TransactionAbortedError if there must be none."""
        self.check_state()
        return self._openings()

    def pipeline(self, operation: str, calls: Iterable[Call], subject: object = None) -> list[list[Row]]:
        """As of any session; calls that are no sequence are made while the server works on those before them."""
        self.check()
        openings = self._openings()
        self._note_locks(calls)
        try:
            return self._root.exchange(calls, openings, patience=self._patience)
        except psycopg.Error as error:
            raise self.doom(self._typed(error, operation, subject=subject)) from error

    def finish(self, operation: str, calls: Iterable[Call], subject: object = None) -> list[list[Row]]:
        """Like `pipeline`, and end the transaction or savepoint in the same round trip."""
        self.check()
        closing = b"RELEASE SAVEPOINT s%d" % self._depth if self._depth else COMMIT
        self._note_locks(calls)
        try:
            found = self._root.exchange(calls, self._openings(), closing, self._patience)
        except psycopg.Error as error:
            raise self.doom(self._typed(error, operation, commits=not self._depth, subject=subject)) from error
        self._begun = False
        return found

    def remember(self, balances: Iterable[Balance]) -> None:
        """Keep `balances`, locked by this transaction, as they stand."""
        for balance in balances:
            self.locks.balances[balance.key] = balance

    def forget(self) -> None:
        self.locks.forget()

    def look(self, work: Callable[[Session], Eventual[T]]) -> T:
        """What `work` returns: inside a transaction, reads see what the transaction sees."""
        return work(self)

    def run_forgettable(self, work: Callable[[TransactionSession], Eventual[T]]) -> T:
        """As `run`: what the transaction does is kept, or undone, as a whole."""
        return self.run(work)

    def begin_savepoint(self) -> TransactionSession:
        return TransactionSession(self.pool, self)

    def require_connection(self) -> Connection[Row]:
        """The connection, of the root: it has one from the beginning of the block to its end."""
        assert self._connection is not None
        return self._connection

    def exchange(
        self,
        calls: Iterable[Call],
        openings: Sequence[bytes] = (),
        closing: bytes | None = None,
        patience: float | None = None,
    ) -> list[list[Row]]:
        """One round trip of the root: see `exchange` of the pool."""
        return self.perform(lambda wire: wire.exchange(self.pool.schema, calls, openings, closing), patience)

    def perform(self, work: Callable[[Wire], Waiting[T]], patience: float | None = None) -> T:
        """What `work` of the connection's wire returns, once the transaction has begun."""
        if self._root is not self:
            return self._root.perform(work, patience)
        return self.pool.perform(self.require_connection(), work, patience)

    def limit(self, seconds: float) -> Call:
        """The call that lets statements of this transaction, by way of this session, run for `seconds` from now on."""
        self._patience = seconds + MARGIN
        return _limit(milliseconds(seconds)), {}

    def begin(self) -> None:
        """Begin the transaction and what is within it: for what is more than statements, such as COPY."""
        self.check()
        if openings := self._openings():
            try:
                self._root.exchange((), openings)
            except psycopg.Error as error:
                raise self.doom(self._typed(error, "begin")) from error

    def _note_locks(self, calls: Iterable[Call]) -> None:
        if not isinstance(calls, Sequence) or any(statement.locks for statement, _ in calls):
            self.locks.take_note()

    def _openings(self) -> list[bytes]:
        openings: list[bytes] = []
        for session in self.lineage:
            if session._begun:
                break
            session._begun = True
            openings[:0] = session.openings
        return openings

    def commit(self) -> None:
        """Commit. OutcomeUnknownError if the connection is lost while the server does."""
        if not self._begun:
            return
        try:
            self.exchange((), closing=COMMIT)
        except psycopg.Error as error:
            self.counters.errors["commit"] += 1
            raise self._typed(error, "commit", commits=True) from error
        self._begun = False

    def keep(self) -> None:
        """Make the changes since the savepoint part of what is around it."""
        if self._begun and self._depth:
            self._control(b"RELEASE SAVEPOINT s%d" % self._depth)
        self._locks.keep()

    def undo(self) -> None:
        """Undo the changes since the savepoint; if the connection is lost, all is undone, and what is around doomed."""
        if self._begun and self._depth and not self.pool.is_inherited:
            close_in_pipeline(self._root.require_connection())
            name = b"s%d" % self._depth
            with suppress(MetacoreError):
                self._control(b"ROLLBACK TO SAVEPOINT " + name)
                self._control(b"RELEASE SAVEPOINT " + name)

    def end(self) -> None:
        """Give back the connection, rolling back what was not committed."""
        if self._connection is None or self.pool.is_inherited:
            return
        connection, self._connection = self._connection, None
        try:
            if self._shared is not None:
                self._shared.put_back()
                close_in_pipeline(connection)
            if self._begun:
                self._roll_back(connection)
            if self.is_shared:
                self.pool.reset(connection)
        except BaseException:
            if self.is_shared:
                # Nobody knows how much of what others have left is still there.
                connection.pgconn.finish()
            raise
        finally:
            self.pool.release(connection)

    def _control(self, command: bytes) -> None:
        if self._root.require_connection().closed:
            return
        try:
            self._root.exchange((), [command])
        except psycopg.Error as error:
            assert self.parent is not None
            raise self.parent.doom(self._typed(error, "savepoint")) from error
