"""Statements of the storage of orders."""

from __future__ import annotations

from functools import cache

from metacore.domain.trading.orders import CONTENT, FRESH
from metacore.postgres.client.codecs import ORDER
from metacore.postgres.client.statement import Statement
from metacore.postgres.statements.imports import Import
from metacore.postgres.statements.sets import (
    OF_USER,
    array,
    behind,
    constant,
    created,
    equal,
    looked_up,
    matching,
    names,
    ordered,
    parameter,
    without,
)
from metacore.postgres.statements.turns import ONE_SHARED
from metacore.postgres.tables.orders import CLOSED_ORDERS, CLOSED_ORDERS_BY_STATUS, LISTED_ORDERS, OPEN_ORDERS, orders

_SELECT = f"SELECT {names(ORDER.columns)} FROM {{schema}}.orders"
_NEWEST_FIRST = "ORDER BY created_at DESC, id DESC"

_FIXED = {
    **{name: constant(orders, name, value) for name, value in FRESH.items()},
    "updated_at": parameter(orders, "created_at"),
}
"""What a new order has, whichever it is."""

CREATE, QUEUE_AND_CREATE = (
    Statement("orders.create", created(orders, ORDER.columns, turn, _FIXED), writes=True, counts=True)
    for turn in (None, ONE_SHARED)
)
"""Insert nothing where the user does not exist: a row too few says so without failing the transaction."""

GET = Statement("orders.get", f"{_SELECT} WHERE {equal(orders, 'user_id', 'id')}")

GET_BY_CLIENT_ORDER_ID = Statement(
    "orders.get_by_client_order_id", f"{_SELECT} WHERE {equal(orders, 'user_id', 'client_order_id')}"
)
GET_BY_EXCHANGE_ORDER_ID = Statement(
    "orders.get_by_exchange_order_id", f"{_SELECT} WHERE {equal(orders, 'user_id', 'exchange_order_id')}"
)


def _by_ids(lock: bool) -> Statement:
    on = f"orders.{OF_USER} AND orders.id = named.id"
    return Statement(
        "orders.get_many",
        f"SELECT found.* FROM {ordered(orders, ['id'])} {looked_up(ORDER.columns, 'orders', on, lock=lock)}",
    )


GET_MANY, LOCK_MANY = _by_ids(lock=False), _by_ids(lock=True)

DELETE = Statement(
    "orders.delete",
    f"DELETE FROM {{schema}}.orders WHERE {equal(orders, 'user_id', 'id')} AND held_amount = 0 RETURNING id",
    writes=True,
)


@cache
def page(filters: tuple[str, ...], is_open: bool, closed: int, after: bool) -> Statement:
    """A page, newest first, of the orders that match `filters`; only behind a position, if so. `is_open` says whether
    open orders are among those of the statuses that are asked for, `closed` how many of these are of closed orders.
    """
    pages = [_page(part, without(filters, "status"), after) for part in _parts(filters, is_open, closed)]
    if len(pages) == 1:
        return Statement("orders.list", pages[0])
    whole = f"SELECT * FROM (({') UNION ALL ('.join(pages)})) AS found"
    return Statement("orders.list", f"{whole} {_NEWEST_FIRST} LIMIT %(limit)s::bigint")


def _parts(filters: tuple[str, ...], is_open: bool, closed: int) -> list[str]:
    """The conditions of the indexes that such a page is found by, with those of its statuses."""
    if "status" not in filters:
        return [OPEN_ORDERS, CLOSED_ORDERS] if "symbol" in filters else [LISTED_ORDERS]
    parts = [f"{OPEN_ORDERS} AND status = ANY ({array('open', 'text')}::text[])"] if is_open or not closed else []
    if closed and "symbol" in filters:
        return [*parts, f"{CLOSED_ORDERS} AND status = ANY ({array('closed', 'text')}::text[])"]
    # One index scan for each: of several statuses at once, an index gives no order.
    return parts + [f"{CLOSED_ORDERS_BY_STATUS} AND closed_as = %(closed_{number})s::text" for number in range(closed)]


def _page(part: str, filters: tuple[str, ...], after: bool) -> str:
    where = [equal(orders, "user_id"), part]
    if filters:
        where.append(matching(orders, filters, "created_at"))
    if after:
        where.append(behind(orders, "created_at", "id"))
    return f"{_SELECT} WHERE {' AND '.join(where)} {_NEWEST_FIRST} LIMIT %(limit)s::bigint"


@cache
def in_status(is_open: bool, after: bool) -> Statement:
    """A page of the orders of all users that are in a status, by user, newest first; only behind a position, if so.
    `is_open` says whether it is a status of open orders.
    """
    named = "%(status)s::text"
    part = f"{OPEN_ORDERS} AND status = {named}" if is_open else f"{CLOSED_ORDERS_BY_STATUS} AND closed_as = {named}"
    order = "ORDER BY user_id, created_at DESC, id DESC LIMIT %(limit)s::bigint"
    if not after:
        return Statement("orders.in_status", f"{_SELECT} WHERE {part} {order}")
    # Each begins in an index where it goes on: the first within the user, of whom the second reads nothing.
    users = (
        f"{equal(orders, 'user_id')} AND {behind(orders, 'created_at', 'id')}",
        f"user_id > {parameter(orders, 'user_id')}",
    )
    pages = [f"({_SELECT} WHERE {part} AND {of_user} {order})" for of_user in users]
    return Statement("orders.in_status", f"SELECT * FROM ({' UNION ALL '.join(pages)}) AS found {order}")


@cache
def list_open(of_symbol: bool) -> Statement:
    """All open orders, newest first; only of one symbol, if so."""
    where = [equal(orders, "user_id"), OPEN_ORDERS]
    if of_symbol:
        where.append(equal(orders, "symbol"))
    return Statement("orders.list_open", f"{_SELECT} WHERE {' AND '.join(where)} {_NEWEST_FIRST}")


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
