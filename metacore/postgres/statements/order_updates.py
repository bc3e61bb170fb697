"""Statements of the storage of order updates."""

from __future__ import annotations

from metacore.postgres.codecs import ORDER_UPDATE
from metacore.postgres.statement import Statement
from metacore.postgres.statements.sets import names, rows, without
from metacore.postgres.tables import order_updates

GIVEN = without(ORDER_UPDATE.columns, "seq", "recorded_at")
"""The columns that an append is given; the storage adds the rest."""

_APPEND = f"""
    INSERT INTO {{schema}}.order_updates ({names(GIVEN)}, seq, recorded_at)
    SELECT {names(GIVEN, "new.")}, new.rank + coalesce((
            SELECT max(seq) FROM {{schema}}.order_updates AS stored
            WHERE stored.user_id = new.user_id AND stored.order_id = new.order_id
        ), 0), %(recorded_at)s::timestamptz
    FROM {rows(order_updates, GIVEN, rank="bigint")} %s
    RETURNING seq
"""

APPEND = Statement("order_updates.append_many", _APPEND.replace("%s\n", "\n"), writes=True)
"""Appends updates, of which each has its `rank` among those of its order: 1, 2, 3...

An earlier statement has locked the orders, so that no other append takes the same `seq`.
"""

_KNOWN = """WHERE %(orders)s::bigint = (
        SELECT count(*) FROM {schema}.orders AS known WHERE (known.user_id, known.id) IN (
            SELECT * FROM unnest(%(user_id)s::uuid[], %(order_id)s::uuid[])
        )
    )
"""

APPEND_IF_KNOWN = Statement("order_updates.append_many", _APPEND.replace("%s\n", _KNOWN), writes=True)
"""Like `APPEND`, but appends nothing unless there are as many `orders` as the updates name."""

LIST = Statement(
    "order_updates.list",
    f"SELECT {names(ORDER_UPDATE.columns)} FROM {{schema}}.order_updates"
    " WHERE user_id = %(user_id)s::uuid AND order_id = %(order_id)s::uuid ORDER BY seq",
)
