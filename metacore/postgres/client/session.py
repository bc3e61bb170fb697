"""How the storages reach the database, within a transaction or outside of any."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, TypeVar

import psycopg

from metacore._compat.aio import Eventual
from metacore._compat.psycopg_aio import Connection
from metacore.backends.sessions import BaseSession
from metacore.domain.trading.balances import Balance
from metacore.errors import MetacoreError
from metacore.postgres.client.call import Call, Row
from metacore.postgres.client.deadlines import MARGIN
from metacore.postgres.client.errors import translate
from metacore.postgres.client.pool import Pool
from metacore.postgres.client.statement import Statement

if TYPE_CHECKING:
    from metacore.postgres.client.transaction_session import TransactionSession

T = TypeVar("T")

BEGIN, COMMIT = b"BEGIN ISOLATION LEVEL READ COMMITTED", b"COMMIT"
_ROLLBACK = b"ROLLBACK"


class Session(BaseSession["TransactionSession"]):
    """Operations on the connections of a pool."""

    pool: Pool

    async def fetch(self, statement: Statement, values: Mapping[str, Any], subject: object = None) -> list[Row]:
        """The rows that `statement` gives, in one round trip; `subject` is the row it stores, named by errors."""
        return (await self.pipeline(statement.name, [(statement, values)], subject))[0]

    @abstractmethod
    async def pipeline(self, operation: str, calls: Sequence[Call], subject: object = None) -> list[list[Row]]:
        """The rows that each of `calls` gives, in one round trip and one transaction: all of them or none."""

    @property
    @abstractmethod
    def holds_locks(self) -> bool:
        """Whether locks may be held that others wait for."""

    @abstractmethod
    def remember(self, balances: Iterable[Balance]) -> None:
        """Keep `balances` as they stand, if they stay locked."""

    @abstractmethod
    def forget(self) -> None:
        """Forget what is locked, because rows were deleted."""

    @abstractmethod
    async def look(self, work: Callable[[Session], Eventual[T]]) -> T:
        """What `work` returns, called with a session whose reads see one moment, or what the transaction sees."""

    @abstractmethod
    async def run_forgettable(self, work: Callable[[TransactionSession], Eventual[T]]) -> T:
        """As `run`, for what does no harm if a crash of the server undoes it, though it has returned: a transaction of
        its own does not wait for the disk.
        """

    async def _roll_back(self, connection: Connection[Row]) -> None:
        try:
            if not connection.closed:
                await self.pool.exchange(connection, (), [_ROLLBACK], patience=MARGIN)
        except psycopg.Error:
            connection.pgconn.finish()

    def _typed(
        self, error: psycopg.Error, operation: str, *, commits: bool = False, subject: object = None
    ) -> MetacoreError:
        return translate(error, operation, self.pool.schema, commits=commits, subject=subject)
