# Made from metacore/memory/storages/bars.py by `python tools/generate_sync.py`. Do not edit.
"""Bars in memory."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from itertools import groupby, islice
from typing import final

from metacore.backends.listing import Listing, parse_limit
from metacore.backends.tally import Tally
from metacore.domain.market.bars import (
    Bar,
    BarPart,
    Summary,
    added_up,
    bar_of,
    first_minute,
    parse_bounds,
    require_keys,
    require_symbols,
)
from metacore.domain.market.ticks import Tick
from metacore.domain.values.imports import ImportResult
from metacore.domain.values.model import unchecked
from metacore.domain.values.pages import Page
from metacore.domain.values.text import require_key
from metacore.domain.values.times import require_time
from metacore.errors import NotFoundError
from metacore.memory.paging import PageRequest
from metacore.memory.schema import Views
from metacore.sync.memory.storages.session import Session
from metacore.sync.storage.bars import BarStorage


@final
class MemoryBarStorage(BarStorage):
    """`metacore.sync.storage.bars.BarStorage` over dictionaries."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def add(self, parts: Iterable[BarPart]) -> ImportResult:
        tally, added = Tally("bars"), list(parts)
        with self._session.write() as tables:
            for part in added:
                stored = tables.bar_parts.get(part.key)
                if stored is None:
                    tables.bar_parts.put(part)
                    tally.inserted += 1
                elif stored == part:
                    tally.duplicates += 1
                else:
                    tally.conflicts.add(str(part.part))
            return tally.result()

    def summary(self, feed: str, symbol: str, since: datetime, until: datetime, exchange: str | None = None) -> Summary:
        require_keys(feed, symbol, exchange)
        start, end = first_minute(require_time("since", since)), first_minute(require_time("until", until))
        with self._session.read() as tables:
            parts = _parts(tables, feed, symbol, exchange, start, end)
        if not parts:
            raise NotFoundError("bar", (feed, symbol, exchange))
        where = {"symbol": symbol, "exchange": exchange, "since": start, "until": end}
        return Summary.of({**added_up(parts), **where})

    def latest(self, feed: str, symbol: str, exchange: str | None = None) -> Tick:
        require_keys(feed, symbol, exchange)
        with self._session.read() as tables:
            found = _latest(tables, feed, symbol, exchange)
        if found is None:
            raise NotFoundError("tick", (feed, symbol, exchange))
        return found

    def latest_of(self, feed: str, symbols: Iterable[str], exchange: str | None = None) -> Mapping[str, Tick]:
        named = require_symbols(feed, symbols, exchange)
        with self._session.read() as tables:
            found = {symbol: _latest(tables, feed, symbol, exchange) for symbol in named}
        return {symbol: tick for symbol, tick in found.items() if tick is not None}

    def list(
        self,
        feed: str,
        symbol: str,
        exchange: str | None = None,
        since: datetime | None = None,
        until: datetime | None = None,
        after: str | None = None,
        limit: int = 100,
    ) -> Page[Bar]:
        require_keys(feed, symbol, exchange)
        bounds = parse_bounds(since, until)
        listing = Listing("bars.list", (feed, symbol, exchange, *bounds), (datetime, str))
        page = PageRequest(listing, after, limit)
        with self._session.read() as tables:
            parts = _parts(tables, feed, symbol, exchange, *bounds)
        minutes = groupby(sorted(parts, key=_minute), key=_minute)
        return page.of([bar_of(list(minute)) for _, minute in minutes], Bar.place)

    def purge(self, feed: str, before: datetime, limit: int = 1000) -> int:
        require_key(feed=feed)
        end, most = require_time("before", before), parse_limit(limit)
        with self._session.write() as tables:
            old = [part for part in tables.bar_parts.select("feed", feed) if part.starts_at < end]
            minutes = islice(groupby(sorted(old, key=_of_symbol), key=_of_symbol), most)
            deleted = [list(minute) for _, minute in minutes]
            for minute in deleted:
                tables.bar_parts.delete(minute)
            return len(deleted)


def _parts(
    tables: Views,
    feed: str,
    symbol: str,
    exchange: str | None,
    since: datetime | None = None,
    until: datetime | None = None,
) -> Sequence[BarPart]:
    return [
        part
        for part in tables.bar_parts.select("symbol", (feed, symbol))
        if exchange in (None, part.exchange)
        if since is None or part.starts_at >= since
        if until is None or part.starts_at < until
    ]


def _latest(tables: Views, feed: str, symbol: str, exchange: str | None) -> Tick | None:
    parts = _parts(tables, feed, symbol, exchange)
    last = max(parts, key=lambda part: (part.last_at, part.exchange, part.part), default=None)
    if last is None:
        return None
    return unchecked(Tick, {"exchange": last.exchange, "symbol": symbol, "price": last.last, "at": last.last_at})


def _minute(part: BarPart) -> tuple[datetime, str]:
    return part.starts_at, part.exchange


def _of_symbol(part: BarPart) -> tuple[datetime, str, str]:
    return part.starts_at, part.symbol, part.exchange
