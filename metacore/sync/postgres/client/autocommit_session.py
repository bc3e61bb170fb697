# Made from metacore/postgres/client/autocommit_session.py by `python tools/generate_sync.py`. Do not edit.
"""How the storages reach the database outside of any transaction: by a connection of the pool for each operation."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from time import monotonic
from typing import TypeVar

import psycopg

from metacore._compat.blocking import Eventual
from metacore.domain.trading.balances import Balance
from metacore.errors import ConnectionLostError
from metacore.postgres.client.call import Call, Row
from metacore.postgres.client.deadlines import MARGIN
from metacore.postgres.client.statement import Statement
from metacore.sync.backends.sessions import BaseAutocommitSession
from metacore.sync.postgres.client.pool import Pool
from metacore.sync.postgres.client.session import BEGIN, COMMIT, Session
from metacore.sync.postgres.client.transaction_session import TransactionSession

T = TypeVar("T")

_BEGIN_SNAPSHOT = b"BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY"
_BEGIN_FORGETTABLE = (BEGIN, b"SET LOCAL synchronous_commit = off")
_PING = Statement("ping", "SELECT 1")
_PING_PATIENCE = 5.0
"""Seconds that `ping` waits, for a connection and for the answer."""


class AutocommitSession(BaseAutocommitSession["TransactionSession"], Session):
    """Operations outside of any transaction: each commits by itself."""

    def __init__(self, pool: Pool) -> None:
        super().__init__(pool)
        self.pool = pool

    def ping(self) -> None:
        self._insist("ping", [(_PING, {})], None, _PING_PATIENCE, _PING_PATIENCE)

    def pipeline(self, operation: str, calls: Sequence[Call], subject: object = None) -> list[list[Row]]:
        """The rows that each of `calls` gives, in one round trip and one transaction: all of them or none.

        PostgreSQL takes what comes in one round trip as one transaction. Where something stands before it, or behind
        it, it has a BEGIN of its own.

        Once more on a fresh connection if it was lost, and nothing can have been committed by it.
        """
        return self._insist(operation, calls, subject, self.pool.patience)

    def _insist(
        self,
        operation: str,
        calls: Sequence[Call],
        subject: object,
        patience: float,
        pool_patience: float | None = None,
    ) -> list[list[Row]]:
        end = monotonic() + patience
        try:
            return self._call(operation, calls, subject, patience, pool_patience)
        except ConnectionLostError as error:
            self.counters.note_retry(error)
        rest = max(end - monotonic(), MARGIN)
        return self._call(operation, calls, subject, rest, pool_patience)

    def _call(
        self, operation: str, calls: Sequence[Call], subject: object, patience: float, pool_patience: float | None
    ) -> list[list[Row]]:
        connection = self.pool.acquire(pool_patience)
        # A cluster has limits, too.
        openings = [BEGIN, *self.pool.limits] if self.pool.limits else []
        try:
            return self.pool.exchange(
                connection, calls, openings, COMMIT if openings else None, patience, is_there=True
            )
        except psycopg.Error as error:
            if openings:
                self._roll_back(connection)
            writes = any(statement.writes for statement, _ in calls)
            raise self._typed(error, operation, commits=writes, subject=subject) from error
        finally:
            self.pool.release(connection)

    @property
    def holds_locks(self) -> bool:
        """Never: none is held between operations."""
        return False

    def remember(self, balances: Iterable[Balance]) -> None:
        """Do nothing: no balance stays locked."""

    def forget(self) -> None:
        """Do nothing: nothing is locked."""

    def begin_transaction(self) -> TransactionSession:
        return TransactionSession(self.pool)

    def look(self, work: Callable[[Session], Eventual[T]]) -> T:
        """What `work` returns, called with a session whose reads all see the same moment; again as in `run`."""

        def look(session: TransactionSession) -> T:
            session.openings = [_BEGIN_SNAPSHOT, *self.pool.limits]
            return work(session)

        return self.run(look)

    def run_forgettable(self, work: Callable[[TransactionSession], Eventual[T]]) -> T:
        def run(session: TransactionSession) -> T:
            session.openings = [*_BEGIN_FORGETTABLE, *self.pool.limits]
            return work(session)

        return self.run(run)
