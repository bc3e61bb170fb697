"""The connection of a transaction, as it is handed out for statements of others."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from typing import Any, NoReturn

import psycopg

from metacore._compat.psycopg_aio import Connection, wait
from metacore._compat.psycopg_undocumented import OpeningConnection


class TransactionConnection(OpeningConnection, Connection[Any]):
    """psycopg's connection of a transaction: each statement is within it, the first one too.

    It is an object of its own for the connection of the pool: what is set or registered on it is gone with it.
    """

    def __init__(self, connection: Connection[Any], openings: Callable[[], Sequence[bytes]]) -> None:
        super().__init__(connection)
        self._openings = openings

    def openings(self) -> Sequence[bytes]:
        return self._openings()

    @asynccontextmanager
    async def transaction(self, savepoint_name: str | None = None, force_rollback: bool = False) -> AsyncIterator[Any]:
        """A savepoint: see psycopg."""
        await wait(self, self._start_query())
        async with super().transaction(savepoint_name, force_rollback) as savepoint:
            yield savepoint

    async def commit(self) -> NoReturn:
        """Refused: the transaction is committed at the end of its block."""
        raise _refusal("commit")

    async def rollback(self) -> NoReturn:
        """Refused: the transaction is rolled back by an error that leaves its block."""
        raise _refusal("rollback")

    async def close(self) -> NoReturn:
        """Refused: the connection goes back to the pool at the end of the block."""
        raise _refusal("close")


def _refusal(name: str) -> psycopg.ProgrammingError:
    return psycopg.ProgrammingError(
        f"{name}() is not for the connection of a transaction: the end of its block commits, an error that leaves the"
        " block rolls back, and the storage keeps the connection"
    )
