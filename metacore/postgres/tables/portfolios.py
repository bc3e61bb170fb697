"""The tables of portfolios and what they hold."""

from __future__ import annotations

from sqlalchemy import CheckConstraint, Index, PrimaryKeyConstraint, Table, text

from metacore.postgres.tables.columns import (
    METADATA,
    amount_column,
    belongs_to,
    id_column,
    integer_column,
    key_column,
    time_column,
)
from metacore.postgres.tables.rights import DELETED, UPDATED

portfolios = Table(
    "portfolios",
    METADATA,
    id_column("user_id"),
    integer_column("version"),
    time_column("created_at"),
    time_column("updated_at"),
    PrimaryKeyConstraint("user_id", name="portfolios_pkey"),
    belongs_to("portfolios", "users", ["user_id"], ["id"]),
    info={"entity": "portfolio", "rights": UPDATED},
)

portfolio_holdings = Table(
    "portfolio_holdings",
    METADATA,
    id_column("user_id"),
    key_column("symbol"),
    amount_column("quantity"),
    PrimaryKeyConstraint("user_id", "symbol", name="portfolio_holdings_pkey"),
    belongs_to("portfolio_holdings", "portfolios", ["user_id"], ["user_id"]),
    CheckConstraint("quantity > 0", name="portfolio_holdings_quantity_positive"),
    info={"entity": "portfolio holding", "rights": DELETED},
)

Index(
    "portfolio_holdings_holders_idx",
    portfolio_holdings.c.symbol,
    portfolio_holdings.c.user_id,
    postgresql_where=text("symbol IS NOT NULL"),
)
