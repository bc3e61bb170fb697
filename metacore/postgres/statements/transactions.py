"""Statements that load what a decision rests on, and check and save what it changes."""

from __future__ import annotations

from functools import cache

from metacore.domain.trading.balances import UNIQUELY_REFERENCED
from metacore.domain.trading.orders import CONTENT
from metacore.postgres.client.codecs import BALANCE, BALANCE_ENTRY, ORDER, ORDER_UPDATE, TRADE, USER
from metacore.postgres.client.statement import Statement
from metacore.postgres.statements.sets import array, assignments, names, rows, without
from metacore.postgres.tables.balances import FACT_ENTRIES, balance_entries
from metacore.postgres.tables.domains import quoted
from metacore.postgres.tables.order_updates import STALE_UPDATES
from metacore.postgres.tables.orders import HOLDING_ORDERS, orders
from metacore.postgres.tables.trades import trades

_IDS = f"{array('ids', 'uuid')}::uuid[]"
_USERS = f"SELECT {names(USER.columns)} FROM {{schema}}.users WHERE id = ANY ({_IDS}) ORDER BY id "
LOCK_USERS = Statement("load", _USERS + "FOR KEY SHARE")
LOCK_USERS_EXCLUSIVELY = Statement("load", _USERS + "FOR UPDATE")

COLUMNS = {"order_id": "id", "exchange_order_id": "exchange_order_id", "client_order_id": "client_order_id"}
"""The columns of an order that are its ids, by the fields of OrderIds; a trade's are named like these."""


def _given(name: str) -> str:
    ids = array(name, "uuid" if name == "order_id" else "text")
    return f"unnest({array(f'{name}_user_id', 'uuid')}, {ids}) AS given (user_id, {name})"


def _named(kinds: tuple[str, ...]) -> str:
    found = " UNION ".join(
        f"SELECT o.user_id, o.id FROM {{schema}}.orders AS o JOIN {_given(name)}"
        f" ON o.user_id = given.user_id AND o.{COLUMNS[name]} = given.{name}"
        for name in kinds
    )
    return f"(orders.user_id, orders.id) IN ({found})"


def _found(kinds: tuple[str, ...], holding: bool) -> str:
    where = [_named(kinds)] if kinds else []
    if holding:
        where.append(f"(user_id = ANY ({array('holders', 'uuid')}::uuid[]) AND {HOLDING_ORDERS})")
    return " OR ".join(where)


@cache
def lock_orders(kinds: tuple[str, ...], holding: bool) -> Statement:
    """Loads and locks, by key, the orders named by the `kinds` of ids and, if so, all that hold funds of some
    users.
    """
    return Statement(
        "load",
        f"SELECT {names(ORDER.columns)} FROM {{schema}}.orders WHERE {_found(kinds, holding)}"
        " ORDER BY user_id, id FOR UPDATE",
    )


@cache
def unsettled(kinds: tuple[str, ...], holding: bool) -> Statement:
    """The sums over unsettled trades by `TradesOf`: of the ids of these `kinds`, an order's or not, and
    of all ids of the orders that `lock_orders` finds.
    """
    kept_by = {
        "order_id": ("trades.order_id", "NULL::text", "NULL::text"),
        "exchange_order_id": ("NULL::uuid", "trades.exchange_order_id", "NULL::text"),
        "client_order_id": ("NULL::uuid", "NULL::text", "trades.client_order_id"),
    }
    conditions = {
        "order_id": "trades.order_id = named.order_id",
        "exchange_order_id": "trades.order_id IS NULL AND trades.exchange_order_id = named.exchange_order_id",
        "client_order_id": "trades.order_id IS NULL AND trades.exchange_order_id IS NULL"
        " AND trades.client_order_id = named.client_order_id",
    }
    branches = []
    for name in COLUMNS:
        named = f"SELECT user_id, {name} FROM found"
        if name in kinds:
            named += f" UNION SELECT * FROM {_given(name)}"
        branches.append(
            f"SELECT trades.user_id, {', '.join(kept_by[name])}, symbol, side, trim_scale(sum(quantity)),"
            f" trim_scale(sum(quote_quantity)) FROM ({named}) AS named JOIN {{schema}}.trades"
            f" ON trades.user_id = named.user_id AND trades.state <> 'SETTLED' AND {conditions[name]}"
            f" GROUP BY trades.user_id, trades.{name}, symbol, side"
        )
    ids = ", ".join(f"{column} AS {name}" for name, column in COLUMNS.items())
    return Statement(
        "load",
        f"WITH found AS MATERIALIZED (SELECT user_id, {ids} FROM {{schema}}.orders"
        f" WHERE {_found(kinds, holding)}) {' UNION ALL '.join(branches)}",
    )


