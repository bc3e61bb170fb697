"""The table of order updates."""

from __future__ import annotations

from sqlalchemy import CheckConstraint, Index, PrimaryKeyConstraint, Table, text

from metacore.domain.trading.order_updates import UpdateOutcome, UpdateSource
from metacore.domain.trading.orders import OrderStatus
from metacore.postgres.tables.columns import (
    METADATA,
    amount_column,
    belongs_to,
    id_column,
    integer_column,
    json_column,
    name_column,
    text_column,
    time_column,
)
from metacore.postgres.tables.rights import KEPT

STALE_UPDATES = f"outcome = '{UpdateOutcome.STALE}'"
"""Which rows `order_updates_stale_idx` has."""

order_updates = Table(
    "order_updates",
    METADATA,
    id_column("user_id"),
    id_column("order_id"),
    name_column("previous_status", OrderStatus, nullable=True),
    name_column("status", OrderStatus),
    amount_column("executed_quantity"),
    amount_column("executed_quote_quantity"),
    name_column("outcome", UpdateOutcome),
    text_column("reason", nullable=True),
    name_column("source", UpdateSource),
    time_column("occurred_at"),
    json_column("raw", nullable=True),
    integer_column("seq"),
    time_column("recorded_at"),
    PrimaryKeyConstraint("user_id", "order_id", "seq", name="order_updates_pkey"),
    belongs_to("order_updates", "orders", ["user_id", "order_id"], ["user_id", "id"]),
    CheckConstraint("seq >= 1", name="order_updates_seq_from_one"),
    info={"entity": "order update", "rights": KEPT},
)

Index(
    "order_updates_stale_idx",
    order_updates.c.user_id,
    order_updates.c.order_id,
    order_updates.c.seq,
    postgresql_where=text(STALE_UPDATES),
)
