"""What is set on a connection of others for the time of one round trip, and put back at its end."""

from __future__ import annotations

from functools import cache

from metacore.postgres.client.connections import milliseconds
from metacore.postgres.client.pinning import DEFAULTS, PINNED
from metacore.postgres.client.planning import PLANNING
from metacore.postgres.client.statement import Statement

ISOLATION = "read committed"
"""What a transaction has to be."""

_SETTINGS = {name: value for name, value in {**PINNED, **PLANNING}.items() if not name.startswith(DEFAULTS)}
_TIMES = ("statement_timeout", "lock_timeout")


@cache
def visit(statement_timeout: float, lock_timeout: float) -> Statement:
    """Keeps the connection's settings aside, on the server, and sets ours; its last column is the isolation.

    A transaction that fails before `leave` takes back both, as any `SET LOCAL`.
    """
    times = dict(zip(_TIMES, map(str, map(milliseconds, (statement_timeout, lock_timeout))), strict=True))
    columns = []
    for name, value in {**_SETTINGS, **times}.items():
        columns.append(f"pg_catalog.set_config('metacore.{name}', pg_catalog.current_setting('{name}'), true)")
        columns.append(f"pg_catalog.set_config('{name}', '{value}', true)")
    columns.append("pg_catalog.current_setting('transaction_isolation')")
    return Statement("visit", f"SELECT {', '.join(columns)}")


@cache
def leave() -> Statement:
    """Puts the settings back."""
    columns = [
        f"pg_catalog.set_config('{name}', pg_catalog.current_setting('metacore.{name}'), true)"
        for name in (*_SETTINGS, *_TIMES)
    ]
    return Statement("leave", f"SELECT {', '.join(columns)}")
