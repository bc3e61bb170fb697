"""Binance spot: what its streams of market data push, as ticks and trades.

A payload is JSON text (bytes in UTF-8, or str) or what was parsed from it without floats: a message as it is, or in the
wrapper of a combined stream. Its keys differ by case: `e` is the kind of message, `E` a time. Every function raises
InvalidDataError alone: `field` is the path of what is wrong in the payload, `raw` its bytes. What the exchange answers
with an error is an ExchangeError with its `code` and `msg`.

- `ticks` of `<symbol>@miniTicker`, one, and of `!miniTicker@arr`, a list: all or nothing, or, by `ticks.readable`, what
  can be read and each bad item
- `market_trade` of `<symbol>@aggTrade`
- `stream_event` of whichever it is

Source: https://developers.binance.com/docs/binance-spot-api-docs/web-socket-streams
"""

from metacore.exchanges.binance.stream import StreamEvent, stream_event
from metacore.exchanges.binance.tickers import ticks
from metacore.exchanges.binance.trades import market_trade
from metacore.exchanges.payloads import Payload

__all__ = ["Payload", "StreamEvent", "market_trade", "stream_event", "ticks"]
