"""Pages of rows held in memory."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, TypeVar

from metacore.domain.pages import Listing, Page, parse_limit

R = TypeVar("R")


def page_of(
    rows: Iterable[R],
    listing: Listing,
    position: Callable[[R], tuple[Any, ...]],
    after: str | None,
    limit: int,
    newest_first: bool = True,
) -> Page[R]:
    """The page of `rows` behind the cursor `after`, sorted by `position`, descending if `newest_first`."""
    start = listing.position(after)
    parse_limit(limit)
    ordered = sorted(rows, key=position, reverse=newest_first)
    if start is not None:
        ordered = [row for row in ordered if (position(row) < start if newest_first else position(row) > start)]
    return listing.page(ordered, limit, position)
