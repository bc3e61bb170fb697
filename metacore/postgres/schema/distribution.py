"""Distribution: the tables of a schema spread over the nodes of a Citus cluster, all rows of one user on one node.

Rows of a user lie by `user_id`, the parts of an order record by `order_uid`: what belongs together by a foreign key
lies together, so that one decision and its transaction touch one shard. Names lie by their own value, so that one shard
decides who has a name; events lie by their topic, with all that is known of who tells them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import psycopg
from sqlalchemy import ForeignKeyConstraint, Table

from metacore.errors import ConfigurationError
from metacore.postgres.client.identifiers import quote
from metacore.postgres.schema.drift import Drift
from metacore.postgres.tables import METADATA

Shard = tuple[str, str | None]
"""The column that rows lie by, and the table beside whose rows they lie, None for one that stands for itself."""

_HAS_CITUS = "SELECT FROM pg_catalog.pg_extension WHERE extname = 'citus'"
_SEQUENTIAL = "SET LOCAL citus.multi_shard_modify_mode TO 'sequential'"
"""One connection for each node: only so tables that foreign keys tie are distributed in one transaction."""

_DISTRIBUTED = """
SELECT c.relname, pg_catalog.column_to_column_name(p.logicalrelid, p.partkey), p.colocationid
FROM pg_catalog.pg_dist_partition p
JOIN pg_catalog.pg_class c ON c.oid = p.logicalrelid
JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
WHERE n.nspname = %(schema)s AND p.partmethod = 'h'
"""
_WHOLE = """
SELECT FROM pg_catalog.pg_dist_partition p
JOIN pg_catalog.pg_class c ON c.oid = p.logicalrelid
JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
WHERE n.nspname = %(schema)s AND p.partmethod = 'n' AND p.repmodel = 's' AND p.colocationid <> 0
"""
_DISTRIBUTE = "SELECT pg_catalog.create_distributed_table(%(table)s, %(column)s, colocate_with => %(beside)s)"


def shards() -> Mapping[str, Shard]:
    """How each table is to lie, owners before what belongs to them."""
    found: dict[str, Shard] = {}
    for table in METADATA.sorted_tables:
        owner = _owner(table)
        if owner is None:
            found[table.name] = str(table.info["sharded_by"]), table.info.get("beside")
        else:
            key, theirs = owner, found[owner.referred_table.name][0]
            column = next(element.parent.name for element in key.elements if element.column.name == theirs)
            found[table.name] = column, found[owner.referred_table.name][1] or owner.referred_table.name
    return found


def _owner(table: Table) -> ForeignKeyConstraint | None:
    return next((key for key in table.constraints if isinstance(key, ForeignKeyConstraint)), None)


def is_distributed(connection: psycopg.Connection[Any], schema: str) -> bool:
    """Whether any table of `schema` lies on the nodes of a cluster."""
    return bool(_distributed(connection, schema))


def distribute(connection: psycopg.Connection[Any], schema: str) -> Sequence[str]:
    """Distribute the tables of `schema` that are not, in this transaction, and name them.

    ConfigurationError on a server without the extension, where a table lies by another column, or where the schema lies
    on one node as a whole.
    """
    if not _has_citus(connection):
        raise ConfigurationError(
            "this database has no extension citus, and tables are distributed by it; run deploy without --distribute,"
            " or make the extension first: CREATE EXTENSION citus",
            setting="distribute",
        )
    if connection.execute(_WHOLE, {"schema": schema}).fetchone() is not None:
        raise ConfigurationError(
            f'the schema "{schema}" lies on one node as a whole, and its tables need no distribution;'
            " citus_schema_undistribute it first, to spread them over all nodes",
            setting="distribute",
        )
    stored = _distributed(connection, schema)
    if wrong := [drift for drift in find_undistributed(connection, schema) if drift.actual is not None]:
        raise ConfigurationError(
            f"{wrong[0].name} is distributed otherwise: {wrong[0].actual}, not {wrong[0].expected};"
            " undistribute_table it, and distribute again",
            setting="distribute",
        )
    connection.execute(_SEQUENTIAL)
    missing = {name: shard for name, shard in shards().items() if name not in stored}
    for name, (column, beside) in missing.items():
        values = {
            "table": _qualified(schema, name),
            "column": column,
            "beside": "none" if beside is None else _qualified(schema, beside),
        }
        connection.execute(_DISTRIBUTE, values)
    return tuple(missing)


def find_undistributed(connection: psycopg.Connection[Any], schema: str) -> list[Drift]:
    """The tables that do not lie as they should, in a schema of which any is distributed."""
    stored = _distributed(connection, schema)
    if not stored:
        return []
    drifts = []
    for name, (column, beside) in shards().items():
        expected = _words(column, beside)
        found = stored.get(name)
        actual = None
        if found is not None:
            together = beside is not None and beside in stored and stored[beside][1] == found[1]
            actual = _words(found[0], beside if together else None)
        if actual != expected:
            drifts.append(Drift("distribution", name, expected, actual))
    return drifts


def _words(column: str, beside: str | None) -> str:
    return f"by {column}" if beside is None else f"by {column}, with {beside}"


def _qualified(schema: str, table: str) -> str:
    return f"{quote(schema)}.{quote(table)}"


def _has_citus(connection: psycopg.Connection[Any]) -> bool:
    return connection.execute(_HAS_CITUS).fetchone() is not None


def _distributed(connection: psycopg.Connection[Any], schema: str) -> dict[str, tuple[str, int]]:
    """The distributed tables: by which column each lies, and in which group of tables that lie together."""
    if not _has_citus(connection):
        return {}
    rows = connection.execute(_DISTRIBUTED, {"schema": schema}).fetchall()
    return {name: (column, group) for name, column, group in rows}
