"""The table of orders."""

from __future__ import annotations

from sqlalchemy import Boolean, CheckConstraint, Index, PrimaryKeyConstraint, Table, Text, text

from metacore.domain.trading.orders import OrderSide, OrderStatus, OrderType, TimeInForce
from metacore.postgres.tables.columns import (
    METADATA,
    amount_column,
    belongs_to,
    computed_column,
    ever,
    filtered,
    id_column,
    integer_column,
    json_column,
    key_column,
    name_column,
    not_negative,
    text_column,
    time_column,
)
from metacore.postgres.tables.domains import quoted
from metacore.postgres.tables.rights import UPDATED

OPEN_ORDERS = "closed_as IS NULL"
"""Which rows `orders_open_idx` has: a statement that says it in these words can be answered from it."""

CLOSED_ORDERS = "closed_as IS NOT NULL"
"""Which rows `orders_symbol_idx` has, for lists of one symbol. An order that is open has no place in it yet."""

CLOSED_ORDERS_BY_STATUS = f"{CLOSED_ORDERS} AND {filtered('created_at')}"
"""Which rows `orders_status_idx` has: the same, for lists of one status."""

HOLDING_ORDERS = "is_holding"
"""Which rows `orders_holding_idx` has."""

LISTED_ORDERS = ever("created_at")
"""Which rows `orders_newest_idx` has: all."""

_CLOSED = quoted(status for status in OrderStatus if not status.is_open)

orders = Table(
    "orders",
    METADATA,
    id_column("id"),
    id_column("user_id"),
    key_column("symbol"),
    key_column("base_asset"),
    key_column("quote_asset"),
    name_column("side", OrderSide),
    name_column("type", OrderType),
    name_column("time_in_force", TimeInForce, nullable=True),
    name_column("status", OrderStatus),
    amount_column("price", nullable=True),
    amount_column("quantity", nullable=True),
    amount_column("quote_quantity", nullable=True),
    amount_column("stop_price", nullable=True),
    amount_column("executed_quantity"),
    amount_column("executed_quote_quantity"),
    key_column("exchange_order_id", nullable=True),
    key_column("client_order_id", nullable=True),
    text_column("reason", nullable=True),
    time_column("transacted_at", nullable=True),
    json_column("raw", nullable=True),
    amount_column("settled_quantity"),
    amount_column("settled_quote_quantity"),
    key_column("held_asset", nullable=True),
    amount_column("held_amount"),
    time_column("placed_at", nullable=True),
    integer_column("version"),
    time_column("created_at"),
    time_column("updated_at"),
    # Indexes rest on these alone, and on nothing else that changes: reports and fills that leave an order open, and
    # holding, change no index, and its row stays on its page, where a revision has left room for that.
    computed_column("closed_as", Text(collation="C"), f"CASE WHEN status IN ({_CLOSED}) THEN status END"),
    computed_column("is_holding", Boolean(), "held_amount > 0", nullable=False),
    PrimaryKeyConstraint("user_id", "id", name="orders_pkey"),
    belongs_to("orders", "users", ["user_id"], ["id"]),
    not_negative("orders", "held_amount"),
    CheckConstraint("held_amount = 0 OR held_asset IS NOT NULL", name="orders_hold_has_asset"),
    info={"entity": "order", "rights": UPDATED, "may_delete": True},
)

for _name in ("client_order_id", "exchange_order_id"):
    Index(
        f"orders_{_name}_key",
        orders.c.user_id,
        orders.c[_name],
        unique=True,
        postgresql_where=text(f"{_name} IS NOT NULL"),
    )
Index(
    "orders_newest_idx",
    orders.c.user_id,
    orders.c.created_at.desc(),
    orders.c.id.desc(),
    postgresql_where=text(LISTED_ORDERS),
)
Index(
    "orders_open_idx",
    orders.c.user_id,
    orders.c.created_at.desc(),
    orders.c.id.desc(),
    postgresql_where=text(OPEN_ORDERS),
)
Index(
    "orders_symbol_idx",
    orders.c.user_id,
    orders.c.symbol,
    orders.c.created_at.desc(),
    orders.c.id.desc(),
    postgresql_where=text(f"{CLOSED_ORDERS} AND symbol IS NOT NULL"),
)
Index(
    "orders_status_idx",
    orders.c.user_id,
    orders.c.closed_as,
    orders.c.created_at.desc(),
    orders.c.id.desc(),
    postgresql_where=text(CLOSED_ORDERS_BY_STATUS),
)
Index("orders_holding_idx", orders.c.user_id, postgresql_where=text(HOLDING_ORDERS))
