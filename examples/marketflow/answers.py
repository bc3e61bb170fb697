"""What is answered about prices: ready bytes, exact decimals as texts."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from pydantic import BaseModel, Field

from marketflow.settings import Mode
from metacore import Summary, Tick

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_EXACT = "An exact decimal."


class LatestPrice(BaseModel):
    """The newest price of a symbol."""

    symbol: str
    exchange: str
    price: Decimal = Field(description=_EXACT)
    at: datetime
    timestamp: int = Field(description="The same in milliseconds, as the source told it.")
    mode: Mode


class PeriodPrice(BaseModel):
    """A price of the ticks of a symbol from `since` until `until`, excluded."""

    symbol: str
    exchange: str | None = Field(description="The exchange whose ticks they are; null for those of all.")
    period: str
    price: Decimal = Field(description=f"{_EXACT} The average at 18 places.")
    at: datetime | None = Field(description="When that was the price first; null for an average.")
    since: datetime
    until: datetime
    count: int = Field(description="How many ticks it is of.")
    mode: Mode


def latest(tick: Tick, mode: Mode) -> bytes:
    """The answer to who asks for the newest price."""
    return _json(_latest(tick, mode))


def of_period(family: str, summary: Summary, period: str, mode: Mode) -> bytes:
    """The answer to who asks for the highest, lowest or average price of a period."""
    price, at = {
        "highest": (summary.high, summary.high_at),
        "lowest": (summary.low, summary.low_at),
        "average": (summary.average, None),
    }[family]
    return _json(
        {
            "symbol": summary.symbol,
            "exchange": summary.exchange,
            "period": period,
            "price": f"{price:f}",
            "at": None if at is None else _iso(at),
            "since": _iso(summary.since),
            "until": _iso(summary.until),
            "count": summary.count,
            "mode": mode,
        }
    )


def board(ticks: list[Tick], mode: Mode, now: datetime) -> Mapping[str, Any]:
    """The newest price of each pair, as of now."""
    return {"at": _iso(now), "mode": mode, "prices": [_latest(tick, mode) for tick in ticks]}


def _latest(tick: Tick, mode: Mode) -> dict[str, Any]:
    return {
        "symbol": tick.symbol,
        "exchange": tick.exchange,
        "price": f"{tick.price:f}",
        "at": _iso(tick.at),
        "timestamp": (tick.at - _EPOCH) // timedelta(milliseconds=1),
        "mode": mode,
    }


def _iso(moment: datetime) -> str:
    return moment.isoformat().replace("+00:00", "Z")


def _json(answer: Mapping[str, Any]) -> bytes:
    return json.dumps(answer, separators=(",", ":")).encode()
