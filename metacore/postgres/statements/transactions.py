"""Statements that load what a decision rests on, and check and save what it changes."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache

from sqlalchemy import Table

from metacore.domain.trading.orders import CONTENT
from metacore.postgres.client.codecs import BALANCE, BALANCE_ENTRY, ORDER, ORDER_UPDATE, TRADE, USER, USER_TRANSFER
from metacore.postgres.client.statement import Statement
from metacore.postgres.statements.balances import LOCK_ORDER, SAME_NAME
from metacore.postgres.statements.sets import (
    OF_USER,
    array,
    created,
    inserted,
    looked_up,
    names,
    ordered,
    replaced,
    replaced_one,
    rows,
    without,
)
from metacore.postgres.statements.turns import ONE_SHARED
from metacore.postgres.tables.balances import (
    FACT_ENTRIES,
    LISTED_ENTRIES,
    REFERENCED_ENTRIES,
    balance_entries,
    balances,
)
from metacore.postgres.tables.order_updates import STALE_UPDATES
from metacore.postgres.tables.orders import HOLDING_ORDERS, orders
from metacore.postgres.tables.trades import LISTED_TRADES, trades
from metacore.postgres.tables.user_transfers import user_transfers

_USER = f"SELECT {names(USER.columns)} FROM {{turn}}{{{{schema}}}}.users WHERE id = %(user_id)s::uuid FOR "
LOCK_USER, QUEUE_AND_LOCK_USER = (
    Statement("load", _USER.format(turn=turn) + "KEY SHARE OF users") for turn in ("", f"{ONE_SHARED}, ")
)
LOCK_USER_EXCLUSIVELY = Statement("load", _USER.format(turn="") + "UPDATE")

COLUMNS = {"order_id": "id", "exchange_order_id": "exchange_order_id", "client_order_id": "client_order_id"}
"""The columns of an order that are its ids, by the fields of OrderIds; a trade's are named like these."""


def _ids(name: str) -> str:
    return f"unnest({array(name, 'uuid' if name == 'order_id' else 'text')}) AS sought ({name})"


def _found(kinds: tuple[str, ...], holding: bool) -> str:
    """A FROM item `named` of the ids of the user's orders named by the `kinds` of ids and, if so, of all that hold
    funds, in their order.
    """
    found = []
    for name in kinds:
        if name == "order_id":
            found.append(f"SELECT order_id AS id FROM {_ids(name)}")
            continue
        on = f"o.{OF_USER} AND o.{COLUMNS[name]} = sought.{name}"
        found.append(f"SELECT o.id FROM {_ids(name)} {looked_up(('o.id',), 'orders AS o', on, 'o')}")
    if holding:
        found.append(f"SELECT id FROM {{schema}}.orders WHERE orders.{OF_USER} AND {HOLDING_ORDERS}")
    return f"({' UNION '.join(found)} ORDER BY id) AS named"


_ORDER = f"orders.{OF_USER} AND orders.id = named.id"


@cache
def lock_orders(kinds: tuple[str, ...], holding: bool) -> Statement:
    """Loads and locks, by id, the user's orders named by the `kinds` of ids and, if so, all that hold funds."""
    return Statement(
        "load",
        f"SELECT found.* FROM {_found(kinds, holding)} {looked_up(ORDER.columns, 'orders', _ORDER, lock=True)}",
        makes=ORDER.decode_all,
    )


