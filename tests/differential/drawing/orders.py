"""Orders, their updates and reports of them, drawn: mostly of orders that are stored."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from hypothesis import strategies as st

from metacore.domain.trading.order_updates import NewOrderUpdate, UpdateOutcome, UpdateSource
from metacore.domain.trading.orders import NewOrder, Order, OrderFilter, OrderSide, OrderType
from metacore.domain.trading.reports import ExecutionReport
from metacore.testing.clock import START

from .values import (
    PAIRS,
    amounts,
    client_ids,
    exchange_ids,
    maybe,
    money,
    mostly,
    order_ids,
    prices,
    quantities,
    raws,
    sides,
    statuses,
    symbols,
    texts,
    times,
    users,
)


@st.composite
def new_orders(draw: Any, user: Any = users, order_id: Any = order_ids, status: Any = statuses) -> NewOrder:
    symbol = draw(symbols)
    base, quote = PAIRS[symbol]
    kind = draw(st.sampled_from([OrderType.LIMIT, OrderType.LIMIT, OrderType.MARKET, OrderType.IMMEDIATE_OR_CANCEL]))
    side = draw(sides)
    by_quote = kind is OrderType.MARKET and side is OrderSide.BUY and draw(st.booleans())
    return NewOrder(
        id=draw(order_id),
        user_id=draw(user),
        symbol=symbol,
        base_asset=base,
        quote_asset=quote,
        side=side,
        type=kind,
        status=draw(status),
        price=None if kind is OrderType.MARKET else draw(prices),
        quantity=None if by_quote else draw(quantities),
        quote_quantity=draw(money) if by_quote else None,
        client_order_id=draw(maybe(client_ids)),
        exchange_order_id=draw(maybe(exchange_ids)),
        reason=draw(maybe(texts)),
        transacted_at=draw(maybe(times)),
        raw=draw(raws),
    )


@st.composite
def names_of(draw: Any, known: Sequence[Order]) -> dict[str, Any]:
    """A user with ids of an order: mostly of one and the same that is stored."""
    kinds = draw(st.sampled_from(["id", "id", "exchange", "client", "id exchange", "id exchange client"]))
    if known and draw(st.integers(0, 9)):
        order = draw(st.sampled_from(known))
        names: dict[str, Any] = {"user_id": order.user_id, "order_id": order.id if "id" in kinds else None}
        exchange_id = draw(st.just(order.exchange_order_id) | exchange_ids)
        names["exchange_order_id"] = exchange_id if "exchange" in kinds else None
        names["client_order_id"] = order.client_order_id if "client" in kinds else None
        if not any(names[name] for name in ("order_id", "exchange_order_id", "client_order_id")):
            names["order_id"] = order.id
        return names
    return {
        "user_id": draw(users),
        "order_id": draw(order_ids) if "id" in kinds else None,
        "exchange_order_id": draw(exchange_ids) if "exchange" in kinds else None,
        "client_order_id": draw(client_ids) if "client" in kinds else None,
    }


def named(names: dict[str, Any], known: Sequence[Order]) -> Order | None:
    """The first of the `known` orders that one of `names` is an id of."""
    for order in known:
        if order.user_id == names["user_id"] and (
            order.id == names["order_id"]
            or names["exchange_order_id"] in (order.exchange_order_id, "")
            or names["client_order_id"] in (order.client_order_id, "")
        ):
            return order
    return None


@st.composite
def reports(draw: Any, known: Sequence[Order] = ()) -> ExecutionReport:
    """A report, mostly of an order that is stored, with quantities around its own."""
    names = draw(names_of(known))
    order = named(names, known)
    executed = draw(maybe(st.one_of(quantities, amounts("0"))))
    if order and draw(st.integers(0, 3)):
        likely = {order.executed_quantity, order.quantity or order.executed_quantity, Decimal("0.01"), Decimal(0)}
        executed = draw(st.sampled_from(sorted(likely)))
    return ExecutionReport(
        **names,
        status=draw(statuses),
        executed_quantity=executed,
        executed_quote_quantity=draw(maybe(money)) if executed else None,
        reason=draw(maybe(texts)),
        source=draw(st.sampled_from(UpdateSource)),
        occurred_at=draw(times),
        cancel_refused=draw(st.booleans()),
        order=draw(maybe(new_orders(user=st.just(names["user_id"])))),
        raw=draw(raws),
    )


def keys_of(known: Sequence[Order]) -> st.SearchStrategy[Any]:
    """A user and the id of an order, mostly of one that is stored."""
    anything = st.tuples(users, order_ids)
    return mostly(st.sampled_from([order.key for order in known]), anything) if known else anything


new_updates = st.builds(
    NewOrderUpdate,
    user_id=users,
    order_id=order_ids,
    previous_status=maybe(statuses),
    status=statuses,
    executed_quantity=quantities,
    executed_quote_quantity=money,
    outcome=st.sampled_from(UpdateOutcome),
    reason=maybe(texts),
    source=st.sampled_from(UpdateSource),
    occurred_at=times,
    raw=raws,
)

order_filters = st.builds(
    OrderFilter,
    symbol=maybe(symbols),
    status=maybe(statuses | st.lists(statuses, min_size=1, max_size=4)),
    side=maybe(sides),
    since=maybe(times),
    until=maybe(times),
)


@st.composite
def saved_orders(draw: Any) -> Order:
    order = Order.created(draw(new_orders()), START)
    return order.changed(
        version=draw(st.sampled_from([1, 1, 2, 2, 3])),
        settled_quantity=draw(quantities),
        held_asset="USDT",
        held_amount=draw(amounts("0", "0", "1")),
    )
