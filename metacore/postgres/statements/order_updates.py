"""Statements of the storage of order updates."""

from __future__ import annotations

from metacore.postgres.client.codecs import ORDER_UPDATE
from metacore.postgres.client.statement import Statement
from metacore.postgres.statements.sets import OF_USER, array, looked_up, names, parameters, rows, without
from metacore.postgres.tables.order_updates import order_updates

APPENDED = without(ORDER_UPDATE.columns, "seq", "recorded_at")
"""The columns that an append is given; the storage adds the rest."""

_NAMED = f"unnest({array('order_ids', 'uuid')})"
_VALUES = ", ".join("users.id" if name == "user_id" else f"new.{name}" for name in APPENDED)

_APPEND = f"""
    INSERT INTO {{schema}}.order_updates ({names(APPENDED)}, seq, recorded_at)
    SELECT {_VALUES}, last.seqs[new.position] + new.rank, %(recorded_at)s::timestamptz
    FROM {{schema}}.users, (
        SELECT array_agg(coalesce((
            SELECT max(seq) FROM {{schema}}.order_updates AS stored
            WHERE stored.{OF_USER} AND stored.order_id = named.order_id
        ), 0) ORDER BY named.position) AS seqs
        FROM {_NAMED} WITH ORDINALITY AS named (order_id, position)
    ) AS last, {rows(order_updates, without(APPENDED, "user_id"), rank="bigint", position="bigint")}
    WHERE users.id = %(user_id)s::uuid
"""

APPEND = Statement("order_updates.append_many", _APPEND, writes=True)
"""Appends updates of one user's orders, of which each has the `position`, from 1, of its order among those named, and
its `rank` among those of its order, 1, 2, 3...; each order is named once.

An earlier statement has locked the orders, so that no other append takes the same `seq`. The last one is looked up once
for each order: a lookup for each row would step over all rows inserted before it. It is found again by its position: to
join two sets, neither of which has an index, takes the product of their sizes, or a hash.
"""

_OTHERS = without(APPENDED, "user_id")
APPEND_ONE = Statement(
    "order_updates.append",
    f"""
    INSERT INTO {{schema}}.order_updates (user_id, {names(_OTHERS)}, seq, recorded_at)
    SELECT users.id, {parameters(order_updates, _OTHERS)}, coalesce((
        SELECT max(seq) FROM {{schema}}.order_updates AS stored
        WHERE stored.{OF_USER} AND stored.order_id = %(order_id)s::uuid
    ), 0) + 1, %(recorded_at)s::timestamptz
    FROM {{schema}}.users WHERE users.id = %(user_id)s::uuid
    """,
    writes=True,
)
"""Appends one update."""

_ORDERS = looked_up(["id"], "orders", f"orders.{OF_USER} AND orders.id = named.order_id")
_KNOWN = f"""
    AND (SELECT count(*) FROM {_NAMED} AS named (order_id) {_ORDERS}) = cardinality({array("order_ids", "uuid")})
    RETURNING user_id, order_id, seq
"""

APPEND_IF_KNOWN = Statement("order_updates.append_many", _APPEND + _KNOWN, writes=True)
"""Like `APPEND`, but appends nothing unless all the orders are there."""

LIST = Statement(
    "order_updates.list",
    f"SELECT {names(ORDER_UPDATE.columns)} FROM {{schema}}.order_updates"
    " WHERE user_id = %(user_id)s::uuid AND order_id = %(order_id)s::uuid ORDER BY seq",
)
