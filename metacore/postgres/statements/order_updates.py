"""Statements of the storage of order updates."""

from __future__ import annotations

from metacore.postgres.client.codecs import ORDER_UPDATE
from metacore.postgres.client.statement import Statement
from metacore.postgres.statements.sets import array, names, rows, without
from metacore.postgres.tables.order_updates import order_updates

GIVEN = without(ORDER_UPDATE.columns, "seq", "recorded_at")
"""The columns that an append is given; the storage adds the rest."""

_APPEND = f"""
    WITH last AS MATERIALIZED (
        SELECT named.*, (
            SELECT max(seq) FROM {{schema}}.order_updates AS stored
            WHERE stored.user_id = named.user_id AND stored.order_id = named.order_id
        ) AS seq
        FROM unnest({array("owner_ids", "uuid")}, {array("order_ids", "uuid")}) AS named (user_id, order_id)
    )
    INSERT INTO {{schema}}.order_updates ({names(GIVEN)}, seq, recorded_at)
    SELECT {names(GIVEN, "new.")}, coalesce(last.seq, 0) + new.rank, %(recorded_at)s::timestamptz
    FROM {rows(order_updates, GIVEN, rank="bigint")} JOIN last USING (user_id, order_id)
"""

APPEND = Statement("order_updates.append_many", _APPEND + "RETURNING 1", writes=True)
"""Appends updates, of which each has its `rank` among those of its order, 1, 2, 3..., and names each order once.

An earlier statement has locked the orders, so that no other append takes the same `seq`. The last one is looked up once
for each order: a lookup for each row would step over all rows inserted before it.
"""

_KNOWN = """
    WHERE (SELECT count(*) FROM last) = (
        SELECT count(*) FROM {schema}.orders AS known
        JOIN last ON known.user_id = last.user_id AND known.id = last.order_id
    )
    RETURNING user_id, order_id, seq
"""

APPEND_IF_KNOWN = Statement("order_updates.append_many", _APPEND + _KNOWN, writes=True)
"""Like `APPEND`, but appends nothing unless all the orders are there."""

LIST = Statement(
    "order_updates.list",
    f"SELECT {names(ORDER_UPDATE.columns)} FROM {{schema}}.order_updates"
    " WHERE user_id = %(user_id)s::uuid AND order_id = %(order_id)s::uuid ORDER BY seq",
)
