"""What an operator may not have meant: rows that a downgrade would take, and a second schema of Metacore's."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any, LiteralString

import psycopg

from metacore.errors import ConfigurationError
from metacore.postgres.client.identifiers import quote
from metacore.postgres.schema import migrating

_SIBLINGS: LiteralString = """
SELECT n.nspname::text FROM pg_catalog.pg_namespace n
JOIN pg_catalog.pg_class c ON c.relnamespace = n.oid AND c.relname = 'alembic_version'
WHERE pg_catalog.obj_description(c.oid, 'pg_class') LIKE 'metacore revision %%' AND n.nspname <> %(schema)s
ORDER BY 1
"""
_TABLES: LiteralString = """
SELECT c.relname::text FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
WHERE n.nspname = %(schema)s AND c.relkind IN ('r', 'p')
"""


def siblings(connection: psycopg.Connection[Any], schema: str) -> Sequence[str]:
    """The other schemas of this database that Metacore was deployed into."""
    return [name for (name,) in connection.execute(_SIBLINGS, {"schema": schema}).fetchall()]


def losses(
    connection: psycopg.Connection[Any], schema: str, start: str, revision: str, locked: bool = False
) -> Mapping[str, int]:
    """How many rows each table has that going down from `start` to `revision` drops, or drops a column of; no table
    without rows. With `locked`, nobody adds any before the transaction ends.
    """
    script = migrating.downgrade_script(schema, start, revision)
    named = re.escape(quote(schema))
    dropped = re.findall(rf"DROP TABLE (?:IF EXISTS )?{named}\.\"?(\w+)", script)
    narrowed = re.findall(rf"ALTER TABLE {named}\.\"?(\w+)[^;]*DROP COLUMN", script)
    stored = {name for (name,) in connection.execute(_TABLES, {"schema": schema}).fetchall()}
    tables = [name for name in dict.fromkeys([*dropped, *narrowed]) if name in stored - {"alembic_version"}]
    if locked and tables:
        connection.execute(f"LOCK TABLE {', '.join(f'{quote(schema)}.{quote(name)}' for name in tables)}".encode())
    counts = {}
    for name in tables:
        row = connection.execute(f"SELECT count(*) FROM {quote(schema)}.{quote(name)}".encode()).fetchone()  # noqa: S608 - quoted
        if row is not None and row[0]:
            counts[name] = int(row[0])
    return counts


def refuse(lost: Mapping[str, int]) -> ConfigurationError:
    """The error for a downgrade that would take rows which were to be kept."""
    losses = ", ".join(f"{count} of {name}" for name, count in lost.items())
    return ConfigurationError(f"rows would be deleted: {losses}; nothing was changed", setting="keep_rows")
