"""Orders: what the exchange says of them, as orders found there and as reports that move the stored ones."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from uuid import UUID

from metacore.domain.trading.order_updates import UpdateSource
from metacore.domain.trading.orders import NewOrder, OrderSide, OrderStatus, OrderType, TimeInForce
from metacore.domain.trading.reports import ExecutionReport
from metacore.errors import InvalidDataError
from metacore.exchanges.mexc.fields import Fields
from metacore.exchanges.mexc.payloads import Payload, read_list, read_object
from metacore.exchanges.mexc.symbols import Symbols


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderForm:
    """The names and codes by which one kind of message tells of an order. Of several names any may be used."""

    order_id: tuple[str, ...]
    side: str
    sides: Mapping[str, OrderSide]
    type: str
    types: Mapping[str, OrderType]
    price: str
    quantity: tuple[str, ...]
    quote_quantity: str
    stop_price: str
    executed_quantity: str
    executed_quote_quantity: str
    created: tuple[str, ...]


_REST = OrderForm(
    order_id=("orderId",),
    side="side",
    sides={side.value: side for side in OrderSide},
    type="type",
    types={type_.value: type_ for type_ in OrderType},
    price="price",
    quantity=("origQty", "Qty"),
    quote_quantity="origQuoteOrderQty",
    stop_price="stopPrice",
    executed_quantity="executedQty",
    executed_quote_quantity="cummulativeQuoteQty",
    created=("transactTime", "time"),
)

# PENDING_NEW and PENDING_CANCEL are states of this side of the wire: the exchange does not tell them.
_STATUSES = {
    status.value: status
    for status in OrderStatus
    if status not in (OrderStatus.PENDING_NEW, OrderStatus.PENDING_CANCEL)
}
_TIMES_IN_FORCE = {time_in_force.value: time_in_force for time_in_force in TimeInForce}


def order(payload: Payload, *, user_id: UUID, symbols: Symbols) -> NewOrder:
    """Of the answer to POST, GET or DELETE /api/v3/order: the order as one found on the exchange.

    - The answer to a new order tells no status: it is NEW. Every other answer must tell status and executed amounts.
    - An answer to a cancel names the order by `origClientOrderId`; its `clientOrderId` is that of the cancel.
    - A MARKET order has no price, whatever `price` says: the exchange writes there how far it would go. Only of a
      MARKET BUY is `origQuoteOrderQty` the size that was asked for; for other orders the exchange computes it.

    https://mexcdevelop.github.io/apidocs/spot_v3_en/#new-order, #cancel-order and #query-order
    """
    return _order(read_object(payload), user_id, symbols)


def orders(payload: Payload, *, user_id: UUID, symbols: Symbols) -> tuple[NewOrder, ...]:
    """Of the answer to GET or DELETE /api/v3/openOrders, or to GET /api/v3/allOrders: like `order`, one by one."""
    return tuple(_order(answer, user_id, symbols) for answer in read_list(payload))


def report(
    payload: Payload,
    *,
    user_id: UUID,
    symbols: Symbols,
    order_id: UUID | None = None,
    occurred_at: datetime | None = None,
    source: UpdateSource = UpdateSource.REST,
) -> ExecutionReport:
    """Of the same answers as `order`: a report that moves the stored order, and carries it in case it is not stored.

    - `order_id` is the id of the stored order, needed for the answer to a new order: it names no client order id.
    - `occurred_at` is the clock's time, required where the exchange tells none: in the answer to a cancel.
    """
    return _report(read_object(payload), user_id, symbols, order_id, occurred_at, source)


def reports(
    payload: Payload,
    *,
    user_id: UUID,
    symbols: Symbols,
    occurred_at: datetime | None = None,
    source: UpdateSource = UpdateSource.REST,
) -> tuple[ExecutionReport, ...]:
    """Of the same answers as `orders`: like `report`, one by one."""
    return tuple(_report(answer, user_id, symbols, None, occurred_at, source) for answer in read_list(payload))


def read_order(
    told: Fields,
    form: OrderForm,
    *,
    raw: Fields,
    user_id: UUID,
    market: Mapping[str, str],
    status: OrderStatus,
    client_order_id: str | None,
    order_id: UUID | None = None,
    time_in_force: TimeInForce | None = None,
    executed: tuple[Decimal | None, Decimal | None],
) -> NewOrder:
    """The order that `told` describes in `form`: the rules that hold for every kind of message."""
    side, type_ = told.choice(form.sides, form.side), told.choice(form.types, form.type)
    is_market = type_ is OrderType.MARKET
    quantity = told.positive_or_none(*form.quantity) if is_market else told.positive(*form.quantity)
    quote_quantity = told.positive_or_none(form.quote_quantity) if is_market and side is OrderSide.BUY else None
    if quantity is None and quote_quantity is None:
        raise told.error(told.find(*form.quantity)[0], "a MARKET order has a quantity or, for a BUY, a quote quantity")
    values = {
        "user_id": user_id,
        **market,
        "side": side,
        "type": type_,
        "time_in_force": time_in_force,
        "status": status,
        "price": None if is_market else told.positive(form.price),
        "quantity": quantity,
        "quote_quantity": quote_quantity,
        "stop_price": told.positive_or_none(form.stop_price),
        "executed_quantity": executed[0] or 0,
        "executed_quote_quantity": executed[1] or 0,
        "exchange_order_id": told.key(*form.order_id),
        "client_order_id": client_order_id,
        "transacted_at": told.time_or_none(*form.created),
        "raw": raw.values,
    }
    return told.build(NewOrder, values if order_id is None else values | {"id": order_id})


def report_of(
    told: Fields,
    found: NewOrder,
    *,
    executed: tuple[Decimal | None, Decimal | None],
    occurred_at: datetime,
    source: UpdateSource,
    order_id: UUID | None = None,
) -> ExecutionReport:
    """The report that says the same as `found`; executed amounts that were not told are None."""
    values = {
        "user_id": found.user_id,
        "order_id": order_id,
        "exchange_order_id": found.exchange_order_id,
        "client_order_id": found.client_order_id,
        "status": found.status,
        "executed_quantity": executed[0],
        "executed_quote_quantity": executed[1],
        "source": source,
        "occurred_at": occurred_at,
        "order": found,
        "raw": found.raw,
    }
    return told.build(ExecutionReport, values)


def read_market(told: Fields, name: str, symbols: Symbols) -> dict[str, str]:
    """The symbol in the field `name`, its base and its quote asset, by the names of an order's fields."""
    symbol = told.key(name)
    try:
        base_asset, quote_asset = symbols.split(symbol)
    except InvalidDataError as error:
        raise told.error(name, error.message.removeprefix(f"{error.field}: ")) from None
    return {"symbol": symbol, "base_asset": base_asset, "quote_asset": quote_asset}


