"""Pages of rows held in memory."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, TypeVar

from metacore.backends.listing import Listing, parse_limit
from metacore.domain.values.pages import Page

R = TypeVar("R")


class PageRequest:
    """Which page of a listing is asked for; InvalidDataError if the limit or the cursor is none."""

    def __init__(self, listing: Listing, after: str | None, limit: int) -> None:
        self._limit = parse_limit(limit)
        self._start = listing.position(after)
        self._listing = listing

    def of(self, rows: Iterable[R], position: Callable[[R], tuple[Any, ...]], newest_first: bool = True) -> Page[R]:
        """The page of `rows`, sorted by `position`, descending if `newest_first`."""
        start = self._start
        ordered = sorted(rows, key=position, reverse=newest_first)
        if start is not None:
            ordered = [row for row in ordered if (position(row) < start if newest_first else position(row) > start)]
        return self._listing.page(ordered, self._limit, position)
