"""Forms: by which names and codes a kind of message tells of orders and trades, and what all of them mean."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from uuid import UUID

from metacore.domain.trading.order_updates import UpdateSource
from metacore.domain.trading.orders import NewOrder, OrderSide, OrderStatus, OrderType, TimeInForce
from metacore.domain.trading.reports import ExecutionReport
from metacore.domain.trading.trades import NewTrade
from metacore.errors import InvalidDataError
from metacore.exchanges.fields import Fields
from metacore.exchanges.symbols import Symbols


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


@dataclass(frozen=True, slots=True, kw_only=True)
class TradeForm:
    """The names by which one kind of message tells of a trade."""

    trade_id: str
    order_id: str
    client_order_id: str
    price: str
    quantity: str
    quote_quantity: str
    commission: str
    commission_asset: str
    time: str


def read_order(
    fields: Fields,
    form: OrderForm,
    *,
    raw: Fields,
    user_id: UUID,
    market: Mapping[str, str],
    status: OrderStatus,
    client_order_id: str | None,
    order_id: UUID | None = None,
    type_: OrderType | None = None,
    time_in_force: TimeInForce | None = None,
    executed: tuple[Decimal | None, Decimal | None],
) -> NewOrder:
    """The order that `fields` describe in `form`: the rules that hold for every kind of message.

    `type_` is its type where the form's codes do not tell it.
    """
    side, type_ = fields.choice(form.sides, form.side), type_ or fields.choice(form.types, form.type)
    is_market = type_ is OrderType.MARKET
    quantity = fields.positive_or_none(*form.quantity) if is_market else fields.positive(*form.quantity)
    quote_quantity = fields.positive_or_none(form.quote_quantity) if is_market and side is OrderSide.BUY else None
    if quantity is None and quote_quantity is None:
        raise fields.error(
            fields.find(*form.quantity)[0], "a MARKET order has a quantity or, for a BUY, a quote quantity"
        )
    values = {
        "user_id": user_id,
        **market,
        "side": side,
        "type": type_,
        "time_in_force": time_in_force,
        "status": status,
        "price": None if is_market else fields.positive(form.price),
        "quantity": quantity,
        "quote_quantity": quote_quantity,
        "stop_price": fields.positive_or_none(form.stop_price),
        "executed_quantity": executed[0] or 0,
        "executed_quote_quantity": executed[1] or 0,
        "exchange_order_id": fields.key(*form.order_id),
        "client_order_id": client_order_id,
        "transacted_at": fields.time_or_none(*form.created),
        "raw": raw.values,
    }
    return fields.build(NewOrder, values if order_id is None else values | {"id": order_id})


def report_of(
    fields: Fields,
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
    return fields.build(ExecutionReport, values)


def read_market(fields: Fields, name: str, symbols: Symbols) -> dict[str, str]:
    """The symbol in the field `name`, its base and its quote asset, by the names of an order's fields."""
    symbol = fields.key(name)
    try:
        base_asset, quote_asset = symbols.split(symbol)
    except InvalidDataError as error:
        raise fields.error(name, error.message.removeprefix(f"{error.field}: ")) from None
    return {"symbol": symbol, "base_asset": base_asset, "quote_asset": quote_asset}


def read_trade(
    fields: Fields,
    form: TradeForm,
    *,
    raw: Fields,
    user_id: UUID,
    symbol: str,
    side: OrderSide,
    is_maker: bool | None,
) -> NewTrade:
    """The trade that `fields` describe in `form`: the rules that hold for every kind of message."""
    commission, commission_asset = fields.commission(form.commission), fields.key_or_none(form.commission_asset)
    if commission and commission_asset is None:
        raise fields.error(form.commission_asset, "is missing, but there is a commission")
    values = {
        "user_id": user_id,
        "exchange_order_id": fields.key(form.order_id),
        "client_order_id": fields.key_or_none(form.client_order_id),
        "exchange_trade_id": fields.key(form.trade_id),
        "symbol": symbol,
        "side": side,
        "price": fields.non_negative(form.price),
        "quantity": fields.positive(form.quantity),
        "quote_quantity": fields.non_negative_or_none(form.quote_quantity),
        "commission": commission,
        "commission_asset": commission_asset,
        "is_maker": is_maker,
        "traded_at": fields.time(form.time),
        "raw": raw.values,
    }
    return fields.build(NewTrade, values)