@cache
def unsettled(kinds: tuple[str, ...], holding: bool) -> Statement:
    """The sums over the user's unsettled trades by `TradesOf`: of the ids of these `kinds`, an order's or not, and
    of all ids of the orders that `lock_orders` finds.
    """
    kept_by = {
        "order_id": ("named.order_id", "NULL::text", "NULL::text"),
        "exchange_order_id": ("NULL::uuid", "named.exchange_order_id", "NULL::text"),
        "client_order_id": ("NULL::uuid", "NULL::text", "named.client_order_id"),
    }
    conditions = {
        "order_id": "order_id IS NOT NULL",
        "exchange_order_id": "order_id IS NULL AND exchange_order_id IS NOT NULL",
        "client_order_id": "order_id IS NULL AND exchange_order_id IS NULL AND client_order_id IS NOT NULL",
    }
    branches = []
    for name in COLUMNS:
        named = f"SELECT {name} FROM found"
        if name in kinds:
            named += f" UNION SELECT * FROM {_ids(name)}"
        on = f"trades.{OF_USER} AND trades.{name} = named.{name} AND state <> 'SETTLED' AND {conditions[name]}"
        branches.append(
            f"SELECT {', '.join(kept_by[name])}, symbol, side, trim_scale(sum(quantity)),"
            f" trim_scale(sum(quote_quantity)) FROM ({named}) AS named"
            f" {looked_up(('symbol', 'side', 'quantity', 'quote_quantity'), 'trades', on)}"
            f" GROUP BY named.{name}, symbol, side"
        )
    ids = {column: name for name, column in COLUMNS.items()}
    found = ", ".join(f"found.{column} AS {name}" for column, name in ids.items())
    return Statement(
        "load",
        f"WITH found AS MATERIALIZED (SELECT {found} FROM {_found(kinds, holding)}"
        f" {looked_up(tuple(ids), 'orders', _ORDER)}) {' UNION ALL '.join(branches)}",
    )


@cache
def stale_updates(kinds: tuple[str, ...], holding: bool) -> Statement:
    """Loads the STALE updates of the orders that `lock_orders` finds."""
    on = f"order_updates.{OF_USER} AND order_updates.order_id = named.id AND {STALE_UPDATES}"
    return Statement(
        "load",
        f"SELECT found.* FROM {_found(kinds, holding)} {looked_up(ORDER_UPDATE.columns, 'order_updates', on)}"
        " ORDER BY order_id, seq",
    )


@cache
def update_seqs(kinds: tuple[str, ...], holding: bool) -> Statement:
    """The seq of the newest update of each order that `lock_orders` finds, 0 for one without any."""
    newest = (
        "SELECT seq FROM {schema}.order_updates"
        f" WHERE order_updates.{OF_USER} AND order_updates.order_id = found.id ORDER BY seq DESC LIMIT 1"
    )
    found = f"{_found(kinds, holding)} {looked_up(('id',), 'orders', _ORDER)}"
    return Statement("load", f"SELECT found.id, coalesce(({newest}), 0) FROM {found}")


@cache
def lock_stored_balances(kinds: tuple[str, ...], holding: bool, of_orders: bool) -> Statement:
    """Loads and locks, in the order in which all do, those of the user's balances that are stored: of the given assets
    and, if so, of all assets of the orders that `lock_orders` finds.
    """
    of_order = ("base_asset", "quote_asset", "held_asset")
    assets = [f"SELECT unnest({array('asset', 'text')}) AS asset"]
    found = ""
    if of_orders:
        found = f"WITH found AS MATERIALIZED (SELECT found.* FROM {_found(kinds, holding)} "
        found += f"{looked_up(of_order, 'orders', _ORDER)}) "
        assets += [f"SELECT {name} FROM found" for name in of_order]
    named = f"SELECT asset FROM ({' UNION '.join(assets)}) AS sought ORDER BY {LOCK_ORDER}"
    on = f"balances.{OF_USER} AND balances.asset = named.asset"
    return Statement(
        "load",
        f"{found}SELECT locked.* FROM ({named}) AS named"
        f" {looked_up(BALANCE.columns, 'balances', on, 'locked', lock=True)}",
    )


def _named(table: Table, columns: Sequence[str], key: Sequence[str], order: str, *conditions: str) -> Statement:
    """Loads the rows of the user in `table` that have one of the given values of `key`."""
    on = " AND ".join(
        [f"{table.name}.{OF_USER}", *(f"{table.name}.{name} = named.{name}" for name in key), *conditions]
    )
    return Statement(
        "load",
        f"SELECT found.* FROM {rows(table, key, 'named')} {looked_up(columns, table.name, on)} ORDER BY {order}",
    )


_TRADE = looked_up(TRADE.columns, "trades", f"trades.{OF_USER} AND trades.id = named.id", lock=True)

TRADE_KEY = ("symbol", "exchange_trade_id")
_OF_KEY = " AND ".join(f"t.{name} = sought.{name}" for name in TRADE_KEY)
TRADES = Statement(
    "load",
    f"SELECT found.* FROM (SELECT t.id FROM {rows(trades, TRADE_KEY, 'sought')}"
    f" {looked_up(('t.id',), 'trades AS t', f't.{OF_USER} AND {_OF_KEY}', 't')} ORDER BY id) AS named {_TRADE}",
)
"""Loads and locks, by id, the user's trades that have one of these keys."""

