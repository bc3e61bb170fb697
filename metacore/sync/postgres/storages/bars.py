# Made from metacore/postgres/storages/bars.py by `python tools/generate_sync.py`. Do not edit.
"""Bars in PostgreSQL."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from itertools import groupby, islice
from typing import Any, final

from metacore.backends.listing import Listing, parse_limit
from metacore.backends.tally import Tally
from metacore.domain.market.bars import (
    Bar,
    BarPart,
    PartKey,
    Summary,
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
from metacore.postgres.client.call import Call, Row
from metacore.postgres.client.codecs import BAR_PART, Parameters, to_array, to_text
from metacore.postgres.statements import bars as statements
from metacore.sync.postgres.client.session import Session
from metacore.sync.postgres.client.transaction_session import TransactionSession
from metacore.sync.storage.bars import BarStorage

_CHUNK = 2000
_PRICES = ("count", "sum", "low", "low_at", "high", "high_at")
_BAR = ("exchange", "starts_at", *_PRICES, "last", "last_at")


@final
class PostgresBarStorage(BarStorage):
    """`metacore.sync.storage.bars.BarStorage` over PostgreSQL."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def add(self, parts: Iterable[BarPart]) -> ImportResult:
        tally, remaining = Tally("bars"), iter(parts)
        with self._session.transaction() as tx:
            settings = tx.pool.settings
            limits: list[Call] = [tx.limit(settings.import_timeout)]
            while chunk := list(islice(remaining, _CHUNK)):
                _add(tx, chunk, tally, limits)
                limits = []
            if not limits:
                tx.pipeline("bars.add", [tx.limit(settings.statement_timeout)])
            return tally.result()

    def summary(self, feed: str, symbol: str, since: datetime, until: datetime, exchange: str | None = None) -> Summary:
        require_keys(feed, symbol, exchange)
        start, end = first_minute(require_time("since", since)), first_minute(require_time("until", until))
        named = {"feed": feed, "symbol": symbol, "exchange": exchange, "since": to_text(start), "until": to_text(end)}
        rows = self._session.fetch(statements.summary(exchange is not None), named)
        if rows[0][0] is None:
            raise NotFoundError("bar", (feed, symbol, exchange))
        prices = dict(zip(_PRICES, rows[0], strict=True))
        return Summary.of({**prices, "symbol": symbol, "exchange": exchange, "since": start, "until": end})

    def latest(self, feed: str, symbol: str, exchange: str | None = None) -> Tick:
        require_keys(feed, symbol, exchange)
        named = {"feed": feed, "symbol": symbol, "exchange": exchange}
        rows = self._session.fetch(statements.latest(exchange is not None), named)
        if not rows:
            raise NotFoundError("tick", (feed, symbol, exchange))
        return _tick(symbol, rows[0])

    def latest_of(self, feed: str, symbols: Iterable[str], exchange: str | None = None) -> Mapping[str, Tick]:
        named = require_symbols(feed, symbols, exchange)
        if not named:
            self._session.check()
            return {}
        statement = statements.latest(exchange is not None)
        calls = [(statement, {"feed": feed, "symbol": symbol, "exchange": exchange}) for symbol in named]
        found = zip(named, self._session.pipeline("bars.latest_of", calls), strict=True)
        return {symbol: _tick(symbol, rows[0]) for symbol, rows in found if rows}

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
        filters = dict(zip(("exchange", "since", "until"), (exchange, *bounds), strict=True))
        texts = {name: to_text(value) for name, value in filters.items() if value is not None}
        values: dict[str, Any] = {**texts, "feed": feed, "symbol": symbol, "limit": parse_limit(limit) + 1}
        if (start := listing.position(after)) is not None:
            values |= {"starts_at": to_text(start[0]), "exchange": start[1]}
        rows = self._session.fetch(statements.page(tuple(texts), start is not None), values)
        where = {"feed": feed, "symbol": symbol}
        return listing.page([Bar.of({**dict(zip(_BAR, row, strict=True)), **where}) for row in rows], limit, Bar.place)

    def purge(self, feed: str, before: datetime, limit: int = 1000) -> int:
        require_key(feed=feed)
        named = {"feed": feed, "before": to_text(require_time("before", before)), "limit": parse_limit(limit)}

        def purge(tx: TransactionSession) -> int:
            found: dict[str, list[tuple[str, datetime]]] = {}
            for starts_at, symbol, exchange in tx.fetch(statements.OLD, named):
                found.setdefault(symbol, []).append((exchange, starts_at))
            calls = [(statements.PURGE, _minutes(feed, symbol, found[symbol])) for symbol in sorted(found)]
            deleted = tx.pipeline("bars.purge", calls) if calls else []
            return sum(len(set(rows)) for rows in deleted)

        return self._session.run(purge)


def _tick(symbol: str, row: Row) -> Tick:
    exchange, price, at = row
    return unchecked(Tick, {"exchange": exchange, "symbol": symbol, "price": price, "at": at})


def _add(tx: TransactionSession, chunk: Sequence[BarPart], tally: Tally, limits: Sequence[Call]) -> None:
    """Insert the parts of `chunk` that are not stored, those of a symbol by one statement, and compare the others."""
    first: dict[PartKey, BarPart] = {}
    skipped: list[BarPart] = []
    for part in chunk:
        if part.key in first:
            skipped.append(part)
        else:
            first[part.key] = part
    calls = [(statements.ADD, _named(parts, statements.OTHERS)) for parts in _by_symbol(first.values())]
    done = tx.pipeline("bars.add", [*limits, *calls])[len(limits) :]
    inserted = {tuple(row) for rows in done for row in rows}
    tally.inserted += len(inserted)
    skipped += [part for key, part in first.items() if key not in inserted]
    if not skipped:
        return
    named = _by_symbol({part.key: part for part in skipped}.values())
    found = tx.pipeline("bars.add", [(statements.STORED, _named(parts, statements.KEY)) for parts in named])
    stored = {part.key: part for rows in found for part in BAR_PART.decode_all(rows)}
    for part in skipped:
        if stored.get(part.key) == part:
            tally.duplicates += 1
        else:
            tally.conflicts.add(str(part.part))


def _by_symbol(parts: Iterable[BarPart]) -> Sequence[Sequence[BarPart]]:
    """`parts` by key, those of each symbol and feed by themselves: so two that add the same do not lock each other."""
    by_key = sorted(parts, key=lambda part: part.key)
    return [list(group) for _, group in groupby(by_key, key=lambda part: part.key[:2])]


def _named(parts: Sequence[BarPart], columns: Iterable[str]) -> Parameters:
    """The parameters of a statement about `parts` of one symbol."""
    return {**BAR_PART.encode_all(parts, columns), "symbol": parts[0].symbol, "feed": parts[0].feed}


def _minutes(feed: str, symbol: str, minutes: Sequence[tuple[str, datetime]]) -> Parameters:
    exchanges, starts = zip(*minutes, strict=True)
    return {"feed": feed, "symbol": symbol, "exchanges": to_array(exchanges), "starts_at": to_array(starts)}
