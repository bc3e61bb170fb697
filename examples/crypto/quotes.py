"""Quotes: the price of a symbol and when that was, as they go from one process to the next by Redis.

`TICKS` is the channel of what the exchange tells, as it comes; `quotes_of(symbol)` that of one price a second of a
symbol, in lower case. The last price of each lies in the hash `LAST`, and those of the last minutes in a list.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal

TICKS = "crypto:ticks"
LAST = "crypto:last"
HISTORY = 300
"""How many prices of a symbol are kept, one a second at most."""


def quotes_of(symbol: str) -> str:
    """The channel of a symbol's prices."""
    return f"crypto:quotes:{symbol}"


def history_of(symbol: str) -> str:
    """The list of a symbol's prices of the last minutes, newest first."""
    return f"crypto:history:{symbol}"


@dataclass(frozen=True, slots=True)
class Quote:
    """A price, and when it came."""

    symbol: str
    price: Decimal
    at: datetime

    def age(self, now: datetime) -> float:
        """How many seconds old it is."""
        return max(0.0, (now - self.at).total_seconds())


def pack(quotes: Iterable[Quote]) -> bytes:
    """The quotes as a message."""
    return json.dumps([[one.symbol, f"{one.price:f}", round(one.at.timestamp() * 1000)] for one in quotes]).encode()


def unpack(message: bytes | str) -> list[Quote]:
    """The quotes of a message; a ValueError if it is none."""
    try:
        return [
            Quote(symbol, Decimal(price), datetime.fromtimestamp(at / 1000, UTC))
            for symbol, price, at in json.loads(message)
        ]
    except (TypeError, ArithmeticError, OverflowError) as error:
        raise ValueError("the message tells no quotes") from error
