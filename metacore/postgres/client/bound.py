"""Transactions on connections of others, who have begun them and are to end them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from typing import Any, TypeVar

import psycopg
from psycopg.pq import TransactionStatus

from metacore._compat.psycopg_aio import Connection, wait
from metacore.errors import (
    ConfigurationError,
    InvalidDataError,
    MetacoreError,
    StorageUnavailableError,
    TransactionAbortedError,
)
from metacore.postgres.client.call import Call, Row
from metacore.postgres.client.connections import require_no_pipeline, require_utf8
from metacore.postgres.client.deadlines import MARGIN, within
from metacore.postgres.client.pool import Pool
from metacore.postgres.client.transaction_session import TransactionSession
from metacore.postgres.client.visiting import ISOLATION, leave, visit
from metacore.postgres.client.waits import Waiting
from metacore.postgres.client.wire import Wire

T = TypeVar("T")

_DOOM = b"ROLLBACK TO SAVEPOINT metacore_doomed_this_transaction"
"""Fails, since there is none: the server refuses to commit from then on."""


class BoundSession(TransactionSession):
    """Operations within a transaction of others, on their connection, which is left as it was after each."""

    def __init__(self, pool: Pool, connection: Connection[Any]) -> None:
        require_usable(connection)
        super().__init__(pool)
        self.openings = []
        self.is_shared = self.begins_at_once = True
        self._connection = connection
        self._begun = connection.pgconn.transaction_status != TransactionStatus.IDLE
        self._wire = Wire(connection, prepares=False, made_at=0, listens=False)
        self._is_known = False

    @property
    def can_conclude(self) -> bool:
        return False

    async def exchange(
        self,
        calls: Iterable[Call],
        openings: Sequence[bytes] = (),
        closing: bytes | None = None,
        patience: float | None = None,
    ) -> list[list[Row]]:
        connection = self.require_connection()
        if connection.pgconn.transaction_status == TransactionStatus.IDLE:
            openings = [_begin(connection), *openings]
        around: list[Call] = []
        if calls:
            timeout = patience - MARGIN if patience else self.pool.settings.statement_timeout
            visited = visit(timeout, self.pool.settings.lock_timeout, self.pool.is_cluster)
            # What is made late is made before anything is sent, so that nothing is undone by us.
            around = [(visited, {}), *calls, (leave(self.pool.is_cluster), {})]
        answers = await super().exchange(around, openings, closing, patience)
        if calls and not self._is_known:
            ((*_, isolation),) = answers[0]
            self._is_known = True
            if isolation != ISOLATION:
                error = ConfigurationError(
                    f"the transaction of the connection is {isolation.upper()}, and what is decided here rests on"
                    f" {ISOLATION.upper()}: begin it so",
                    setting="isolation_level",
                )
                raise self.doom(error)
        return answers[1:-1]

    async def perform(self, work: Callable[[Wire], Waiting[T]], patience: float | None = None) -> T:
        waiting = within(work(self._wire), patience or self.pool.patience)
        return await wait(self.require_connection(), waiting)

    def share(self) -> Connection[Any]:
        self.check_for_others()
        return self.require_connection()

    async def enforce_doom(self) -> None:
        connection = self.require_connection()
        if self.is_doomed and connection.pgconn.transaction_status == TransactionStatus.INTRANS:
            with suppress(psycopg.Error):
                await super().exchange((), [_DOOM], patience=MARGIN)


def require_usable(connection: Connection[Any]) -> None:
    """Raise what `bind` says of a connection that cannot be used."""
    if not isinstance(connection, Connection):
        raise _unusable(
            f"it is psycopg's {Connection.__name__}, not {type(connection).__name__}; of a connection of SQLAlchemy's,"
            " pass its driver's: `.connection.driver_connection`, or that of `get_raw_connection()`"
        )
    if connection.closed:
        raise StorageUnavailableError("the connection is closed; open another one, and a transaction in it")
    status = connection.pgconn.transaction_status
    if status == TransactionStatus.INERROR:
        raise TransactionAbortedError("a statement of the connection's transaction failed before; begin a new one")
    if status == TransactionStatus.IDLE and connection.autocommit:
        raise _unusable("it is in autocommit, and in no transaction; begin one, say by `connection.transaction()`")
    require_no_pipeline(connection)
    require_utf8(connection)


def _unusable(message: str) -> MetacoreError:
    return InvalidDataError(message, field="connection")


def _begin(connection: Connection[Any]) -> bytes:
    """What psycopg would begin a transaction of `connection` with."""
    words = [b"BEGIN"]
    if (level := connection.isolation_level) is not None:
        words.append(b"ISOLATION LEVEL " + psycopg.IsolationLevel(level).name.replace("_", " ").encode())
    if connection.read_only is not None:
        words.append(b"READ ONLY" if connection.read_only else b"READ WRITE")
    if connection.deferrable is not None:
        words.append(b"DEFERRABLE" if connection.deferrable else b"NOT DEFERRABLE")
    return b" ".join(words)
