"""Prices that are given to what values holdings: figures, ticks, or the feed whose newest ticks they are."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from typing import Annotated, TypeAlias

from pydantic import PlainSerializer, PlainValidator, WithJsonSchema

from metacore.domain.market.ticks import Tick
from metacore.domain.values.frozen import FrozenDict
from metacore.domain.values.model import Model
from metacore.domain.values.symbols import by_symbol, parse_quantity, parsed
from metacore.domain.values.text import Key
from metacore.domain.values.times import iso, parse_time

Price: TypeAlias = Decimal | Tick
"""What one unit is worth: a figure, or a tick, which tells as well when that was."""

PricesBySymbol: TypeAlias = Mapping[str, Price]
"""By symbol, in whatever case."""


class PriceFeed(Model):
    """The newest prices that `bars` has of a feed, on one exchange or on any.

    A coin is priced by its pair with `quote`, whose name is in upper case, as exchanges write it: btc by BTCUSDT.
    """

    feed: Key
    """The feed of the bars, such as live."""
    quote: Key
    """What coins are priced in, such as USDT; one unit of it is worth 1."""
    exchange: Key | None = None
    """The exchange whose prices they are; null for the newest of any."""

    def pair(self, coin: str) -> str:
        """The trading symbol by which `coin` is priced."""
        return f"{coin}{self.quote}".upper()

    def is_quote(self, coin: str) -> bool:
        """Whether `coin` is what others are priced in."""
        return coin.lower() == self.quote.lower()


def known_prices(prices: PricesBySymbol) -> Mapping[str, object]:
    """What is given for each symbol, by its lower case; InvalidDataError if one is named twice."""
    known: Mapping[str, object] = parsed(lambda names: by_symbol(names, lambda price: price), prices, "prices")
    return known


def price_of(symbol: str, stated: object) -> tuple[Decimal, datetime | None]:
    """The price that is given for a symbol, and when it was, if that is told.

    InvalidDataError if it is no amount, or a negative one.
    """
    if isinstance(stated, Tick):
        return stated.price, stated.at
    return parsed(parse_quantity, stated, f"prices.{symbol}"), None


def _parse_moments(value: object) -> FrozenDict:
    return FrozenDict(by_symbol(value, parse_time))


def _iso_each(value: Mapping[str, datetime]) -> dict[str, str]:
    return {symbol: iso(moment) for symbol, moment in value.items()}


Moments = Annotated[
    Mapping[str, datetime],
    PlainValidator(_parse_moments),
    PlainSerializer(_iso_each, when_used="json"),
    WithJsonSchema({"type": "object", "additionalProperties": {"type": "string", "format": "date-time"}}),
]
"""Points in time by symbol."""
