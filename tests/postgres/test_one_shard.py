"""Which statements name the one user, record or name that they are about, plainly, and so ask one shard for its rows.

Where tables are distributed, the server that is asked sees which other one to ask by `column = $n` alone.
"""

import re

from metacore.postgres.client.statement import Statement
from metacore.postgres.schema.distribution import shards

from .test_statement_plans import explained

ASK_ALL = {
    "balances.unexplained": "pages of those of all users",
    "bars.ADD": "writes several parts",
    "bars.OLD": "those of all symbols",
    "credentials.GET_BY_API_KEY": "looks a name up and its user, on one server",
    "credentials.KEY_USE": "counts those of all users",
    "credentials.OUTDATED": "counts those of all users",
    "credentials.outdated_page": "pages of those of all users",
    "dead_letters.COUNT": "counts those of all sources",
    "dead_letters.page": "pages of those of all sources",
    "inbox.ENSURE": "writes several keys",
    "inbox.OLD": "those of all consumers",
    "logins.FIND": "looks a name up and its login, on one server",
    "names.FIND_MANY": "names of an API key under several keys",
    "order_records.COUNT": "counts all",
    "order_records.DROP_DELIVERIES": "parts of several records",
    "order_records.DROP_PAYMENTS": "parts of several records",
    "order_records.FIND": "by track number",
    "order_records.INSERT_IF_ABSENT": "writes several records",
    "order_records.SAVE": "writes several records",
    "order_records.TRIM_MANY": "parts of several records",
    "order_records.UPDATE": "writes several records",
    "order_records.page": "pages of all",
    "orders.IMPORT.conflicts": "compares rows of several users",
    "orders.IMPORT.insert": "writes rows of several users",
    "orders.in_status": "pages of those of all users",
    "outbox.LOCK_KEYS": "writes several keys",
    "outbox.OLD": "those of all topics",
    "portfolios.SYMBOLS": "those of all users",
    "portfolios.holders": "pages of those of all users",
    "reservations.due": "pages of those of all users",
    "sessions.OLD": "those of all users",
    "trades.IMPORT.conflicts": "compares rows of several users",
    "trades.IMPORT.insert": "writes rows of several users",
    "trades.pending": "pages of those of all users",
    "users.GET_BY_NAME": "looks a name up and its user, on one server",
    "users.page": "pages of all",
}
"""The statements that ask all shards, and why; the rest ask one."""

_ROWS = re.compile(r'(INTO )?"planned"\.(\w+)(?: AS (?!\()(\w+))?')
_EQUAL = re.compile(r"(?<![\w.])(?:(\w+)\.)?(\w+) = (?:%\(\w+\)s|(\w+)\.(\w+)\b)")


def asks_one(statement: Statement) -> bool:
    """Whether the column that rows lie by is equal to a parameter, or to such a column, for each table that it reads;
    what reads none inserts one row. Of a union, each part must.
    """
    text = " ".join(statement.text("planned").decode().split())
    return all(map(_part_asks_one, text.split(" UNION ALL ")))


def _part_asks_one(text: str) -> bool:
    lie_by = {name: column for name, (column, _) in shards().items()}
    tables = _ROWS.findall(text)
    read = [(alias or table, lie_by[table]) for into, table, alias in tables if not into]
    if tables and not read:
        return " VALUES (" in text
    equations = [
        ((left or name, column), (right, other) if right else None)
        for left, column, right, other in _EQUAL.findall(text)
        for name, of in read
        if (left in ("", name)) and column == of
    ]
    known: set[tuple[str, str]] = set()
    while found := {left for left, right in equations if right is None or right in known} - known:
        known |= found
    return set(read) <= known


def test_each_statement_asks_one_shard_or_is_known_to_ask_all() -> None:
    asking: dict[bool, set[str]] = {True: set(), False: set()}
    for name, statement in explained():
        asking[asks_one(statement)].add(name.partition("(")[0])
    assert sorted(asking[False]) == sorted(ASK_ALL)
    assert not asking[True] & ASK_ALL.keys()
