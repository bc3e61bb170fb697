"""Bars: minutes of prices, each told in parts that add up."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from decimal import ROUND_HALF_EVEN, Decimal
from typing import Any, Protocol, Self
from uuid import UUID

from pydantic import Field, model_validator

from metacore import ids
from metacore.domain.values.amounts import ATTO, ZERO, NonNegativeAmount, PositiveAmount, Sum, canonical, exact, product
from metacore.domain.values.model import Model, across, unchecked
from metacore.domain.values.text import Key, require_key
from metacore.domain.values.times import Time, require_time
from metacore.errors import InvalidDataError

MINUTE = timedelta(minutes=1)

PartKey = tuple[str, str, str, datetime, UUID]
"""`(symbol, feed, exchange, starts_at, part)`."""


def minute_of(moment: datetime) -> datetime:
    """The minute that has `moment`: it takes in its start, and not its end."""
    return moment.replace(second=0, microsecond=0)


def first_minute(moment: datetime) -> datetime:
    """The first minute that begins at `moment` or after it."""
    start = minute_of(moment)
    return start if start == moment or start >= _LAST_MINUTE else start + MINUTE


_LAST_MINUTE = minute_of(datetime.max.replace(tzinfo=UTC))


def parse_bounds(since: datetime | None, until: datetime | None) -> tuple[datetime | None, datetime | None]:
    """Both in UTC; InvalidDataError names what is no time."""
    start = None if since is None else require_time("since", since)
    return start, None if until is None else require_time("until", until)


def require_keys(feed: str, symbol: str, exchange: str | None) -> None:
    """InvalidDataError names what is no key."""
    require_key(feed=feed, symbol=symbol)
    if exchange is not None:
        require_key(exchange=exchange)


def require_symbols(feed: str, symbols: Iterable[str], exchange: str | None) -> Sequence[str]:
    """The symbols, each once, in their order; InvalidDataError names what is no key."""
    if isinstance(symbols, str) or not isinstance(symbols, Iterable):
        raise InvalidDataError("symbols are an iterable of texts; of one, pass [symbol]", field="symbols")
    require_key(feed=feed)
    if exchange is not None:
        require_key(exchange=exchange)
    listed = list(symbols)
    for symbol in listed:
        require_key(symbols=symbol)
    return tuple(dict.fromkeys(listed))


class Prices(Model):
    """What is known of several ticks: as many as `count`, one at least, whose prices add up to `sum`.

    `low` and `high` are dated by the first tick that had them.
    """

    count: int = Field(ge=1, lt=2**63)
    """How many ticks it has."""
    sum: Sum
    """What the prices of all its ticks add up to, exactly; in JSON a string."""
    low: PositiveAmount
    """The lowest price."""
    low_at: Time
    """When the lowest price was first told."""
    high: PositiveAmount
    """The highest price."""
    high_at: Time
    """When the highest price was first told."""


class BarPart(Prices):
    """A part of the minute of a symbol on an exchange, which begins `starts_at`: some of its ticks, each in one part.

    A `feed` keeps apart what must not be added up, such as "live" and "test". `part` is an id of the client's: a part
    told again is the same part. `last` is the price of the newest tick. Ticks lie in the minute, its end excluded; the
    prices are between `low` and `high`, and so is their average.
    """

    feed: Key
    """What must not be added up with other feeds, such as live and test."""
    symbol: Key
    exchange: Key
    """The exchange whose prices they are."""
    starts_at: Time
    """When the minute begins."""
    count: int = Field(ge=1, lt=2**31)
    """How many ticks it has."""
    part: UUID = Field(default_factory=lambda: ids.new_id())
    """The id of the part, made by the client."""
    sum: PositiveAmount
    """What the prices of all its ticks add up to, exactly; in JSON a string."""
    last: PositiveAmount
    """The price of the newest tick."""
    last_at: Time
    """When the newest tick was."""

    @model_validator(mode="after")
    def _possible(self) -> Self:
        if self.starts_at != minute_of(self.starts_at):
            raise across("a minute begins with second 0", "starts_at")
        for name in ("low_at", "high_at", "last_at"):
            if not self.starts_at <= getattr(self, name) < self.starts_at + MINUTE:
                raise across("it lies in the minute that begins `starts_at`", name)
        if not self.low <= self.last <= self.high:
            raise across("the last price is not between the lowest and the highest", "low", "last", "high")
        if not product(self.low, Decimal(self.count)) <= self.sum <= product(self.high, Decimal(self.count)):
            raise across("the average price is not between the lowest and the highest", "low", "sum", "high")
        return self

    @property
    def key(self) -> PartKey:
        """What it is found by."""
        return self.symbol, self.feed, self.exchange, self.starts_at, self.part


class AveragedPrices(Prices):
    """Prices with their `average`: `sum` / `count` of the very ticks, rounded to 18 places, half to even."""

    average: NonNegativeAmount
    """The sum of the prices by their count, at 18 places."""

    @classmethod
    def of(cls, values: dict[str, Any]) -> Self:
        """What these, already valid, values of all fields but the average make."""
        return unchecked(cls, {**values, "average": average(values["sum"], values["count"])})


class Bar(AveragedPrices):
    """The minute of a symbol on an exchange that begins `starts_at`, as all its parts tell it.

    Of several newest ticks at one moment, `last` is that of the part with the greatest id.
    """

    feed: Key
    """What must not be added up with other feeds, such as live and test."""
    symbol: Key
    exchange: Key
    """The exchange whose prices they are."""
    starts_at: Time
    """When the minute begins."""
    last: PositiveAmount
    """The price of the newest tick."""
    last_at: Time
    """When the newest tick was."""

    def place(self) -> tuple[datetime, str]:
        """What bars are listed by, descending."""
        return self.starts_at, self.exchange


class Summary(AveragedPrices):
    """The prices of a symbol on one exchange, or on all, from `since` on until `until`, excluded."""

    symbol: Key
    exchange: Key | None
    """The exchange whose prices they are; null for those of all."""
    since: Time
    until: Time


def average(sum: Decimal, count: int) -> Decimal:
    """`sum` / `count` at 18 places, half to even."""
    with exact() as context:
        return canonical((sum / count).quantize(ATTO, ROUND_HALF_EVEN, context=context))


class Added(Protocol):
    """What can be added up: `Prices`, and what is counted while ticks come."""

    @property
    def count(self) -> int: ...
    @property
    def sum(self) -> Decimal: ...
    @property
    def low(self) -> Decimal: ...
    @property
    def low_at(self) -> datetime: ...
    @property
    def high(self) -> Decimal: ...
    @property
    def high_at(self) -> datetime: ...


def added_up(prices: Sequence[Added]) -> dict[str, Any]:
    """What `prices`, one at least, are together, as the values of the fields of `Prices`."""
    low = min(prices, key=lambda each: (each.low, each.low_at))
    high = min(prices, key=lambda each: (each.high.copy_negate(), each.high_at))
    with exact():
        return {
            "count": sum(each.count for each in prices),
            "sum": canonical(sum((each.sum for each in prices), ZERO)),
            "low": low.low,
            "low_at": low.low_at,
            "high": high.high,
            "high_at": high.high_at,
        }


def newest(parts: Iterable[BarPart]) -> BarPart:
    """The part of `parts`, one at least, with the newest tick; of several, that of the greatest id."""
    return max(parts, key=lambda part: (part.last_at, part.part))


def bar_of(parts: Sequence[BarPart]) -> Bar:
    """The minute whose parts all of `parts` are."""
    last, first = newest(parts), parts[0]
    where = {"feed": first.feed, "symbol": first.symbol, "exchange": first.exchange, "starts_at": first.starts_at}
    return Bar.of({**added_up(parts), **where, "last": last.last, "last_at": last.last_at})
