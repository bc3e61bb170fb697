"""Valuations: what holdings are worth at given prices."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Annotated, Any, Self

from pydantic import PlainSerializer, PlainValidator

from metacore.domain.values.amounts import Sum, canonical, exact, parse_sum, total
from metacore.domain.values.frozen import FrozenDict
from metacore.domain.values.model import Model, unchecked
from metacore.domain.values.symbols import Symbol, by_symbol, parse_quantity, parsed, plain_each


def _parse_figures(value: object) -> FrozenDict:
    return FrozenDict(by_symbol(value, parse_sum))


Figures = Annotated[FrozenDict, PlainValidator(_parse_figures), PlainSerializer(plain_each, when_used="json")]
"""Exact decimals of any length by symbol; in JSON strings."""


class Valuation(Model):
    """What holdings are worth at given prices: exact, never rounded.

    By symbol, in its order: all the `quantities` held, the `prices` of those that have one, and their `totals`, which
    add up to `total`. The symbols without a price are listed as `unpriced`, and count for nothing.
    """

    quantities: Figures
    prices: Figures
    totals: Figures
    total: Sum
    unpriced: tuple[Symbol, ...] = ()

    @classmethod
    def of(cls, holdings: Mapping[str, Decimal], prices: Mapping[str, Decimal]) -> Self:
        """What `holdings`, quantities by symbol, are worth at `prices`, by symbol in whatever case.

        InvalidDataError if a symbol is named twice, or the price of one that is held is no amount or negative.
        """
        known: Mapping[str, Any] = parsed(lambda given: by_symbol(given, lambda price: price), prices, "prices")
        used = {s: parsed(parse_quantity, known[s], f"prices.{s}") for s in holdings if s in known}
        with exact():
            totals = {symbol: canonical(holdings[symbol] * price) for symbol, price in used.items()}
        return unchecked(
            cls,
            {
                "quantities": FrozenDict(holdings),
                "prices": FrozenDict(used),
                "totals": FrozenDict(totals),
                "total": total(totals.values()),
                "unpriced": tuple(symbol for symbol in holdings if symbol not in used),
            },
        )
