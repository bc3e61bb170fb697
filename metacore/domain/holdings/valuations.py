"""Valuations: what holdings are worth at given prices."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Annotated, Self

from pydantic import Field, PlainSerializer, PlainValidator

from metacore.domain.market.prices import Moments, PricesBySymbol, known_prices, price_of
from metacore.domain.values.amounts import Sum, canonical, parse_sum, product, total
from metacore.domain.values.frozen import FrozenDict
from metacore.domain.values.model import Model, unchecked
from metacore.domain.values.symbols import Symbol, by_symbol, plain_each


def _parse_figures(value: object) -> FrozenDict:
    return FrozenDict(by_symbol(value, parse_sum))


Figures = Annotated[FrozenDict, PlainValidator(_parse_figures), PlainSerializer(plain_each, when_used="json")]
"""Exact decimals of any length by symbol; in JSON strings."""


class Valuation(Model):
    """What holdings are worth at given prices: exact, never rounded.

    By symbol, in its order: all the `quantities` held, the `prices` of those that have one, and their `totals`, which
    add up to `total`. The symbols without a price are listed as `unpriced`, and count for nothing. `priced_at` says how
    old prices are that were given as ticks.
    """

    quantities: Figures
    prices: Figures
    totals: Figures
    total: Sum
    unpriced: tuple[Symbol, ...] = ()
    priced_at: Moments = Field(default_factory=FrozenDict)
    """When the price of a symbol was told, of those whose price is a tick's."""

    @classmethod
    def of(cls, holdings: Mapping[str, Decimal], prices: PricesBySymbol) -> Self:
        """What `holdings`, quantities by symbol, are worth at `prices`, by symbol in whatever case.

        InvalidDataError if a symbol is named twice, or the price of one that is held is no amount or negative.
        """
        known = known_prices(prices)
        used = {symbol: price_of(symbol, known[symbol]) for symbol in holdings if symbol in known}
        totals = {symbol: canonical(product(holdings[symbol], price)) for symbol, (price, _) in used.items()}
        return unchecked(
            cls,
            {
                "quantities": FrozenDict(holdings),
                "prices": FrozenDict({symbol: price for symbol, (price, _) in used.items()}),
                "totals": FrozenDict(totals),
                "total": total(totals.values()),
                "unpriced": tuple(symbol for symbol in holdings if symbol not in used),
                "priced_at": FrozenDict({symbol: at for symbol, (_, at) in used.items() if at is not None}),
            },
        )
