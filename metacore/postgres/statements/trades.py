"""Statements of the storage of trades."""

from __future__ import annotations

from functools import cache

from metacore.domain.trading.trades import TradeState
from metacore.postgres.client.codecs import TRADE
from metacore.postgres.client.statement import Statement
from metacore.postgres.statements.imports import Import
from metacore.postgres.statements.sets import (
    OF_USER,
    behind,
    created,
    equal,
    inserted,
    looked_up,
    matching,
    names,
    ordered,
    replaced,
    without,
)
from metacore.postgres.statements.turns import ONE_SHARED
from metacore.postgres.tables.trades import (
    LISTED_TRADES,
    PENDING_TRADES,
    RECORDED_TRADES,
    TRADES_BY_SYMBOL,
    trades,
)

_SELECT = f"SELECT {names(TRADE.columns)} FROM {{schema}}.trades"

CREATE, QUEUE_AND_CREATE = (
    Statement("trades.create", created(trades, TRADE.columns, turn), writes=True, counts=True)
    for turn in (None, ONE_SHARED)
)
"""Insert nothing where the user does not exist: a row too few says so without failing the transaction."""

GET = Statement("trades.get", f"{_SELECT} WHERE {equal(trades, 'user_id', 'id')}")

# Ordered inside, it might be answered from the primary key, which has that order.
GET_BY_EXCHANGE_TRADE_ID = Statement(
    "trades.get_by_exchange_trade_id",
    f"SELECT * FROM ({_SELECT} WHERE {equal(trades, 'user_id', 'symbol', 'exchange_trade_id')} OFFSET 0) AS found"
    " ORDER BY id",
)

LIST_BY_ORDER = Statement(
    "trades.list_by_order", f"{_SELECT} WHERE {equal(trades, 'user_id', 'order_id')} ORDER BY traded_at, id"
)

LIST_PENDING = Statement(
    "trades.list_pending", f"{_SELECT} WHERE {equal(trades, 'user_id')} AND {PENDING_TRADES} ORDER BY traded_at, id"
)


@cache
def pending(after: bool) -> Statement:
    """A page of the PENDING trades of all users, by user, oldest first; only behind a position, if so."""
    where = [PENDING_TRADES]
    if after:
        where.append("(user_id, traded_at, id) > (%(user_id)s::uuid, %(traded_at)s::timestamptz, %(id)s::uuid)")
    return Statement(
        "trades.pending",
        f"{_SELECT} WHERE {' AND '.join(where)} ORDER BY user_id, traded_at, id LIMIT %(limit)s::bigint",
    )


GET_MANY = Statement(
    "trades.get_many",
    f"SELECT found.* FROM {ordered(trades, ['id'])}"
    f" {looked_up(TRADE.columns, 'trades', f'trades.{OF_USER} AND trades.id = named.id')}",
)

INSERT = Statement("trades.insert", inserted(trades, TRADE.columns), writes=True)
INSERT_ONE = Statement("trades.insert", created(trades, TRADE.columns), writes=True)

_KEY = ("user_id", "id")
REPLACE = Statement(
    "trades.replace",
    replaced(trades, TRADE.columns, _KEY, without(TRADE.columns, *_KEY)),
    writes=True,
)

IMPORT = Import(
    "trades",
    trades,
    TRADE.columns,
    content=("side", "price", "quantity", "quote_quantity", "commission", "commission_asset"),
    keys={
        "exchange_trade_id": ("user_id", "symbol", "exchange_trade_id", "order_key"),
    },
)


_OF_STATE: dict[TradeState | None, str] = {TradeState.PENDING: PENDING_TRADES, TradeState.RECORDED: RECORDED_TRADES}


@cache
def page(filters: tuple[str, ...], state: TradeState | None, after: bool) -> Statement:
    """A page, newest first, of the trades that match `filters`; only behind a position, if so. `state` is the one among
    the filters.
    """
    part = TRADES_BY_SYMBOL if "symbol" in filters else _OF_STATE.get(state, LISTED_TRADES)
    where = [equal(trades, "user_id"), part]
    if filters:
        where.append(matching(trades, filters, "traded_at"))
    if after:
        where.append(behind(trades, "traded_at", "id"))
    return Statement(
        "trades.list",
        f"{_SELECT} WHERE {' AND '.join(where)} ORDER BY traded_at DESC, id DESC LIMIT %(limit)s::bigint",
    )
