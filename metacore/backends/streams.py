"""Streams: all items of a list that comes in pages."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from typing import TYPE_CHECKING, Any, TypeVar

from metacore._compat.aio import Eventual
from metacore.backends.listing import MAX_LIMIT
from metacore.backends.operations import WholeOperation
from metacore.domain.values.pages import Page

if TYPE_CHECKING:
    from metacore.backends.sessions import BaseSession

T = TypeVar("T")


async def streamed(session: BaseSession[Any], name: str, read: Callable[..., Eventual[Page[T]]]) -> AsyncIterator[T]:
    """All items of the pages that `read` gives, called with `after` and `limit`: one operation, `name`, of `session`.

    A page is read when the one before is used up, so that no more than one is kept.
    """
    after: str | None = None
    async with WholeOperation(session, name):
        while True:
            page = await read(after=after, limit=MAX_LIMIT)
            for item in page.items:
                yield item
            if (after := page.next) is None:
                return
