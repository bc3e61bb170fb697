"""The turn of a deployer: a lock that only who may change the schema can hold, so that nobody else holds it up."""

from __future__ import annotations

from typing import Any, LiteralString

import psycopg
from psycopg import sql

from metacore.postgres.client.identifiers import quote

# COMMENT locks what it is about, and wants its owner. The comment stays what it is.
_COMMENT: LiteralString = """
SELECT pg_catalog.obj_description(n.oid, 'pg_namespace') FROM pg_catalog.pg_namespace n WHERE n.nspname = %(schema)s
"""
_COMMENT_AGAIN = """
DECLARE
    name text := {schema};
BEGIN
    EXECUTE (
        SELECT pg_catalog.format('COMMENT ON SCHEMA %I IS %L', name, pg_catalog.obj_description(n.oid, 'pg_namespace'))
        FROM pg_catalog.pg_namespace n WHERE n.nspname = name
    );
END
"""

_EXISTS = {"42P06", "23505"}
"""What PostgreSQL says of a schema that is there already, and of one that somebody else made at the same time."""

_HOLDERS: LiteralString = """
SELECT DISTINCT a.pid, a.usename::text, pg_catalog.left(COALESCE(a.application_name, ''), 63), a.xact_start
FROM pg_catalog.pg_locks l
JOIN pg_catalog.pg_stat_activity a ON a.pid = l.pid
JOIN pg_catalog.pg_namespace n ON n.nspname = %(schema)s
LEFT JOIN pg_catalog.pg_class c ON c.oid = l.relation AND l.locktype = 'relation'
WHERE l.granted AND l.pid <> pg_catalog.pg_backend_pid()
AND l.database = (SELECT d.oid FROM pg_catalog.pg_database d WHERE d.datname = pg_catalog.current_database())
AND (
    c.relnamespace = n.oid
    OR l.locktype = 'object' AND l.classid = 'pg_catalog.pg_namespace'::regclass AND l.objid = n.oid
    AND l.mode <> 'AccessShareLock'
)
ORDER BY a.xact_start, a.pid LIMIT 3
"""


def exists(connection: psycopg.Connection[Any], schema: str) -> bool:
    """Whether there is such a schema."""
    return connection.execute(_COMMENT, {"schema": schema}).fetchone() is not None


def create(connection: psycopg.Connection[Any], schema: str) -> None:
    """Make the schema, unless somebody else has just done so, whose transaction is waited for."""
    try:
        with connection.transaction():
            connection.execute(f"CREATE SCHEMA {quote(schema)}".encode())
    except psycopg.Error as error:
        if error.sqlstate not in _EXISTS:
            raise


def take(connection: psycopg.Connection[Any], schema: str) -> None:
    """Wait for the turn; it lasts as long as the transaction."""
    row = connection.execute(_COMMENT, {"schema": schema}).fetchone()
    if row is not None:
        comment = sql.SQL("COMMENT ON SCHEMA {} IS {}").format(sql.Identifier(schema), sql.Literal(row[0]))
        connection.execute(comment)


def script(schema: str) -> str:
    """The same for a script."""
    return f"DO {_literal(_COMMENT_AGAIN.replace('{schema}', _literal(schema)))}"


def holders(connection: psycopg.Connection[Any], schema: str) -> str:
    """Who has locks on the schema or what is in it now, as far as this role may know; empty if nobody has."""
    rows = connection.execute(_HOLDERS, {"schema": schema}).fetchall()
    return ", ".join(f"{role} (process {pid}, {name or 'unnamed'!r})" for pid, role, name, _ in rows)


def _literal(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"
