"""Trades of the market: those of one order at one price are one."""

from __future__ import annotations

from metacore.domain.market.market_trades import MarketTrade
from metacore.domain.trading.orders import OrderSide
from metacore.errors import InvalidDataError
from metacore.exchanges.binance.messages import EXCHANGE, read_message, require_kind, symbol_of
from metacore.exchanges.fields import Fields
from metacore.exchanges.payloads import Payload, source_of

TRADE = "aggTrade"


def market_trade(payload: Payload) -> MarketTrade:
    """Of a message of `<symbol>@aggTrade`: its side is that of the order that took the price of one that lay there."""
    message = read_message(payload)
    if not isinstance(message, Fields):
        raise InvalidDataError("the payload must be a JSON object", raw=source_of(payload))
    return market_trade_of(message)


def market_trade_of(message: Fields) -> MarketTrade:
    """The trade that a message tells."""
    require_kind(message, TRADE)
    values = {
        "exchange": EXCHANGE,
        "symbol": symbol_of(message),
        "exchange_trade_id": message.key("a"),
        "side": OrderSide.SELL if message.flag("m") else OrderSide.BUY,
        "price": message.positive("p"),
        "quantity": message.positive("q"),
        "traded_at": message.time("T"),
    }
    return message.build(MarketTrade, values)
