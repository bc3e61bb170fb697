"""Lines of a source: split from what comes, and read as ticks; what is none is counted."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any, NoReturn

from metacore import Tick

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND = timedelta(milliseconds=1)


def _refuse(_: str) -> NoReturn:
    raise ValueError("no number")


_decode: Callable[[str], Any] = json.JSONDecoder(parse_float=Decimal, parse_constant=_refuse).decode


class Splitter:
    """Makes lines of bytes that come in any pieces; one that is too long is let go by, and the next is a line again."""

    def __init__(self, longest: int) -> None:
        self._longest = longest
        self._rest = b""
        self._passing = False
        self.too_long = 0

    def feed(self, data: bytes) -> Sequence[bytes]:
        """The lines that end in `data`."""
        first, *others = data.split(b"\n")
        if not others:
            self._extend(first)
            return ()
        self._extend(first)
        lines = [] if self._passing else [self._rest]
        *whole, rest = others
        for line in whole:
            if len(line) <= self._longest:
                lines.append(line)
            else:
                self.too_long += 1
        self._rest, self._passing = b"", False
        self._extend(rest)
        return lines

    def _extend(self, data: bytes) -> None:
        if self._passing:
            return
        self._rest += data
        if len(self._rest) > self._longest:
            self.too_long += 1
            self._rest, self._passing = b"", True


class Reader:
    """Reads lines of one exchange as ticks: a JSON object with `symbol`, `price` and `timestamp` in milliseconds.

    What else is in the object is nobody's business. Prices are exact, to the digit.
    """

    def __init__(self, exchange: str, symbols: Iterable[str], late: float, ahead: float) -> None:
        self._exchange, self._symbols = exchange, frozenset(symbols)
        self._late, self._ahead = timedelta(seconds=late), timedelta(seconds=ahead)
        self.broken: Counter[str] = Counter()
        """What was no tick, by why."""

    def read(self, lines: Iterable[bytes], now: datetime) -> list[Tick]:
        """The ticks of `lines`; what is none is counted. Empty lines are nothing."""
        first, last = ((moment - _EPOCH) // _MILLISECOND for moment in (now - self._late, now + self._ahead))
        ticks, exchange, symbols = [], self._exchange, self._symbols
        for line in lines:
            try:
                fields = _decode(line.decode())
                symbol, price, moment = fields["symbol"], fields["price"], fields["timestamp"]
            except (ValueError, ArithmeticError, RecursionError, LookupError, TypeError):
                if line.strip():
                    self.broken["form"] += 1
                continue
            if symbol.__class__ is not str or symbol not in symbols:
                self.broken["symbol"] += 1
            elif moment.__class__ is not int or not first <= moment <= last:
                self.broken["time"] += 1
            elif price.__class__ is not Decimal and price.__class__ is not int:
                self.broken["price"] += 1
            else:
                try:
                    at = _EPOCH + timedelta(milliseconds=moment)
                    ticks.append(Tick(exchange=exchange, symbol=symbol, price=Decimal(price), at=at))
                except ValueError:
                    self.broken["price"] += 1
        return ticks
