"""Trades: what the exchange executed."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from metacore.domain.trading.orders import OrderSide
from metacore.domain.trading.trades import NewTrade
from metacore.exchanges.mexc.fields import Fields
from metacore.exchanges.mexc.payloads import Payload, read_list, read_object


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


_REST = TradeForm(
    trade_id="id",
    order_id="orderId",
    client_order_id="clientOrderId",
    price="price",
    quantity="qty",
    quote_quantity="quoteQty",
    commission="commission",
    commission_asset="commissionAsset",
    time="time",
)


def trade(payload: Payload, *, user_id: UUID) -> NewTrade:
    """Of one item of the answer to GET /api/v3/myTrades.

    The exchange's ids tell the two trades of a self-trade apart by their order; `isSelfTrade` stays in `raw`.
    https://mexcdevelop.github.io/apidocs/spot_v3_en/#account-trade-list
    """
    return _trade(read_object(payload), user_id)


def trades(payload: Payload, *, user_id: UUID) -> tuple[NewTrade, ...]:
    """Of the answer to GET /api/v3/myTrades: like `trade`, one by one, in the exchange's order."""
    return tuple(_trade(answer, user_id) for answer in read_list(payload))


def read_trade(
    told: Fields,
    form: TradeForm,
    *,
    raw: Fields,
    user_id: UUID,
    symbol: str,
    side: OrderSide,
    is_maker: bool | None,
) -> NewTrade:
    """The trade that `told` describes in `form`: the rules that hold for every kind of message."""
    commission, commission_asset = told.commission(form.commission), told.key_or_none(form.commission_asset)
    if commission and commission_asset is None:
        raise told.error(form.commission_asset, "is missing, but there is a commission")
    values = {
        "user_id": user_id,
        "exchange_order_id": told.key(form.order_id),
        "client_order_id": told.key_or_none(form.client_order_id),
        "exchange_trade_id": told.key(form.trade_id),
        "symbol": symbol,
        "side": side,
        "price": told.non_negative(form.price),
        "quantity": told.positive(form.quantity),
        "quote_quantity": told.non_negative_or_none(form.quote_quantity),
        "commission": commission,
        "commission_asset": commission_asset,
        "is_maker": is_maker,
        "traded_at": told.time(form.time),
        "raw": raw.values,
    }
    return told.build(NewTrade, values)


def _trade(answer: Fields, user_id: UUID) -> NewTrade:
    return read_trade(
        answer,
        _REST,
        raw=answer,
        user_id=user_id,
        symbol=answer.key("symbol"),
        side=OrderSide.BUY if answer.flag("isBuyer") else OrderSide.SELL,
        is_maker=answer.flag_or_none("isMaker"),
    )
