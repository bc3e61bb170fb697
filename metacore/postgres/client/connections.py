"""How connections to PostgreSQL are made: parameters of libpq, of the server's session, and of psycopg."""

from __future__ import annotations

from typing import Any

import psycopg
from psycopg.conninfo import conninfo_to_dict
from psycopg.pq import PipelineStatus

from metacore.config import Settings
from metacore.errors import ConfigurationError, InvalidDataError
from metacore.postgres.client import network, pinning
from metacore.postgres.client.planning import planning

_KEEPALIVES = {
    "keepalives_idle": 30,
    "keepalives_interval": 10,
    "keepalives_count": 3,
    "tcp_user_timeout": 60_000,
}


OLDEST = 15
"""The oldest major version of PostgreSQL that the storages and the deployer work with."""


def check_version(connection: psycopg.Connection[Any] | psycopg.AsyncConnection[Any]) -> None:
    """ConfigurationError if the server of `connection` is too old."""
    major = connection.info.server_version // 10_000
    if major < OLDEST:
        raise ConfigurationError(
            f"this server is PostgreSQL {major}, and Metacore needs {OLDEST} or newer; upgrade it, or name another",
            setting="url",
        )


def require_utf8(connection: psycopg.Connection[Any] | psycopg.AsyncConnection[Any]) -> None:
    """InvalidDataError if a connection of others speaks another encoding than what is sent."""
    if (encoding := connection.info.encoding) != "utf-8":
        raise InvalidDataError(f"it speaks {encoding}; set its client_encoding to UTF8", field="connection")


def require_no_pipeline(connection: psycopg.Connection[Any] | psycopg.AsyncConnection[Any]) -> None:
    """InvalidDataError if others send and read on their connection as psycopg's pipelines do."""
    if connection.pgconn.pipeline_status != PipelineStatus.OFF:
        raise InvalidDataError("leave the block of pipeline() first", field="connection")


def close_in_pipeline(connection: psycopg.Connection[Any] | psycopg.AsyncConnection[Any]) -> None:
    """Close a connection that others have left in their pipeline: within it there is no rolling back."""
    if connection.pgconn.pipeline_status != PipelineStatus.OFF:
        connection.pgconn.finish()


def parse_url(url: str) -> dict[str, Any]:
    """Libpq's parameters of a URL or connection string; a ConfigurationError, without a word of it, if it is
    malformed.
    """
    try:
        return conninfo_to_dict(url)
    except (psycopg.Error, UnicodeError):
        raise ConfigurationError(
            "malformed PostgreSQL URL; it reads postgresql://user:password@host:port/database?parameter=value,"
            " with special characters of the password percent-encoded",
            setting="url",
        ) from None


def connection_parameters(
    url: str, settings: Settings, is_cluster: bool = False, writable: bool = False
) -> dict[str, Any]:
    """The keyword arguments of psycopg's `connect`: `url`, and what `settings` ask of the session.

    The search path and what else is pinned, the time-outs, the encoding and what is asked of the planner are set on the
    server too, by the start-up packet: no round trip is spent on them, and they win over the URL's own options. A
    network that swallows packets is noticed by TCP within a minute, unless the URL has parameters of its own for that;
    a Unix socket has none.
    """
    parameters = parse_url(url)
    options = {
        **pinning.PINNED,
        **(pinning.WRITABLE if writable else {}),
        "statement_timeout": milliseconds(settings.statement_timeout),
        "lock_timeout": milliseconds(settings.lock_timeout),
        "idle_in_transaction_session_timeout": milliseconds(settings.idle_in_transaction_timeout),
        **planning(is_cluster),
    }
    options_of_url = str(parameters.get("options") or "")
    session = pinning.options(options)
    return {
        "application_name": settings.application_name,
        "connect_timeout": settings.connect_timeout,
        **_KEEPALIVES,
        **network.authentication(parameters),
        **parameters,
        "options": f"{options_of_url} {session}".strip(),
        "client_encoding": "UTF8",
        "autocommit": True,
        "prepare_threshold": None,
    }


def pool_parameters(settings: Settings) -> dict[str, Any]:
    """The keyword arguments of psycopg_pool's `ConnectionPool`."""
    return {
        "min_size": min(settings.pool_min_size, settings.pool_max_size),
        "max_size": settings.pool_max_size,
        "timeout": settings.pool_timeout,
        "max_waiting": settings.pool_max_waiting,
        "max_lifetime": settings.pool_max_lifetime,
        "max_idle": settings.pool_max_idle,
        "reconnect_timeout": settings.connect_timeout,
        "name": settings.application_name,
        "open": False,
    }


RESETS = (
    b"SET SESSION AUTHORIZATION DEFAULT",
    b"RESET ALL",
    b"UNLISTEN *",
    b"SELECT pg_catalog.pg_advisory_unlock_all()",
    b"DISCARD TEMP",
)
"""The commands that put a session back as its start made it; what DISCARD ALL does, but statements stay prepared."""

PASSED_ON = b"SET LOCAL citus.propagate_set_commands = 'local'"
"""Has the coordinator of a cluster tell the time-outs of a transaction to the servers that it asks."""


def limits(settings: Settings) -> list[bytes]:
    """The commands that set the time-outs of one transaction."""
    return [f"SET LOCAL {name} = {value}".encode() for name, value in _times(settings).items()]


def pinned(settings: Settings) -> bytes:
    """The command that sets for one transaction what is pinned, and the time-outs."""
    return pinning.pin({**pinning.PINNED, **_times(settings)})


def _times(settings: Settings) -> dict[str, int]:
    times = {"statement_timeout": settings.statement_timeout, "lock_timeout": settings.lock_timeout}
    return {name: milliseconds(seconds) for name, seconds in times.items()}


def milliseconds(seconds: float) -> int:
    """What the server is told for `seconds`: 0 would mean no limit."""
    return max(1, round(seconds * 1000))