TRADES_BY_ID = Statement("load", f"SELECT found.* FROM {ordered(trades, ['id'])} {_TRADE}")
"""Loads and locks, by id, the user's trades with these ids."""

BALANCES = Statement(
    "load", f"SELECT {names(BALANCE.columns)} FROM {{schema}}.balances WHERE balances.{OF_USER} ORDER BY asset"
)

ASSET_NAMES = Statement(
    "load",
    f"SELECT found.asset FROM {rows(balances, ['asset'], 'named')} {looked_up(['asset'], 'balances', SAME_NAME)}",
)
"""The names that the user has these assets by."""

ENTRY_REFERENCE = ("reason", "reference")
ENTRIES = _named(
    balance_entries, BALANCE_ENTRY.columns, ENTRY_REFERENCE, "found.reason, found.reference", REFERENCED_ENTRIES
)

USER_TRANSFERS = _named(user_transfers, USER_TRANSFER.columns, ("reference",), "found.reference")
INSERT_USER_TRANSFER = Statement("save", created(user_transfers, USER_TRANSFER.columns), writes=True)
INSERT_USER_TRANSFERS = Statement("save", inserted(user_transfers, USER_TRANSFER.columns), writes=True)

_AROUND = "coalesce(%(around)s::timestamptz, users.balances_as_of)"
_LAST = f"CASE WHEN %(later)s::boolean THEN 'infinity' ELSE {_AROUND} + %(tolerance)s::interval END"
_WINDOW = f"BETWEEN {_AROUND} - %(tolerance)s::interval AND {_LAST}"
_OF_THE_USER = "(SELECT balances_as_of FROM {schema}.users WHERE id = %(user_id)s::uuid OFFSET 0) AS users"
_FACT = f"balance_entries.{OF_USER} AND {LISTED_ENTRIES} AND occurred_at {_WINDOW} AND {FACT_ENTRIES}"

FACTS = Statement(
    "load",
    f"SELECT found.* FROM {_OF_THE_USER} {looked_up(BALANCE_ENTRY.columns, 'balance_entries', _FACT)}"
    " ORDER BY found.asset, found.seq",
)
"""The entries that tell of facts around a moment: without one, around the user's newest account snapshot."""

_SETTLED = f"trades.{OF_USER} AND {LISTED_TRADES} AND traded_at {_WINDOW} AND state = 'SETTLED'"
PLACEMENTS = Statement(
    "load",
    f"""
    SELECT found.id, placed.id IS NOT NULL, placed.placed_at
    FROM {_OF_THE_USER} {looked_up(("id", "order_id"), "trades", _SETTLED)}
    LEFT JOIN LATERAL (
        SELECT id, placed_at FROM {{schema}}.orders WHERE orders.{OF_USER} AND orders.id = found.order_id OFFSET 0
    ) AS placed ON true
    """,
)
"""When the orders of the settled trades of that time were placed here."""

CHECK_USER = Statement("save", "SELECT id FROM {schema}.users WHERE id = %(user_id)s::uuid FOR KEY SHARE")


def _versions(table: Table) -> Statement:
    on = f"{table.name}.{OF_USER} AND {table.name}.id = named.id"
    return Statement(
        "save",
        f"SELECT found.* FROM {ordered(table, ['id'])}"
        f" {looked_up(('user_id', 'id', 'version'), table.name, on, lock=True)}",
    )


CHECK_ORDERS = _versions(orders)
CHECK_TRADES = _versions(trades)

INSERT_ORDERS = Statement("save", inserted(orders, ORDER.columns), writes=True)
INSERT_ORDER = Statement("save", created(orders, ORDER.columns), writes=True)
"""A set of one takes several times as long as one row: what a decision most often writes, it can write by itself."""

_CHANGED = without(ORDER.columns, *set(CONTENT) - {"client_order_id"}, "created_at", "user_id", "id")
"""The columns of an order that a decision may change."""

REPLACE_ORDER = Statement("save", replaced_one(orders, ("user_id", "id"), _CHANGED), writes=True)
REPLACE_ORDERS = Statement("save", replaced(orders, ORDER.columns, ("user_id", "id"), _CHANGED), writes=True)
