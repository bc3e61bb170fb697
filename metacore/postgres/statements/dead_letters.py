"""Statements of the storage of dead letters."""

from __future__ import annotations

from functools import cache

from metacore.postgres.client.codecs import DEAD_LETTER
from metacore.postgres.client.statement import Statement
from metacore.postgres.statements.sets import behind, names, parameters
from metacore.postgres.tables.dead_letters import dead_letters, listed

_KEY = "source = %(source)s AND position = %(position)s"

PUT = Statement(
    "dead_letters.put",
    f"INSERT INTO {{schema}}.dead_letters ({names(DEAD_LETTER.columns)})"
    f" VALUES ({parameters(dead_letters, DEAD_LETTER.columns)}) ON CONFLICT (source, position) DO NOTHING RETURNING 1",
    writes=True,
)

GET = Statement("dead_letters.get", f"SELECT {names(DEAD_LETTER.columns)} FROM {{schema}}.dead_letters WHERE {_KEY}")

RESOLVE = Statement(
    "dead_letters.resolve",
    f"UPDATE {{schema}}.dead_letters SET resolution = %(resolution)s, note = %(note)s,"
    f" resolved_at = %(resolved_at)s::timestamptz WHERE {_KEY} AND resolution IS NULL RETURNING 1",
    writes=True,
)


@cache
def page(resolved: bool, after: bool) -> Statement:
    """A page of those of all sources, newest first; only behind a position, if so."""
    return _page([listed(resolved, of_source=False)], ("failed_at", "source", "position"), after)


@cache
def page_of_source(resolved: bool, after: bool) -> Statement:
    """The same, of one source."""
    where = [listed(resolved, of_source=True), "source = %(source)s"]
    return _page(where, ("failed_at", "position"), after)


def _page(where: list[str], position: tuple[str, ...], after: bool) -> Statement:
    conditions = [*where, behind(dead_letters, *position)] if after else where
    order = ", ".join(f"{column} DESC" for column in position)
    return Statement(
        "dead_letters.list",
        f"SELECT {names(DEAD_LETTER.columns)} FROM {{schema}}.dead_letters WHERE {' AND '.join(conditions)}"
        f" ORDER BY {order} LIMIT %(limit)s::bigint",
    )


_COUNT = "SELECT count(*) FROM {schema}.dead_letters WHERE"

COUNT = Statement("dead_letters.count", f"{_COUNT} {listed(resolved=False, of_source=False)}")

COUNT_OF_SOURCE = Statement(
    "dead_letters.count", f"{_COUNT} {listed(resolved=False, of_source=True)} AND source = %(source)s"
)
