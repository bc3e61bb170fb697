"""Statements of the storage of trades."""

from __future__ import annotations

from functools import cache
from typing import Any

from sqlalchemy import bindparam, exists, insert, literal_column, select, tuple_
from sqlalchemy.sql import ColumnElement

from metacore.postgres.client.codecs import TRADE
from metacore.postgres.client.statement import Statement
from metacore.postgres.statements.imports import Import
from metacore.postgres.statements.sets import assignments, names, rows, without
from metacore.postgres.tables import trades, users

COLUMNS = [trades.c[name] for name in TRADE.columns]


def _parameter(name: str) -> Any:
    return bindparam(name, type_=trades.c[name].type)


def _list(name: str, *columns: str, where: str = "") -> Statement:
    conditions = [trades.c[column] == _parameter(column) for column in ("user_id", *columns)]
    if where:
        conditions.append(trades.c.state == literal_column(f"'{where}'"))
    order = (trades.c.id,) if name == "trades.get_by_exchange_trade_id" else (trades.c.traded_at, trades.c.id)
    return Statement(name, select(*COLUMNS).where(*conditions).order_by(*order))


CREATE = Statement(
    "trades.create",
    insert(trades)
    .from_select(
        TRADE.columns,
        select(*(_parameter(name) for name in TRADE.columns)).where(
            exists(select(users.c.id).where(users.c.id == _parameter("user_id")))
        ),
    )
    .returning(trades.c.id),
    writes=True,
)
"""Inserts nothing where the user does not exist: a row too few says so without failing the transaction."""

GET = _list("trades.get", "id")
GET_BY_EXCHANGE_TRADE_ID = _list("trades.get_by_exchange_trade_id", "symbol", "exchange_trade_id")
LIST_BY_ORDER = _list("trades.list_by_order", "order_id")
LIST_PENDING = _list("trades.list_pending", where="PENDING")

GET_MANY = Statement(
    "trades.get_many",
    f"""
    SELECT {names(TRADE.columns, "trades.")} FROM {{schema}}.trades
    JOIN {rows(trades, ("user_id", "id"), "named")} ON trades.user_id = named.user_id AND trades.id = named.id
    ORDER BY trades.user_id, trades.id
    """,
)

INSERT = Statement(
    "trades.insert",
    f"INSERT INTO {{schema}}.trades ({names(TRADE.columns)}) SELECT {names(TRADE.columns)}"
    f" FROM {rows(trades, TRADE.columns)} RETURNING 1",
    writes=True,
)

REPLACE = Statement(
    "trades.replace",
    f"UPDATE {{schema}}.trades AS stored SET {assignments(without(TRADE.columns, 'user_id', 'id'))}"
    f" FROM {rows(trades, TRADE.columns)} WHERE stored.user_id = new.user_id AND stored.id = new.id RETURNING 1",
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


@cache
def page(filters: tuple[str, ...], after: bool) -> Statement:
    """A page, newest first, of the trades that match `filters`; only behind a position, if so."""
    where: list[ColumnElement[bool]] = [trades.c.user_id == _parameter("user_id")]
    for name in filters:
        if name == "since":
            where.append(trades.c.traded_at >= bindparam("since", type_=trades.c.traded_at.type))
        elif name == "until":
            where.append(trades.c.traded_at < bindparam("until", type_=trades.c.traded_at.type))
        else:
            where.append(trades.c[name] == _parameter(name))
    if after:
        position = tuple_(_parameter("traded_at"), _parameter("id"))
        where.append(tuple_(trades.c.traded_at, trades.c.id) < position)
    newest_first = (trades.c.traded_at.desc(), trades.c.id.desc())
    return Statement("trades.list", select(*COLUMNS).where(*where).order_by(*newest_first).limit(bindparam("limit")))
