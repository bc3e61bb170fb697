"""Trades: what the exchange executed."""

from __future__ import annotations

from uuid import UUID

from metacore.domain.trading.orders import OrderSide
from metacore.domain.trading.trades import NewTrade
from metacore.exchanges.fields import Fields
from metacore.exchanges.forms import TradeForm, read_trade
from metacore.exchanges.items import listed
from metacore.exchanges.mexc.answers import refuse_isolated
from metacore.exchanges.payloads import Payload, read_object, refuse_error

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
    return trade_of(read_object(payload), user_id=user_id)


@listed
def trades(answer: Fields, *, user_id: UUID) -> NewTrade:
    """Of the answer to GET /api/v3/myTrades: like `trade`, one by one, in the exchange's order."""
    return trade_of(answer, user_id=user_id)


def trade_of(answer: Fields, *, user_id: UUID) -> NewTrade:
    """The trade that an item of an answer tells."""
    refuse_error(answer)
    refuse_isolated(answer)
    return read_trade(
        answer,
        _REST,
        raw=answer,
        user_id=user_id,
        symbol=answer.key("symbol"),
        side=OrderSide.BUY if answer.flag("isBuyer") else OrderSide.SELL,
        is_maker=answer.flag_or_none("isMaker"),
    )
