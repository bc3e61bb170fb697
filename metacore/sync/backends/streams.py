# Made from metacore/backends/streams.py by `python tools/generate_sync.py`. Do not edit.
"""Streams: all items of a list that comes in pages."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any, TypeVar

from metacore._compat.blocking import Eventual
from metacore.backends.listing import MAX_LIMIT
from metacore.domain.values.pages import Page
from metacore.sync.backends.operations import WholeOperation

if TYPE_CHECKING:
    from metacore.sync.backends.sessions import BaseSession

T = TypeVar("T")


def streamed(session: BaseSession[Any], name: str, read: Callable[..., Eventual[Page[T]]]) -> Iterator[T]:
    """All items of the pages that `read` gives, called with `after` and `limit`: one operation, `name`, of `session`.

    A page is read when the one before is used up, so that no more than one is kept.
    """
    after: str | None = None
    with WholeOperation(session, name):
        while True:
            page = read(after=after, limit=MAX_LIMIT)
            for item in page.items:
                yield item
            if (after := page.next) is None:
                return
