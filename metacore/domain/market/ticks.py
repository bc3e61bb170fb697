"""Ticks: prices at a moment."""

from __future__ import annotations

from metacore.domain.values.amounts import PositiveAmount
from metacore.domain.values.model import Model
from metacore.domain.values.text import Key
from metacore.domain.values.times import Time


class Tick(Model):
    """The price of a symbol on an exchange, and when that was."""

    exchange: Key
    """The exchange whose price it is."""
    symbol: Key
    price: PositiveAmount
    at: Time
    """When that was the price."""
