"""The tables: named as the storages, columns as the fields of the models. Statements and migrations rest on them."""

from __future__ import annotations

from metacore.postgres.tables.balances import MOVING_ENTRIES, REFERENCED_ENTRIES, balance_entries, balances
from metacore.postgres.tables.columns import METADATA
from metacore.postgres.tables.credentials import user_api_keys, user_credentials
from metacore.postgres.tables.order_records import (
    order_record_deliveries,
    order_record_items,
    order_record_payments,
    order_records,
)
from metacore.postgres.tables.order_updates import order_updates
from metacore.postgres.tables.orders import HOLDING_ORDERS, OPEN_ORDERS, orders
from metacore.postgres.tables.portfolios import portfolio_holdings, portfolios
from metacore.postgres.tables.trades import ORPHANED_TRADES, PENDING_TRADES, UNSETTLED_TRADES, trades
from metacore.postgres.tables.users import users

UNIQUE_FIELDS = {
    "users_pkey": ("user", "id"),
    "users_uid_key": ("user", "uid"),
    "users_username_key": ("user", "username"),
    "users_email_key": ("user", "email"),
    "users_telegram_id_key": ("user", "telegram_id"),
    "orders_pkey": ("order", "id"),
    "orders_client_order_id_key": ("order", "client_order_id"),
    "orders_exchange_order_id_key": ("order", "exchange_order_id"),
    "order_updates_pkey": ("order update", "seq"),
    "trades_pkey": ("trade", "id"),
    "trades_exchange_trade_id_key": ("trade", "exchange_trade_id"),
    "balances_pkey": ("balance", "asset"),
    "balance_entries_pkey": ("balance entry", "seq"),
    "balance_entries_reference_key": ("balance entry", "reference"),
    "user_credentials_pkey": ("credentials", "user_id"),
    "user_api_keys_pkey": ("credentials", "api_key"),
    "user_api_keys_api_key_hash_key": ("credentials", "api_key"),
    "portfolios_pkey": ("portfolio", "user_id"),
    "portfolio_holdings_pkey": ("portfolio holding", "symbol"),
    "order_records_pkey": ("order record", "order_uid"),
    "order_record_deliveries_pkey": ("order record delivery", "order_uid"),
    "order_record_payments_pkey": ("order record payment", "order_uid"),
    "order_record_items_pkey": ("order record item", "position"),
}
"""Which entity and field is taken when a unique constraint or index refuses a row."""

OWNERS = {
    "orders_users_fkey": "user",
    "order_updates_orders_fkey": "order",
    "trades_users_fkey": "user",
    "balances_users_fkey": "user",
    "balance_entries_balances_fkey": "balance",
    "user_credentials_users_fkey": "user",
    "user_api_keys_user_credentials_fkey": "credentials",
    "portfolios_users_fkey": "user",
    "portfolio_holdings_portfolios_fkey": "portfolio",
    "order_record_deliveries_order_records_fkey": "order record",
    "order_record_payments_order_records_fkey": "order record",
    "order_record_items_order_records_fkey": "order record",
}
"""Which entity is missing when a foreign key refuses a row."""

NOT_NEGATIVE = frozenset(
    {
        "balances_free_not_negative",
        "balances_locked_not_negative",
        "balance_entries_free_after_not_negative",
        "balance_entries_locked_after_not_negative",
    }
)
"""The CHECKs that refuse a balance below zero."""

__all__ = [
    "HOLDING_ORDERS",
    "METADATA",
    "MOVING_ENTRIES",
    "NOT_NEGATIVE",
    "OPEN_ORDERS",
    "ORPHANED_TRADES",
    "OWNERS",
    "PENDING_TRADES",
    "REFERENCED_ENTRIES",
    "UNIQUE_FIELDS",
    "UNSETTLED_TRADES",
    "balance_entries",
    "balances",
    "order_record_deliveries",
    "order_record_items",
    "order_record_payments",
    "order_records",
    "order_updates",
    "orders",
    "portfolio_holdings",
    "portfolios",
    "trades",
    "user_api_keys",
    "user_credentials",
    "users",
]
