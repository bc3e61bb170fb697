"""The table of trades."""

from __future__ import annotations

from sqlalchemy import Index, PrimaryKeyConstraint, Table, text

from metacore.domain.trading.orders import OrderSide
from metacore.domain.trading.trades import TradeState
from metacore.postgres.tables.columns import (
    METADATA,
    amount_column,
    belongs_to,
    ever,
    filtered,
    flag_column,
    id_column,
    integer_column,
    json_column,
    key_column,
    name_column,
    time_column,
)
from metacore.postgres.tables.rights import UPDATED

PENDING_TRADES = "state = 'PENDING'"
"""Which rows `trades_pending_idx` has."""

RECORDED_TRADES = "state = 'RECORDED'"
"""Which rows `trades_recorded_idx` has."""

TRADES_BY_SYMBOL = filtered("traded_at")
"""Which rows `trades_symbol_idx` has: all."""

UNSETTLED_TRADES = "state <> 'SETTLED' AND order_id IS NOT NULL"
"""Which rows `trades_unsettled_idx` has."""

ORPHANED_BY_EXCHANGE_ORDER_ID = "state <> 'SETTLED' AND order_id IS NULL AND exchange_order_id IS NOT NULL"
ORPHANED_BY_CLIENT_ORDER_ID = (
    "state <> 'SETTLED' AND order_id IS NULL AND exchange_order_id IS NULL AND client_order_id IS NOT NULL"
)
"""Which rows `trades_orphaned_by_..._idx` have: trades that still look for their order."""

LISTED_TRADES = ever("traded_at")
"""Which rows `trades_newest_idx` has: all."""

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
    belongs_to("trades", "users", ["user_id"], ["id"]),
    info={"entity": "trade", "rights": UPDATED},
)

Index(
    "trades_exchange_trade_id_key",
    trades.c.user_id,
    trades.c.symbol,
    trades.c.exchange_trade_id,
    trades.c.order_key,
    unique=True,
    postgresql_where=text("exchange_trade_id IS NOT NULL"),
)
Index(
    "trades_newest_idx",
    trades.c.user_id,
    trades.c.traded_at.desc(),
    trades.c.id.desc(),
    postgresql_where=text(LISTED_TRADES),
)
Index(
    "trades_by_order_idx",
    trades.c.user_id,
    trades.c.order_id,
    trades.c.traded_at,
    trades.c.id,
    postgresql_where=text("order_id IS NOT NULL"),
)
Index(
    "trades_symbol_idx",
    trades.c.user_id,
    trades.c.symbol,
    trades.c.traded_at.desc(),
    trades.c.id.desc(),
    postgresql_where=text(TRADES_BY_SYMBOL),
)
Index(
    "trades_recorded_idx",
    trades.c.user_id,
    trades.c.traded_at.desc(),
    trades.c.id.desc(),
    postgresql_where=text(RECORDED_TRADES),
)
Index("trades_pending_idx", trades.c.user_id, trades.c.traded_at, trades.c.id, postgresql_where=text(PENDING_TRADES))
Index("trades_unsettled_idx", trades.c.user_id, trades.c.order_id, postgresql_where=text(UNSETTLED_TRADES))
Index(
    "trades_orphaned_by_exchange_order_id_idx",
    trades.c.user_id,
    trades.c.exchange_order_id,
    postgresql_where=text(ORPHANED_BY_EXCHANGE_ORDER_ID),
)
Index(
    "trades_orphaned_by_client_order_id_idx",
    trades.c.user_id,
    trades.c.client_order_id,
    postgresql_where=text(ORPHANED_BY_CLIENT_ORDER_ID),
)
