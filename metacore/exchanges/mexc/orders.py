"""Orders: what the exchange says of them, as orders found there and as reports that move the stored ones."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from uuid import UUID

from metacore.domain.trading.order_updates import UpdateSource
from metacore.domain.trading.orders import NewOrder, OrderSide, OrderStatus, OrderType, TimeInForce
from metacore.domain.trading.reports import ExecutionReport
from metacore.exchanges.fields import Fields
from metacore.exchanges.forms import OrderForm, read_market, read_order, report_of
from metacore.exchanges.items import listed
from metacore.exchanges.mexc.answers import refuse_isolated
from metacore.exchanges.payloads import Payload, read_object, refuse_error
from metacore.exchanges.symbols import Symbols

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


@listed
def orders(answer: Fields, *, user_id: UUID, symbols: Symbols) -> NewOrder:
    """Of the answer to GET or DELETE /api/v3/openOrders, or to GET /api/v3/allOrders: like `order`, one by one."""
    return _order(answer, user_id, symbols)


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
    answer = read_object(payload)
    return report_of_answer(
        answer, user_id=user_id, symbols=symbols, order_id=order_id, occurred_at=occurred_at, source=source
    )


@listed
def reports(
    answer: Fields,
    *,
    user_id: UUID,
    symbols: Symbols,
    occurred_at: datetime | None = None,
    source: UpdateSource = UpdateSource.REST,
) -> ExecutionReport:
    """Of the same answers as `orders`: like `report`, one by one."""
    return report_of_answer(answer, user_id=user_id, symbols=symbols, occurred_at=occurred_at, source=source)


def report_of_answer(
    answer: Fields,
    *,
    user_id: UUID,
    symbols: Symbols,
    order_id: UUID | None = None,
    occurred_at: datetime | None = None,
    source: UpdateSource = UpdateSource.REST,
) -> ExecutionReport:
    """The report that an answer, or an item of one, tells."""
    return report_of(
        answer,
        _order(answer, user_id, symbols, order_id),
        executed=_executed(answer),
        occurred_at=answer.time_or_default(occurred_at, "occurred_at", "updateTime", "transactTime", "time"),
        source=source,
        order_id=order_id,
    )


def _order(answer: Fields, user_id: UUID, symbols: Symbols, order_id: UUID | None = None) -> NewOrder:
    refuse_error(answer)
    refuse_isolated(answer)
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


def _is_new(answer: Fields) -> bool:
    return answer.find("status")[1] is None and "transactTime" in answer.values


def _executed(answer: Fields) -> tuple[Decimal | None, Decimal | None]:
    if _is_new(answer):
        return None, None
    return answer.non_negative(_REST.executed_quantity), answer.non_negative(_REST.executed_quote_quantity)
