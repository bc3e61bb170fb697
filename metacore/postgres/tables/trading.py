"""The tables of orders, their updates, and trades."""

from __future__ import annotations

from sqlalchemy import CheckConstraint, Index, PrimaryKeyConstraint, Table, text

from metacore.domain.order_updates import UpdateOutcome, UpdateSource
from metacore.domain.orders import OrderSide, OrderStatus, OrderType, TimeInForce
from metacore.domain.trades import TradeState
from metacore.postgres.tables.columns import (
    METADATA,
    amount_column,
    belongs_to,
    flag_column,
    id_column,
    integer_column,
    json_column,
    key_column,
    name_column,
    not_negative,
    text_column,
    time_column,
    unique,
)
from metacore.postgres.tables.domains import quoted

OPEN_ORDERS = f"status IN ({quoted(status for status in OrderStatus if status.is_open)})"
"""Which rows `orders_open_idx` has: a statement that says it in these words can be answered from it."""

HOLDING_ORDERS = "held_amount > 0"
"""Which rows `orders_holding_idx` has."""

PENDING_TRADES = "state = 'PENDING'"
"""Which rows `trades_pending_idx` has."""

UNSETTLED_TRADES = "state <> 'SETTLED'"
"""Which rows `trades_unsettled_idx` has."""

ORPHANED_TRADES = "state <> 'SETTLED' AND order_id IS NULL"
"""Which rows `trades_orphaned_by_..._idx` have: trades that still look for their order."""

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
    integer_column("version"),
    time_column("created_at"),
    time_column("updated_at"),
    PrimaryKeyConstraint("user_id", "id", name="orders_pkey"),
    unique("orders", "client_order_id", "user_id", "client_order_id"),
    unique("orders", "exchange_order_id", "user_id", "exchange_order_id"),
    belongs_to("orders", "users", ["user_id"], ["id"]),
    not_negative("orders", "held_amount"),
    CheckConstraint("held_amount = 0 OR held_asset IS NOT NULL", name="orders_hold_has_asset"),
)

Index("orders_newest_idx", orders.c.user_id, orders.c.created_at.desc(), orders.c.id.desc())
Index(
    "orders_open_idx",
    orders.c.user_id,
    orders.c.created_at.desc(),
    orders.c.id.desc(),
    postgresql_where=text(OPEN_ORDERS),
)
Index("orders_holding_idx", orders.c.user_id, postgresql_where=text(HOLDING_ORDERS))

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
)

trades = Table(
    "trades",
    METADATA,
    id_column("id"),
    id_column("user_id"),
    id_column("order_id", nullable=True),
    key_column("exchange_order_id", nullable=True),
    key_column("client_order_id", nullable=True),
    key_column("exchange_trade_id"),
    key_column("symbol"),
    name_column("side", OrderSide),
    amount_column("price"),
    amount_column("quantity"),
    amount_column("quote_quantity"),
    amount_column("commission"),
    key_column("commission_asset", nullable=True),
    flag_column("is_maker", nullable=True),
    time_column("traded_at"),
    json_column("raw", nullable=True),
    name_column("state", TradeState),
    integer_column("version"),
    time_column("created_at"),
    time_column("updated_at"),
    key_column("order_key"),
    PrimaryKeyConstraint("user_id", "id", name="trades_pkey"),
    unique("trades", "exchange_trade_id", "user_id", "symbol", "exchange_trade_id", "order_key"),
    belongs_to("trades", "users", ["user_id"], ["id"]),
)

Index("trades_newest_idx", trades.c.user_id, trades.c.traded_at.desc(), trades.c.id.desc())
Index("trades_by_order_idx", trades.c.user_id, trades.c.order_id, trades.c.traded_at, trades.c.id)
Index("trades_pending_idx", trades.c.user_id, trades.c.traded_at, trades.c.id, postgresql_where=text(PENDING_TRADES))
Index("trades_unsettled_idx", trades.c.user_id, trades.c.order_id, postgresql_where=text(UNSETTLED_TRADES))
Index(
    "trades_orphaned_by_exchange_order_id_idx",
    trades.c.user_id,
    trades.c.exchange_order_id,
    postgresql_where=text(ORPHANED_TRADES),
)
Index(
    "trades_orphaned_by_client_order_id_idx",
    trades.c.user_id,
    trades.c.client_order_id,
    postgresql_where=text(ORPHANED_TRADES),
)
