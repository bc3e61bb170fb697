"""The statements of a careful author, over the tables of Metacore, for drivers that number parameters."""

from __future__ import annotations

from metacore.postgres.client.codecs import ORDER

S = "metacore"


def _values(count: int) -> str:
    return ", ".join(f"${number}" for number in range(1, count + 1))


GET = f"SELECT {', '.join(ORDER.columns)} FROM {S}.orders WHERE user_id = $1 AND id = $2"
CREATE = f"INSERT INTO {S}.orders ({', '.join(ORDER.columns)}) VALUES ({_values(len(ORDER.columns))})"
LIST = (
    f"SELECT {', '.join(ORDER.columns)} FROM {S}.orders WHERE user_id = $1 ORDER BY created_at DESC, id DESC LIMIT $2"
)
LIST_BEHIND = (
    f"SELECT {', '.join(ORDER.columns)} FROM {S}.orders WHERE user_id = $1 AND (created_at, id) < ($2, $3)"
    " ORDER BY created_at DESC, id DESC LIMIT $4"
)

LOCK_USER = f"SELECT balances_as_of, can_trade FROM {S}.users WHERE id = $1 FOR KEY SHARE"
LOCK_ORDER = (
    "SELECT status, base_asset, quote_asset, executed_quantity, executed_quote_quantity, settled_quantity,"
    f" settled_quote_quantity, held_amount FROM {S}.orders WHERE user_id = $1 AND id = $2 FOR UPDATE"
)
FIND_TRADE = f"SELECT id FROM {S}.trades WHERE user_id = $1 AND symbol = $2 AND exchange_trade_id = $3"
FIND_ORDER = f"SELECT id FROM {S}.orders WHERE user_id = $1 AND client_order_id = $2"
FIND_DEPOSIT = f"SELECT asset FROM {S}.balance_entries WHERE user_id = $1 AND reason = 'DEPOSIT' AND reference = $2"
FIND_RESERVATION = f"SELECT id FROM {S}.reservations WHERE user_id = $1 AND asset = $2 AND reference = $3"
LOCK_BALANCES = (
    f"SELECT asset, free, locked, last_seq FROM {S}.balances WHERE user_id = $1 AND asset = ANY ($2)"
    " ORDER BY asset FOR UPDATE"
)
INSERT_BALANCE = (
    f"INSERT INTO {S}.balances (user_id, asset, free, locked, unexplained, last_seq, head, version, created_at,"
    " updated_at) VALUES ($1, $2, 0, 0, 0, 0, '', 1, $3, $3) ON CONFLICT DO NOTHING"
)
INSERT_TRADE = (
    f"INSERT INTO {S}.trades (id, user_id, order_id, exchange_trade_id, symbol, side, price, quantity, quote_quantity,"
    " commission, commission_asset, traded_at, state, version, created_at, updated_at, order_key)"
    f" VALUES ({_values(12)}, 'SETTLED', 1, $13, $13, $14)"
)
UPDATE_ORDER = (
    f"UPDATE {S}.orders SET status = $3, executed_quantity = $4, executed_quote_quantity = $5, settled_quantity = $6,"
    " settled_quote_quantity = $7, held_amount = $8, version = version + 1, updated_at = $9"
    " WHERE user_id = $1 AND id = $2"
)
APPEND_UPDATE = (
    f"INSERT INTO {S}.order_updates (user_id, order_id, seq, previous_status, status, executed_quantity,"
    " executed_quote_quantity, outcome, source, occurred_at, recorded_at) SELECT $1, $2, coalesce((SELECT max(seq)"
    f" FROM {S}.order_updates WHERE user_id = $1 AND order_id = $2), 0) + 1, $3, $4, $5, $6, 'APPLIED', 'LOCAL',"
    " $7, $8"
)
INSERT_ENTRY = (
    f"INSERT INTO {S}.balance_entries (user_id, asset, seq, delta_free, delta_locked, free_after, locked_after, reason,"
    " reference, occurred_at, created_at, delta_unexplained, unexplained_after, hash)"
    f" VALUES ({_values(11)}, 0, 0, '')"
)
UPDATE_BALANCE = (
    f"UPDATE {S}.balances SET free = $3, locked = $4, last_seq = $5, version = version + 1, updated_at = $6"
    " WHERE user_id = $1 AND asset = $2"
)
INSERT_RESERVATION = (
    f"INSERT INTO {S}.reservations (id, user_id, asset, amount, state, reference, held_amount, posted_amount, version,"
    " created_at, updated_at) VALUES ($1, $2, $3, $4, 'PENDING', $5, $4, 0, 1, $6, $6)"
)
LOCK_RESERVATION = (
    f"SELECT asset, amount, reference, state FROM {S}.reservations WHERE user_id = $1 AND id = $2 FOR UPDATE"
)
POST_RESERVATION = (
    f"UPDATE {S}.reservations SET state = 'POSTED', held_amount = 0, posted_amount = amount, posted_to = $3,"
    " resolved_at = $4, version = version + 1, updated_at = $4 WHERE user_id = $1 AND id = $2"
)
FIND_TRANSFER = f"SELECT asset FROM {S}.user_transfers WHERE user_id = $1 AND reference = $2"
INSERT_TRANSFER = (
    f"INSERT INTO {S}.user_transfers (user_id, to_user_id, asset, amount, reference, occurred_at)"
    " VALUES ($1, $2, $3, $4, $5, $6)"
)

TRADES = (
    *("id", "user_id", "order_id", "exchange_trade_id", "symbol", "side", "price", "quantity", "quote_quantity"),
    *("commission", "commission_asset", "traded_at", "state", "version", "created_at", "updated_at", "order_key"),
)
STAGE = f"CREATE TEMP TABLE staged ON COMMIT DROP AS SELECT {', '.join(TRADES)} FROM {S}.trades LIMIT 0"
COPY = f"COPY staged ({', '.join(TRADES)}) FROM STDIN"
FROM_STAGE = (
    f"INSERT INTO {S}.trades ({', '.join(TRADES)}) SELECT {', '.join(TRADES)} FROM staged ON CONFLICT DO NOTHING"
)
