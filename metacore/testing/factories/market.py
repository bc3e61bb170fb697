# pyright: reportIncompatibleVariableOverride=false
# Every `class Meta` of factory-boy overrides the one before it.
"""Factories of what a market tells."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

from factory.base import Factory
from factory.declarations import LazyAttribute

from metacore.domain.market.bars import BarPart, minute_of
from metacore.testing.clock import START


class BarPartFactory(Factory[BarPart]):
    """A part of one and the same minute, by default: two ticks at its start."""

    class Meta:
        model = BarPart

    feed = "live"
    symbol = "BTCUSDT"
    exchange = "MEXC"
    starts_at = minute_of(START)
    count = 2
    low = Decimal(50000)
    high = Decimal(50100)
    last = LazyAttribute(lambda part: part.high)
    sum = LazyAttribute(lambda part: part.low + part.high * (part.count - 1))
    low_at = LazyAttribute(lambda part: part.starts_at)
    high_at = LazyAttribute(lambda part: part.starts_at + timedelta(seconds=1))
    last_at = LazyAttribute(lambda part: part.starts_at + timedelta(seconds=1))
