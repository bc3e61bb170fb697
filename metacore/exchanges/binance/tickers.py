"""Tickers: the last price of symbols."""

from __future__ import annotations

from metacore.domain.market.ticks import Tick
from metacore.domain.values.items import Readable
from metacore.exchanges.binance.messages import EXCHANGE, read_message, require_kind, symbol_of
from metacore.exchanges.fields import Fields
from metacore.exchanges.items import ItemParser, read_each
from metacore.exchanges.payloads import Items, Payload

TICKER = "24hrMiniTicker"


def _read_ticks(payload: Payload) -> Readable[tuple[Tick, ...]]:
    """Of a message of `<symbol>@miniTicker` or of `!miniTicker@arr`: the last price, at the time of the message."""
    return ticks_of(read_message(payload))


ticks = ItemParser(_read_ticks)
"""Of a message of `<symbol>@miniTicker` or of `!miniTicker@arr`: the last price, at the time of the message."""


def ticks_of(message: Fields | Items) -> Readable[tuple[Tick, ...]]:
    """The ticks that a message tells, one or several."""
    if isinstance(message, Fields):
        return Readable((tick_of(message),), ())
    good, bad = read_each(message, tick_of)
    return Readable(tuple(good), bad)


def tick_of(message: Fields) -> Tick:
    """The tick that a message tells."""
    require_kind(message, TICKER)
    values = {
        "exchange": EXCHANGE,
        "symbol": symbol_of(message),
        "price": message.positive("c"),
        "at": message.time("E"),
    }
    return message.build(Tick, values)
