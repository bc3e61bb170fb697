"""What is set on a connection of others: for one transaction or, within one of theirs, for one round trip."""

from __future__ import annotations

from functools import cache

from metacore.config import Settings
from metacore.postgres.client.connections import milliseconds
from metacore.postgres.client.pinning import DEFAULTS, PINNED, pin
from metacore.postgres.client.planning import planning
from metacore.postgres.client.statement import Statement

ISOLATION = "read committed"
"""What a transaction has to be."""


def visiting(settings: Settings, is_cluster: bool) -> bytes:
    """The command that sets for one transaction what sessions of our own have."""
    return pin(_asked(settings.statement_timeout, settings.lock_timeout, is_cluster))


@cache
def visit(statement_timeout: float, lock_timeout: float, is_cluster: bool) -> Statement:
    """Keeps the connection's settings aside, on the server, and sets ours; its last column is the isolation.

    A transaction that fails before `leave` takes back both, as any `SET LOCAL`.
    """
    columns = []
    for name, value in _asked(statement_timeout, lock_timeout, is_cluster).items():
        columns.append(f"pg_catalog.set_config('metacore.{name}', pg_catalog.current_setting('{name}'), true)")
        columns.append(f"pg_catalog.set_config('{name}', '{value}', true)")
    columns.append("pg_catalog.current_setting('transaction_isolation')")
    return Statement("visit", f"SELECT {', '.join(columns)}")


@cache
def leave(is_cluster: bool) -> Statement:
    """Puts the settings back."""
    columns = [
        f"pg_catalog.set_config('{name}', pg_catalog.current_setting('metacore.{name}'), true)"
        for name in _asked(0, 0, is_cluster)
    ]
    return Statement("leave", f"SELECT {', '.join(columns)}")


def _asked(statement_timeout: float, lock_timeout: float, is_cluster: bool) -> dict[str, str]:
    """The settings by name; of no use once a transaction has begun are defaults of its kind."""
    times = {"statement_timeout": statement_timeout, "lock_timeout": lock_timeout}
    asked = {
        **PINNED,
        **planning(is_cluster),
        **{name: str(milliseconds(seconds)) for name, seconds in times.items()},
    }
    return {name: value for name, value in asked.items() if not name.startswith(DEFAULTS)}
