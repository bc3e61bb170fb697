"""The contract of the storage of bars."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable, Mapping
from datetime import datetime
from typing import Protocol

from metacore.domain.market.bars import Bar, BarPart, Summary
from metacore.domain.market.ticks import Tick
from metacore.domain.values.imports import ImportResult
from metacore.domain.values.pages import Page
from metacore.storage.streams import by_backend, stream_of


class BarStorage(Protocol):
    """Keeps minutes of prices, each told in parts that are stored once and added up when they are read.

    So what was sent and nobody knows to be stored is sent again, several may tell of one minute, and a tick that comes
    late is one more part; an average is that of the very ticks. Parts of different feeds are never added up.
    """

    async def add(self, parts: Iterable[BarPart]) -> ImportResult:
        """Store parts, all or none, in constant memory, however many `parts` are; whatever it raises passes through.

        One that equals a stored or earlier one of its feed, symbol, exchange, minute and id is a duplicate; one that
        differs from it is a ConflictError, which names up to ten by their ids, and nothing is stored.
        """
        ...

    async def summary(
        self, feed: str, symbol: str, since: datetime, until: datetime, exchange: str | None = None
    ) -> Summary:
        """The prices of the minutes that begin at `since` or after it, and before `until`, on this exchange or on all.

        It tells by `since` and `until` which whole minutes these are. NotFoundError if nothing is stored of them.
        """
        ...

    async def latest(self, feed: str, symbol: str, exchange: str | None = None) -> Tick:
        """The newest tick that is stored of the symbol, on this exchange or on any; NotFoundError if there is none.

        Of several at one moment, that of the exchange that comes last by code points, and there of the part with the
        greatest id.
        """
        ...

    async def latest_of(self, feed: str, symbols: Iterable[str], exchange: str | None = None) -> Mapping[str, Tick]:
        """What `latest` gives for each of these symbols, in their order; those without a tick are left out."""
        ...

    async def list(
        self,
        feed: str,
        symbol: str,
        exchange: str | None = None,
        since: datetime | None = None,
        until: datetime | None = None,
        after: str | None = None,
        limit: int = 100,
    ) -> Page[Bar]:
        """A page of the minutes of a symbol, those of each exchange by itself, descending by (starts_at, exchange).

        Only of this `exchange`, from `since` (inclusive) and until `until` (exclusive), if given. `limit` is 1 to
        1,000, `after` None or the `next` of a page of the same list; others are an InvalidDataError.
        """
        ...

    @stream_of(list)
    def stream(
        self,
        feed: str,
        symbol: str,
        exchange: str | None = None,
        since: datetime | None = None,
        until: datetime | None = None,
    ) -> AsyncIterator[Bar]:
        """All minutes of `list`, in its order and in constant memory: pages are read as the iteration goes on, without
        a transaction held open.
        """
        return by_backend(feed, symbol, exchange, since, until)

    async def purge(self, feed: str, before: datetime, limit: int = 1000) -> int:
        """Delete minutes that began before that time, each whole, the oldest first, at most `limit`; how many.

        A minute is that of one symbol on one exchange. `limit` is 1 to 1,000.
        """
        ...
