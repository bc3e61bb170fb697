"""Statements of the storage of bars: each, but that of old minutes, about one symbol."""

from __future__ import annotations

from functools import cache

from metacore.postgres.client.codecs import BAR_PART
from metacore.postgres.client.statement import Statement
from metacore.postgres.statements.sets import array, behind, looked_up, matching, names, rows, without
from metacore.postgres.tables.bars import OF_ALL, OLDEST, bar_parts

_SYMBOL = "symbol = %(symbol)s AND feed = %(feed)s"
KEY = ("exchange", "starts_at", "part")
OTHERS = without(BAR_PART.columns, "symbol", "feed")
"""What tells parts of one symbol from each other, and what else is told of them."""

ADD = Statement(
    "bars.add",
    f"""
    INSERT INTO {{schema}}.bar_parts (symbol, feed, {names(OTHERS)})
    SELECT %(symbol)s, %(feed)s, {names(OTHERS, "new.")} FROM {rows(bar_parts, OTHERS)}
    ON CONFLICT (symbol, feed, {names(KEY)}) DO NOTHING RETURNING symbol, feed, {names(KEY)}
    """,
    writes=True,
)

_STORED = looked_up(
    BAR_PART.columns,
    "bar_parts",
    f"{_SYMBOL} AND " + " AND ".join(f"bar_parts.{name} = named.{name}" for name in KEY),
)
STORED = Statement(
    "bars.add", f"SELECT {names(BAR_PART.columns, 'found.')} FROM {rows(bar_parts, KEY, 'named')} {_STORED}"
)
"""Those of a set of parts of one symbol that are stored."""

_PRICES = (
    "sum(count)::bigint, trim_scale(sum(sum)), min(low), (array_agg(low_at ORDER BY low, low_at))[1],"
    " max(high), (array_agg(high_at ORDER BY high DESC, high_at))[1]"
)
_LAST = (
    "(array_agg(last ORDER BY last_at DESC, part DESC))[1], (array_agg(last_at ORDER BY last_at DESC, part DESC))[1]"
)


def _where(*filters: str) -> str:
    """The condition on the parts of a symbol, of one exchange if `exchange` is among `filters`."""
    others = [matching(bar_parts, filters, "starts_at")] if filters else []
    return " AND ".join((_SYMBOL, *others, *(() if "exchange" in filters else (OF_ALL,))))


@cache
def summary(of_exchange: bool) -> Statement:
    """What the parts in a range of minutes add up to."""
    where = _where(*(("exchange",) if of_exchange else ()), "since", "until")
    return Statement("bars.summary", f"SELECT {_PRICES} FROM {{schema}}.bar_parts WHERE {where}")


@cache
def latest(of_exchange: bool) -> Statement:
    """The part with the newest tick: it is in the newest minute, as ticks lie in theirs."""
    where = _where(*(("exchange",) if of_exchange else ()))
    order = "starts_at DESC, last_at DESC, exchange DESC, part DESC"
    return Statement(
        "bars.latest",
        f"SELECT exchange, last, last_at FROM {{schema}}.bar_parts WHERE {where} ORDER BY {order} LIMIT 1",
    )


@cache
def page(filters: tuple[str, ...], after: bool) -> Statement:
    """A page of minutes, newest first; only behind a position, if so."""
    where = _where(*filters) + (f" AND {behind(bar_parts, 'starts_at', 'exchange')}" if after else "")
    return Statement(
        "bars.list",
        f"SELECT exchange, starts_at, {_PRICES}, {_LAST} FROM {{schema}}.bar_parts WHERE {where}"
        " GROUP BY starts_at, exchange ORDER BY starts_at DESC, exchange DESC LIMIT %(limit)s::bigint",
    )


OLD = Statement(
    "bars.purge",
    f"""
    SELECT DISTINCT starts_at, symbol, exchange FROM {{schema}}.bar_parts
    WHERE {OLDEST} AND feed = %(feed)s AND starts_at < %(before)s::timestamptz
    ORDER BY starts_at, symbol, exchange LIMIT %(limit)s::bigint
    """,
)
"""The oldest minutes, of all symbols."""

PURGE = Statement(
    "bars.purge",
    f"""
    DELETE FROM {{schema}}.bar_parts
    WHERE {_SYMBOL} AND (exchange, starts_at) IN (
        SELECT old.exchange, old.starts_at
        FROM unnest({array("exchanges", "text")}, {array("starts_at", "timestamptz")}) AS old (exchange, starts_at)
    )
    RETURNING exchange, starts_at
    """,
    writes=True,
)
"""Deletes minutes of one symbol."""
