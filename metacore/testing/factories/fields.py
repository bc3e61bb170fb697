"""What the fields of several factories are made of."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from factory.declarations import LazyAttribute

from metacore.testing.clock import START


def of_order(name: str, default: Any = None) -> Any:
    """The field of this name of the order that what is made is `of`."""
    return LazyAttribute(lambda values: getattr(values.of, name) if values.of else default)


def moment(n: int) -> datetime:
    """The time of the nth."""
    return START + timedelta(milliseconds=n)
