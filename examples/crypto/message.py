"""What a live profile is told, as JSON. The pieces that many have in common are made once."""

from __future__ import annotations

import json
from collections.abc import Mapping
from decimal import Decimal

from crypto.prices import Prices
from crypto.quotes import Quote
from metacore import Portfolio, Tick, Valuation

_AS_OLD = 0.05
"""Seconds for which a price is said to be as old as it was: half of what an age is rounded to."""


def beginning(portfolio: Portfolio, name: str | None) -> str:
    """The part of a message that stays as it is while the portfolio does."""
    content = {
        "ID": str(portfolio.user_id),
        "Name": name,
        "Quantities": {symbol: f"{quantity:f}" for symbol, quantity in portfolio.holdings.items()},
    }
    return _json(content)[:-1]


class Messages:
    """Writes messages by the prices that there are, each of which is read and written once for all who hold it."""

    def __init__(self, prices: Prices, stale_after: float) -> None:
        self._prices, self._stale_after = prices, stale_after
        self._priced: dict[str, _Priced] = {}

    def forget(self, symbol: str) -> None:
        """Nobody holds this symbol any more."""
        self._priced.pop(symbol, None)

    def write(self, beginning: str, holdings: Mapping[str, Decimal], at: float) -> str:
        """What is told to who has these holdings; `at` says by the clock of the loop how late it is."""
        held = {symbol: one for symbol in holdings if (one := self._one(symbol, at)) is not None}
        value = Valuation.of(holdings, {symbol: one.tick for symbol, one in held.items()})
        prices = ",".join([one.price for one in held.values()])
        totals = ",".join([f'{held[symbol].name}:"{total:f}"' for symbol, total in value.totals.items()])
        ages = ",".join([one.age for one in held.values()])
        stale = ",".join([one.name for one in held.values() if one.is_stale])
        unpriced = _json(value.unpriced) if value.unpriced else "[]"
        return (
            f'{beginning},"Prices":{{{prices}}},"Totals":{{{totals}}},"Total":"{value.total:f}",'
            f'"Unpriced":{unpriced},"Ages":{{{ages}}},"Stale":[{stale}]}}'
        )

    def _one(self, symbol: str, at: float) -> _Priced | None:
        quote = self._prices.last(symbol)
        if quote is None:
            return None
        one = self._priced.get(symbol)
        if one is None or one.quote is not quote or at - one.made_at > _AS_OLD:
            one = self._priced[symbol] = _Priced(quote, quote.age(self._prices.now()), self._stale_after, at)
        return one


class _Priced:
    """What is told of the price of a symbol for a moment."""

    __slots__ = ("age", "is_stale", "made_at", "name", "price", "quote", "tick")

    def __init__(self, quote: Quote, age: float, stale_after: float, made_at: float) -> None:
        self.quote, self.made_at = quote, made_at
        # A tick, since its price is known to be one.
        self.tick = Tick(exchange="any", symbol=quote.symbol, price=quote.price, at=quote.at)
        self.name = _json(quote.symbol)
        self.price = f'{self.name}:"{quote.price:f}"'
        self.age = f"{self.name}:{round(age, 1)}"
        self.is_stale = age > stale_after


def _json(value: object) -> str:
    return json.dumps(value, separators=(",", ":"))
