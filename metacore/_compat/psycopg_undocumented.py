"""What Metacore takes from psycopg that psycopg does not document, all in one place.

`tests/test_psycopg_undocumented.py` says what is expected of it; `nox -s tests-lowest` runs that on the oldest psycopg.
"""

from __future__ import annotations

from collections.abc import Generator
from typing import Any, TypeVar

from psycopg import AsyncConnection, BaseConnection, Connection
from psycopg.adapt import Transformer
from psycopg.errors import error_from_result
from psycopg.pq.abc import PGresult
from psycopg.waiting import Ready, Wait

__all__ = [
    "BaseConnection",
    "PGresult",
    "Ready",
    "RowLoader",
    "Wait",
    "error_from_result",
    "wait_async",
    "wait_blocking",
]

T = TypeVar("T")


class RowLoader:
    """Python's values of results, by the loaders of one connection."""

    __slots__ = ("_transformer",)

    def __init__(self, connection: BaseConnection[Any]) -> None:
        self._transformer = Transformer(connection)

    def rows(self, result: PGresult) -> list[tuple[Any, ...]]:
        self._transformer.set_pgresult(result)
        return self._transformer.load_rows(0, result.ntuples, tuple)


async def wait_async(connection: AsyncConnection[Any], waiting: Generator[Wait, Ready | int, T]) -> T:
    """What `waiting` returns, run while nobody else uses `connection`."""
    async with connection.lock:
        return await connection.wait(waiting)


def wait_blocking(connection: Connection[Any], waiting: Generator[Wait, Ready | int, T]) -> T:
    """What `waiting` returns, run while nobody else uses `connection`."""
    with connection.lock:
        return connection.wait(waiting)
