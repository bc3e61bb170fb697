"""Statements of the storage of archives."""

from __future__ import annotations

from sqlalchemy import Table

from metacore.postgres.client.codecs import ARCHIVE_PART
from metacore.postgres.client.statement import Statement
from metacore.postgres.statements.sets import OF_USER, equal, matched, names, parameters, rows
from metacore.postgres.tables.archives import archives
from metacore.postgres.tables.balances import balance_entries
from metacore.postgres.tables.orders import orders
from metacore.postgres.tables.trades import trades


def _delete(table: Table, *key: str) -> Statement:
    """Deletes the rows of one user that have one of the given values of `key`, and gives a row for each."""
    return Statement(
        "archives.take",
        f"DELETE FROM {{schema}}.{table.name} USING {rows(table, key, 'gone')}"
        f" WHERE {table.name}.{OF_USER} AND {matched(table, table.name, key, 'gone')} RETURNING 1",
        writes=True,
    )


DELETE_ORDERS = _delete(orders, "id", "version")
DELETE_TRADES = _delete(trades, "id", "version")
DELETE_ENTRIES = _delete(balance_entries, "asset", "seq")

LAST = Statement(
    "archives.take",
    f"SELECT number FROM {{schema}}.archives WHERE {OF_USER} ORDER BY number DESC LIMIT 1",
)

INSERT = Statement(
    "archives.take",
    f"INSERT INTO {{schema}}.archives ({names(ARCHIVE_PART.columns)})"
    f" VALUES ({parameters(archives, ARCHIVE_PART.columns)}) RETURNING number",
    writes=True,
)

LIST = Statement(
    "archives.list",
    f"SELECT {names(ARCHIVE_PART.columns)} FROM {{schema}}.archives"
    f" WHERE {equal(archives, 'user_id')} AND number > %(after)s::bigint ORDER BY number",
)
