"""Statements of the storage of order updates."""

from __future__ import annotations

from metacore.postgres.codecs import ORDER_UPDATE
from metacore.postgres.statement import Statement
from metacore.postgres.statements.sets import names, rows, without
from metacore.postgres.tables import order_updates

_GIVEN = without(ORDER_UPDATE.columns, "seq", "recorded_at")

GIVEN = _GIVEN
"""The columns that an append is given; the storage adds the rest."""

APPEND = Statement(
    "order_updates.append_many",
    f"""
    INSERT INTO {{schema}}.order_updates ({names(_GIVEN)}, seq, recorded_at)
    SELECT {names(_GIVEN, "new.")},
        coalesce(stored.seq, 0) + row_number() OVER (PARTITION BY new.user_id, new.order_id ORDER BY new.position),
        %(recorded_at)s::timestamptz
    FROM {rows(order_updates, _GIVEN, position="bigint")}
    LEFT JOIN LATERAL (
        SELECT seq FROM {{schema}}.order_updates AS stored
        WHERE stored.user_id = new.user_id AND stored.order_id = new.order_id ORDER BY seq DESC LIMIT 1
    ) AS stored ON true
    WHERE %(orders)s::bigint = (
        SELECT count(*) FROM {{schema}}.orders AS known WHERE (known.user_id, known.id) IN (
            SELECT * FROM unnest(%(user_id)s::uuid[], %(order_id)s::uuid[])
        )
    )
    ORDER BY new.position
    RETURNING {names(ORDER_UPDATE.columns)}
    """,
    writes=True,
)
"""Appends to `orders` many orders, or nothing if one of them does not exist; the rows come in the given order.

An earlier statement has locked the orders, so that no other append takes the same `seq`.
"""

LIST = Statement(
    "order_updates.list",
    f"SELECT {names(ORDER_UPDATE.columns)} FROM {{schema}}.order_updates"
    " WHERE user_id = %(user_id)s::uuid AND order_id = %(order_id)s::uuid ORDER BY seq",
)
