"""Trades of a market: what it tells everybody."""

from __future__ import annotations

from metacore.domain.market.ticks import Tick
from metacore.domain.trading.orders import OrderSide
from metacore.domain.values.amounts import PositiveAmount
from metacore.domain.values.model import Model
from metacore.domain.values.text import Key
from metacore.domain.values.times import Time


class MarketTrade(Model):
    """What two others have traded: told to everybody, with no user and no order of ours. A value, not stored."""

    exchange: Key
    """The exchange that tells it."""
    symbol: Key
    exchange_trade_id: Key
    """The trade's id by the exchange, unique for each symbol."""
    side: OrderSide
    """The side of the order that took the price of one that lay there: BUY or SELL."""
    price: PositiveAmount
    quantity: PositiveAmount
    traded_at: Time

    @property
    def tick(self) -> Tick:
        """The price that it tells."""
        return Tick(exchange=self.exchange, symbol=self.symbol, price=self.price, at=self.traded_at)