@cache
def stale_updates(kinds: tuple[str, ...], holding: bool) -> Statement:
    """Loads the STALE updates of the orders that `lock_orders` finds."""
    return Statement(
        "load",
        f"WITH found AS MATERIALIZED (SELECT user_id, id FROM {{schema}}.orders WHERE {_found(kinds, holding)})"
        f" SELECT {names(ORDER_UPDATE.columns, 'stored.')} FROM found JOIN {{schema}}.order_updates AS stored"
        f" ON stored.user_id = found.user_id AND stored.order_id = found.id AND stored.{STALE_UPDATES}"
        " ORDER BY stored.user_id, stored.order_id, stored.seq",
    )


TRADE_KEY = ("user_id", "symbol", "exchange_trade_id")
TRADES = Statement(
    "load",
    f"SELECT {names(TRADE.columns, 'trades.')} FROM {{schema}}.trades JOIN {rows(trades, TRADE_KEY, 'named')}"
    " ON trades.user_id = named.user_id AND trades.symbol = named.symbol"
    " AND trades.exchange_trade_id = named.exchange_trade_id ORDER BY trades.user_id, trades.id",
)

TRADES_BY_ID = Statement(
    "load",
    f"SELECT {names(TRADE.columns, 'trades.')} FROM {{schema}}.trades JOIN {rows(trades, ('user_id', 'id'), 'named')}"
    " ON trades.user_id = named.user_id AND trades.id = named.id ORDER BY trades.user_id, trades.id",
)
BALANCES = Statement(
    "load",
    f"SELECT {names(BALANCE.columns)} FROM {{schema}}.balances WHERE user_id = ANY ({_IDS}) ORDER BY user_id, asset",
)

ENTRY_REFERENCE = ("user_id", "reason", "reference")
ENTRIES = Statement(
    "load",
    f"SELECT {names(BALANCE_ENTRY.columns, 'entries.')} FROM {{schema}}.balance_entries AS entries"
    f" JOIN {rows(balance_entries, ENTRY_REFERENCE, 'named')} ON entries.user_id = named.user_id"
    " AND entries.reason = named.reason AND entries.reference = named.reference"
    f" WHERE entries.reason IN ({quoted(sorted(UNIQUELY_REFERENCED))})"
    " ORDER BY entries.user_id, entries.reason, entries.reference",
)

_AROUND = "coalesce(%(around)s::timestamptz, users.balances_as_of)"
_LAST = f"CASE WHEN %(later)s::boolean THEN 'infinity' ELSE {_AROUND} + %(tolerance)s::interval END"
_WINDOW = f"BETWEEN {_AROUND} - %(tolerance)s::interval AND {_LAST}"

FACTS = Statement(
    "load",
    f"""
    SELECT {names(BALANCE_ENTRY.columns, "entries.")} FROM {{schema}}.users
    JOIN {{schema}}.balance_entries AS entries ON entries.user_id = users.id
        AND entries.occurred_at {_WINDOW} AND entries.{FACT_ENTRIES}
    WHERE users.id = ANY ({_IDS})
    ORDER BY entries.user_id, entries.asset, entries.seq
    """,
)
"""The entries that tell of facts around a moment: without one, around each user's newest account snapshot."""

PLACEMENTS = Statement(
    "load",
    f"""
    SELECT trades.user_id, trades.id, orders.id IS NOT NULL, orders.placed_at FROM {{schema}}.users
    JOIN {{schema}}.trades ON trades.user_id = users.id AND trades.traded_at {_WINDOW} AND trades.state = 'SETTLED'
    LEFT JOIN {{schema}}.orders ON orders.user_id = trades.user_id AND orders.id = trades.order_id
    WHERE users.id = ANY ({_IDS})
    """,
)
"""When the orders of the settled trades of that time were placed here."""

CHECK_USERS = Statement("save", f"SELECT id FROM {{schema}}.users WHERE id = ANY ({_IDS}) ORDER BY id FOR KEY SHARE")


def _versions(table: str) -> Statement:
    return Statement(
        "save",
        f"SELECT stored.user_id, stored.id, stored.version FROM {{schema}}.{table} AS stored"
        f" JOIN unnest({array('user_id', 'uuid')}, {array('id', 'uuid')}) AS named (user_id, id)"
        " ON stored.user_id = named.user_id AND stored.id = named.id"
        " ORDER BY stored.user_id, stored.id FOR UPDATE OF stored",
    )


CHECK_ORDERS = _versions("orders")
CHECK_TRADES = _versions("trades")

INSERT_ORDERS = Statement(
    "save",
    f"INSERT INTO {{schema}}.orders ({names(ORDER.columns)}) SELECT {names(ORDER.columns)}"
    f" FROM {rows(orders, ORDER.columns)} RETURNING 1",
    writes=True,
)
REPLACED = without(ORDER.columns, *set(CONTENT) - {"user_id", "client_order_id"}, "created_at")
"""The columns of an order that a decision may change, and its key."""

REPLACE_ORDERS = Statement(
    "save",
    f"UPDATE {{schema}}.orders AS stored SET {assignments(without(REPLACED, 'user_id', 'id'))}"
    f" FROM {rows(orders, REPLACED)} WHERE stored.user_id = new.user_id AND stored.id = new.id"
    " RETURNING 1",
    writes=True,
)
