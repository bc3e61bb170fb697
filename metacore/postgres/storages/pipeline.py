"""Several statements in one round trip."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from metacore._compat.psycopg_aio import Connection, Cursor
from metacore.postgres.statement import Statement

Row = tuple[Any, ...]
Call = tuple[Statement, Mapping[str, Any]]
"""A statement and its parameters."""


async def run_pipeline(
    connection: Connection[Row],
    schema: str,
    calls: Sequence[Call],
    openings: Sequence[bytes] = (),
    closing: bytes | None = None,
) -> list[list[Row]]:
    """The rows that each of `calls` gives, between the commands `openings` and `closing`, all in one round trip.

    Outside of a transaction the server runs what comes before the end of a pipeline as one.
    """
    cursors: list[Cursor[Row]] = []
    async with connection.pipeline():
        for opening in openings:
            await connection.execute(opening, prepare=False)
        for statement, values in calls:
            cursors.append(await connection.execute(statement.text(schema), values))
        if closing is not None:
            await connection.execute(closing, prepare=False)
    return [await rows_of(cursor) for cursor in cursors]


async def rows_of(cursor: Cursor[Row]) -> list[Row]:
    """The rows that the cursor's statement gave; none if it is not one that gives rows."""
    # Not `cursor.description`, which builds an object for each column.
    result = cursor.pgresult
    return await cursor.fetchall() if result is not None and result.nfields else []
