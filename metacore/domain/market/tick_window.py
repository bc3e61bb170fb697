"""A window of ticks: the last seconds of every pair, and what of its minutes nobody has taken yet."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any, Self
from uuid import UUID

from metacore import ids
from metacore.domain.market.bars import MINUTE, BarPart, Summary, added_up, minute_of
from metacore.domain.market.ticks import Tick
from metacore.domain.values.amounts import addition, canonical
from metacore.domain.values.model import require_model, unchecked
from metacore.domain.values.text import require_key
from metacore.domain.values.times import require_time
from metacore.errors import InvalidDataError, NotFoundError

_SECOND = timedelta(seconds=1)

Pair = tuple[str, str]
"""`(symbol, exchange)`."""


@dataclass(slots=True)
class _Sums:
    """What several ticks of a pair add up to."""

    count: int
    sum: Decimal
    low: Decimal
    low_at: datetime
    high: Decimal
    high_at: datetime
    last: Decimal
    last_at: datetime

    @classmethod
    def of(cls, tick: Tick) -> Self:
        price, at = tick.price, tick.at
        return cls(1, price, price, at, price, at, price, at)

    def add(self, tick: Tick) -> None:
        price, at = tick.price, tick.at
        self.count += 1
        self.sum = addition(self.sum, price)
        if price < self.low or (price == self.low and at < self.low_at):
            self.low, self.low_at = price, at
        if price > self.high or (price == self.high and at < self.high_at):
            self.high, self.high_at = price, at
        if at >= self.last_at:
            self.last, self.last_at = price, at

    @classmethod
    def of_part(cls, part: BarPart) -> Self:
        low, high, last = (part.low, part.low_at), (part.high, part.high_at), (part.last, part.last_at)
        return cls(part.count, part.sum, *low, *high, *last)

    def merge(self, other: _Sums) -> None:
        self.count += other.count
        self.sum = addition(self.sum, other.sum)
        if (other.low, other.low_at) < (self.low, self.low_at):
            self.low, self.low_at = other.low, other.low_at
        if other.high > self.high or (other.high == self.high and other.high_at < self.high_at):
            self.high, self.high_at = other.high, other.high_at
        if other.last_at >= self.last_at:
            self.last, self.last_at = other.last, other.last_at

    def values(self) -> dict[str, Any]:
        names = ("count", "low", "low_at", "high", "high_at")
        return {"sum": canonical(self.sum), **{name: getattr(self, name) for name in names}}


class TickWindow:
    """The ticks of the last `span`, by second, and the parts of minutes that they make: each tick is in one part, once.

    It keeps no tick, but what those of a second add up to: as much as there are seconds in the span, for each pair of a
    symbol and an exchange, however many ticks come, in whatever order. A tick that is a span older than the newest of
    its pair counts in its minute alone. Nothing here looks at a clock: whoever adds ticks says which are too old, or
    not yet possible. It is used by one task or thread at a time.

    Several windows tell each other what they have by parts of a second each: one takes them (`parts`), the others
    `merge` them.
    """

    def __init__(self, span: timedelta) -> None:
        if not isinstance(span, timedelta) or span < _SECOND:
            raise InvalidDataError("a span is a timedelta of a second at least", field="span")
        self._span = span
        self._seconds: dict[Pair, dict[datetime, _Sums]] = {}
        self._untaken: dict[tuple[Pair, datetime], _Sums] = {}
        self._known: dict[tuple[Pair, datetime], set[UUID]] = {}

    def add(self, tick: Tick) -> None:
        """Count `tick`; one that is equal to another is another one."""
        require_model(Tick, tick, "tick")
        pair, second = (tick.symbol, tick.exchange), _second_of(tick.at)
        key = pair, second
        if key in self._untaken:
            self._untaken[key].add(tick)
        else:
            self._untaken[key] = _Sums.of(tick)
        seconds = self._seconds.setdefault(pair, {})
        if second in seconds:
            seconds[second].add(tick)
        elif self._has_room(pair, second):
            seconds[second] = _Sums.of(tick)

    def merge(self, part: BarPart) -> None:
        """Count what another window took as a part of a second, once, however often it is told; it is in no part here.

        InvalidDataError if the part is of more than a second. A part of its own changes nothing.
        """
        require_model(BarPart, part, "part")
        pair, second = (part.symbol, part.exchange), _second_of(part.last_at)
        if not second <= min(part.low_at, part.high_at):
            raise InvalidDataError("it is of more than a second", field="part")
        seconds, known = self._seconds.setdefault(pair, {}), self._known.get((pair, second), ())
        if part.part in known or not self._has_room(pair, second):
            return
        self._known.setdefault((pair, second), set()).add(part.part)
        if second in seconds:
            seconds[second].merge(_Sums.of_part(part))
        else:
            seconds[second] = _Sums.of_part(part)

    def latest(self, symbol: str, exchange: str | None = None) -> Tick:
        """The newest tick of the symbol, on this exchange or on any; of several at one moment, the one added last.

        NotFoundError if none is in the window.
        """
        newest = [(pair[1], seconds[max(seconds)]) for pair, seconds in self._pairs(symbol, exchange)]
        if not newest:
            raise NotFoundError("tick", (symbol, exchange))
        place, sums = max(newest, key=lambda each: each[1].last_at)
        return unchecked(Tick, {"exchange": place, "symbol": symbol, "price": sums.last, "at": sums.last_at})

    def summary(self, symbol: str, exchange: str | None = None, since: datetime | None = None) -> Summary:
        """The prices of the symbol from the second of `since` on, or all in the window, on this exchange or on all.

        It tells by `since` and `until` which whole seconds it is about. NotFoundError if there is no tick.
        """
        start = None if since is None else _second_of(require_time("since", since))
        found = self._found(symbol, exchange, start)
        return Summary.of(
            {
                **added_up([sums for _, sums in found]),
                "symbol": symbol,
                "exchange": exchange,
                "since": start or min(second for second, _ in found),
                "until": max(second for second, _ in found) + _SECOND,
            }
        )

    def parts(
        self, feed: str = "live", before: datetime | None = None, each_second: bool = False
    ) -> tuple[BarPart, ...]:
        """Take what was added and not taken yet, a part for each minute of each pair, by key, of this `feed`.

        Only of minutes that ended by `before`, if given; with `each_second` a part for each of their seconds, which
        other windows may `merge`. A tick that comes for a minute of which a part was taken is in the next part. Store
        the same parts again if it is not known whether they were: `bars.add` stores each once.
        """
        require_key(feed=feed)
        end = None if before is None else require_time("before", before)
        found: dict[tuple[Pair, datetime], _Sums] = {}
        for pair, second in sorted(self._untaken):
            if end is not None and minute_of(second) + MINUTE > end:
                continue
            sums, key = self._untaken.pop((pair, second)), (pair, second if each_second else minute_of(second))
            if key in found:
                found[key].merge(sums)
            else:
                found[key] = sums
        parts = tuple(_part(feed, pair, minute_of(start), sums) for (pair, start), sums in found.items())
        if each_second:
            for (pair, second), part in zip(found, parts, strict=True):
                if second in self._seconds.get(pair, ()):
                    self._known.setdefault((pair, second), set()).add(part.part)
        return parts

    def trim(self, before: datetime) -> None:
        """Forget the whole seconds before that time; what they are in minutes stays until it is taken."""
        start = _second_of(require_time("before", before))
        for pair, seconds in list(self._seconds.items()):
            self._forget(pair, [each for each in seconds if each < start])
            if not seconds:
                del self._seconds[pair]

    def _has_room(self, pair: Pair, second: datetime) -> bool:
        """Whether the second is in the span; what has to give way to it does."""
        seconds = self._seconds[pair]
        newest = max(seconds, default=second)
        if second > newest:
            self._forget(pair, [each for each in seconds if second - each >= self._span])
        return newest - second < self._span

    def _forget(self, pair: Pair, old: Sequence[datetime]) -> None:
        for second in old:
            del self._seconds[pair][second]
            self._known.pop((pair, second), None)

    def _pairs(self, symbol: str, exchange: str | None) -> Iterator[tuple[Pair, dict[datetime, _Sums]]]:
        """The pairs of a symbol that have seconds, and these."""
        require_key(symbol=symbol)
        if exchange is not None:
            require_key(exchange=exchange)
        for pair, seconds in self._seconds.items():
            if pair[0] == symbol and exchange in (None, pair[1]) and seconds:
                yield pair, seconds

    def _found(self, symbol: str, exchange: str | None, start: datetime | None) -> Sequence[tuple[datetime, _Sums]]:
        found = [
            (second, sums)
            for _, seconds in self._pairs(symbol, exchange)
            for second, sums in seconds.items()
            if start is None or second >= start
        ]
        if not found:
            raise NotFoundError("tick", (symbol, exchange))
        return found


def _second_of(moment: datetime) -> datetime:
    return moment.replace(microsecond=0)


def _part(feed: str, pair: Pair, starts_at: datetime, sums: _Sums) -> BarPart:
    where = {"feed": feed, "symbol": pair[0], "exchange": pair[1], "starts_at": starts_at, "part": ids.new_id()}
    return unchecked(BarPart, {**sums.values(), **where, "last": sums.last, "last_at": sums.last_at})
