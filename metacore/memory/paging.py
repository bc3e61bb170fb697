"""Pages of rows held in memory."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from heapq import nlargest, nsmallest
from typing import Any, TypeVar

from metacore.backends.listing import Listing, Position, parse_limit
from metacore.domain.values.pages import Page

R = TypeVar("R")


class PageRequest:
    """Which page of a listing is asked for; InvalidDataError if the limit or the cursor is none."""

    def __init__(self, listing: Listing, after: str | None, limit: int) -> None:
        self._limit = parse_limit(limit)
        self._start = listing.position(after)
        self._listing = listing

    def of(
        self,
        rows: Iterable[R],
        position: Callable[[R], Position],
        rank: Callable[[Any], Any] | None = None,
        newest_first: bool = True,
    ) -> Page[R]:
        """The page of `rows`, sorted by `position`, descending if `newest_first`; by the `rank` of that, if given."""
        if rank is not None:
            newest_first = False
        place: Callable[[R], Any] = position if rank is None else lambda row: rank(position(row))
        if self._start is not None:
            start = self._start if rank is None else rank(self._start)
            rows = [row for row in rows if (place(row) < start if newest_first else place(row) > start)]
        first = (nlargest if newest_first else nsmallest)(self._limit + 1, rows, key=place)
        return self._listing.page(first, self._limit, position)
