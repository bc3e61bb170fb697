# Made from metacore/postgres/storages/pipeline.py by `python tools/generate_sync.py`. Do not edit.
"""Several statements in one round trip."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from metacore._compat.psycopg_blocking import Connection, Cursor
from metacore.postgres.statement import Statement

Row = tuple[Any, ...]
Call = tuple[Statement, Mapping[str, Any]]
"""A statement and its parameters."""


def run_pipeline(
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
    with connection.pipeline():
        for opening in openings:
            connection.execute(opening, prepare=False)
        for statement, values in calls:
            cursors.append(connection.execute(statement.text(schema), values))
        if closing is not None:
            connection.execute(closing, prepare=False)
    return [rows_of(cursor) for cursor in cursors]


def rows_of(cursor: Cursor[Row]) -> list[Row]:
    """The rows that the cursor's statement gave; none if it is not one that gives rows."""
    # Not `cursor.description`, which builds an object for each column.
    result = cursor.pgresult
    return cursor.fetchall() if result is not None and result.nfields else []
