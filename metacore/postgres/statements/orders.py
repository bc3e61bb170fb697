"""Statements of the storage of orders."""

from __future__ import annotations

from functools import cache
from typing import Any

from sqlalchemy import bindparam, exists, insert, literal_column, select, tuple_
from sqlalchemy.sql import ColumnElement

from metacore.domain.trading.orders import CONTENT, OPEN
from metacore.postgres.client.codecs import ORDER
from metacore.postgres.client.statement import Statement
from metacore.postgres.statements.imports import Import
from metacore.postgres.statements.sets import names, rows
from metacore.postgres.tables import orders, users

COLUMNS = [orders.c[name] for name in ORDER.columns]
_NEWEST_FIRST = (orders.c.created_at.desc(), orders.c.id.desc())


def _parameter(name: str) -> Any:
    return bindparam(name, type_=orders.c[name].type)


def _get_by(column: str) -> Any:
    return select(*COLUMNS).where(orders.c.user_id == _parameter("user_id"), orders.c[column] == _parameter(column))


CREATE = Statement(
    "orders.create",
    insert(orders)
    .from_select(
        ORDER.columns,
        select(*(_parameter(name) for name in ORDER.columns)).where(
            exists(select(users.c.id).where(users.c.id == _parameter("user_id")))
        ),
    )
    .returning(orders.c.id),
    writes=True,
)
"""Inserts nothing where the user does not exist: a row too few says so without failing the transaction."""

GET = Statement("orders.get", _get_by("id"))
GET_BY_CLIENT_ORDER_ID = Statement("orders.get_by_client_order_id", _get_by("client_order_id"))
GET_BY_EXCHANGE_ORDER_ID = Statement("orders.get_by_exchange_order_id", _get_by("exchange_order_id"))

_BY_KEYS = f"""
    SELECT {names(ORDER.columns, "orders.")} FROM {{schema}}.orders
    JOIN {rows(orders, ("user_id", "id"), "named")} ON orders.user_id = named.user_id AND orders.id = named.id
    ORDER BY orders.user_id, orders.id
"""
GET_MANY = Statement("orders.get_many", _BY_KEYS)
LOCK_MANY = Statement("orders.get_many", _BY_KEYS + "FOR UPDATE OF orders")

DELETE = Statement(
    "orders.delete",
    orders.delete()
    .where(
        orders.c.user_id == _parameter("user_id"),
        orders.c.id == _parameter("id"),
        orders.c.held_amount == literal_column("0"),
    )
    .returning(orders.c.id),
    writes=True,
)


@cache
def page(filters: tuple[str, ...], after: bool) -> Statement:
    """A page, newest first, of the orders that match `filters`; only behind a position, if so."""
    where: list[ColumnElement[bool]] = [orders.c.user_id == _parameter("user_id")]
    for name in filters:
        if name == "since":
            where.append(orders.c.created_at >= bindparam("since", type_=orders.c.created_at.type))
        elif name == "until":
            where.append(orders.c.created_at < bindparam("until", type_=orders.c.created_at.type))
        else:
            where.append(orders.c[name] == _parameter(name))
    if after:
        position = tuple_(_parameter("created_at"), _parameter("id"))
        where.append(tuple_(orders.c.created_at, orders.c.id) < position)
    listed = select(*COLUMNS).where(*where).order_by(*_NEWEST_FIRST).limit(bindparam("limit"))
    return Statement("orders.list", listed)


@cache
def list_open(of_symbol: bool) -> Statement:
    """All open orders, newest first; only of one symbol, if so."""
    statuses = ", ".join(f"'{status}'" for status in sorted(OPEN))
    return Statement(
        "orders.list_open",
        f"SELECT {names(ORDER.columns)} FROM {{schema}}.orders WHERE user_id = %(user_id)s::uuid"
        f" AND status IN ({statuses}) {'AND symbol = %(symbol)s' if of_symbol else ''}"
        " ORDER BY created_at DESC, id DESC",
    )


IMPORT = Import(
    "orders",
    orders,
    ORDER.columns,
    content=CONTENT,
    keys={
        "id": ("user_id", "id"),
        "client_order_id": ("user_id", "client_order_id"),
        "exchange_order_id": ("user_id", "exchange_order_id"),
    },
    differs="staged.exchange_order_id <> stored.exchange_order_id",
)
"""Same content, under each key, is what `NewOrder.is_same_as` says."""