def _order(answer: Fields, user_id: UUID, symbols: Symbols, order_id: UUID | None = None) -> NewOrder:
    own_name = "origClientOrderId" if "origClientOrderId" in answer.values else "clientOrderId"
    return read_order(
        answer,
        _REST,
        raw=answer,
        user_id=user_id,
        market=read_market(answer, "symbol", symbols),
        status=OrderStatus.NEW if _is_new(answer) else answer.choice(_STATUSES, "status"),
        client_order_id=answer.key_or_none(own_name),
        order_id=order_id,
        time_in_force=answer.choice_or_none(_TIMES_IN_FORCE, "timeInForce"),
        executed=_executed(answer),
    )


def _report(
    answer: Fields,
    user_id: UUID,
    symbols: Symbols,
    order_id: UUID | None,
    occurred_at: datetime | None,
    source: UpdateSource,
) -> ExecutionReport:
    return report_of(
        answer,
        _order(answer, user_id, symbols, order_id),
        executed=_executed(answer),
        occurred_at=answer.time_or_given(occurred_at, "occurred_at", "updateTime", "transactTime", "time"),
        source=source,
        order_id=order_id,
    )


def _is_new(answer: Fields) -> bool:
    return answer.find("status")[1] is None and "transactTime" in answer.values


def _executed(answer: Fields) -> tuple[Decimal | None, Decimal | None]:
    if _is_new(answer):
        return None, None
    return answer.non_negative(_REST.executed_quantity), answer.non_negative(_REST.executed_quote_quantity)
