"""Statements of the storage of archives."""

from __future__ import annotations

from sqlalchemy import Table

from metacore.postgres.client.codecs import ARCHIVE_PART
from metacore.postgres.client.statement import Statement
from metacore.postgres.statements.sets import OF_USER, equal, names, parameters
from metacore.postgres.tables.archives import archives
from metacore.postgres.tables.balances import balance_entries
from metacore.postgres.tables.orders import orders
from metacore.postgres.tables.trades import trades


def _delete(table: Table, *key: str) -> Statement:
    """Deletes one row of a user, by its `key`, and gives a row for it. For a set the planner might read all rows
    of the user, to look for each in the set.
    """
    where = equal(table, "user_id", *key)
    return Statement("archives.take", f"DELETE FROM {{schema}}.{table.name} WHERE {where} RETURNING 1", writes=True)


DELETE_ORDER = _delete(orders, "id")
DELETE_TRADE = _delete(trades, "id")
DELETE_ENTRY = _delete(balance_entries, "asset", "seq")

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
