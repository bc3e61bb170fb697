"""Trades, drawn: mostly such as fit an order that is stored."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from hypothesis import strategies as st

from metacore.domain.trading.orders import Order
from metacore.domain.trading.trades import NewTrade, Trade, TradeFilter, TradeState
from metacore.domain.values.amounts import ATTO, round_down
from metacore.testing.clock import START

from .orders import named, names_of
from .values import (
    PAIRS,
    amounts,
    exchange_trade_ids,
    maybe,
    money,
    prices,
    quantities,
    raws,
    sides,
    symbols,
    times,
    trade_ids,
)


@st.composite
def new_trades(draw: Any, known: Sequence[Order] = ()) -> NewTrade:
    """A trade, mostly one that fits an order that is stored."""
    names = draw(names_of(known))
    order = named(names, known) if draw(st.integers(0, 19)) else None
    symbol, side = (order.symbol, order.side) if order else (draw(symbols), draw(sides))
    if not draw(st.integers(0, 9)):
        symbol, side = draw(symbols), draw(sides)  # now and then the order says another
    quantity = draw(quantities)
    if order and order.quantity and draw(st.integers(0, 3)):
        quantity = draw(st.sampled_from([order.quantity, round_down(order.quantity / 2) or ATTO, quantity]))
    commission = draw(amounts("0", "0", "0.00001", "0.5", "-0.1", "0.000000000000000001"))
    return NewTrade(
        id=draw(trade_ids),
        **names,
        exchange_trade_id=draw(exchange_trade_ids),
        symbol=symbol,
        side=side,
        price=order.price if order and order.price and draw(st.booleans()) else draw(prices),
        quantity=quantity,
        quote_quantity=draw(st.sampled_from([None, None, None, draw(money), Decimal(0)])),
        commission=commission,
        commission_asset=draw(st.sampled_from([*PAIRS[symbol], *PAIRS[symbol], "ß"])) if commission else None,
        is_maker=draw(maybe(st.booleans())),
        traded_at=draw(times),
        raw=draw(raws),
    )


trade_filters = st.builds(
    TradeFilter,
    symbol=maybe(symbols),
    state=maybe(st.sampled_from(TradeState)),
    side=maybe(sides),
    since=maybe(times),
    until=maybe(times),
)


@st.composite
def saved_trades(draw: Any) -> Trade:
    trade = Trade.created(draw(new_trades()), START, draw(st.sampled_from(TradeState)))
    return trade.changed(version=draw(st.sampled_from([1, 1, 2, 2, 3])))
