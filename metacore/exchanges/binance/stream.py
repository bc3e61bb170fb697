"""Whatever a stream pushes."""

from __future__ import annotations

from metacore.domain.market.market_trades import MarketTrade
from metacore.domain.market.ticks import Tick
from metacore.domain.values.frozen import FrozenDict
from metacore.errors import ExchangeError
from metacore.exchanges.binance.messages import read_message
from metacore.exchanges.binance.tickers import ticks_of
from metacore.exchanges.binance.trades import TRADE, market_trade_of
from metacore.exchanges.fields import Fields
from metacore.exchanges.payloads import Payload, refuse_error

StreamEvent = MarketTrade | tuple[Tick, ...]


def stream_event(payload: Payload) -> StreamEvent | None:
    """Of any message: a trade, or ticks; None of the good answer to a subscription, ExchangeError of a bad one."""
    message = read_message(payload)
    if isinstance(message, Fields):
        if "e" not in message.values:
            _refuse_answer(message)
            if "id" in message.values and "result" in message.values:
                return None
        if message.find("e")[1] == TRADE:
            return market_trade_of(message)
    return ticks_of(message).whole()


def _refuse_answer(answer: Fields) -> None:
    refuse_error(answer)
    error = answer.values.get("error")
    if error is not None:
        if isinstance(error, FrozenDict):
            refuse_error(Fields(error, answer.source, "error"))
        raise ExchangeError(None, None, field="error", raw=answer.source)
