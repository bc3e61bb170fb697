"""Connections for work on the schema itself, and the errors that such work meets."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

import psycopg
from psycopg import IsolationLevel
from sqlalchemy.exc import DBAPIError

from metacore._compat.psycopg_undocumented import without_values
from metacore.backends.schemes import find_scheme, require_no_driver, scheme_of
from metacore.config import Settings
from metacore.errors import ConfigurationError, LockTimeoutError, MetacoreError
from metacore.postgres.backend import EMBEDDED, embedded_path
from metacore.postgres.client import network
from metacore.postgres.client.connections import check_version, parse_url
from metacore.postgres.client.errors import translate, unreachable
from metacore.postgres.client.pinning import pin
from metacore.postgres.embedded import EmbeddedPostgres

Connection = psycopg.Connection[tuple[Any, ...]]

_LOCK_NOT_AVAILABLE = "55P03"
_INSUFFICIENT_PRIVILEGE = "42501"
_READ_ONLY = "25006"
_FEATURE_NOT_SUPPORTED = "0A000"


def check_url(url: str | None) -> str:
    """`url`, or the variable METACORE_URL; ConfigurationError if there is neither, or no database that stays."""
    url = url or os.environ.get("METACORE_URL")
    if not url:
        raise ConfigurationError(
            "no database named: pass a url (--url), or set METACORE_URL, to postgresql://... or embedded:/path",
            setting="url",
        )
    require_no_driver(url)
    scheme = find_scheme(url)
    if scheme is not None and not scheme.is_deployed(url):
        raise ConfigurationError(
            f"{scheme_of(url)}: storages need no deployment of a schema; open this one by connect()", setting="url"
        )
    if scheme is not EMBEDDED:
        parse_url(url)
    return url


@contextmanager
def connect(url: str, settings: Settings) -> Iterator[Connection]:
    """A connection in a transaction of its own, rolled back at the end unless it was committed.

    What is pinned is set in each transaction, not at the start, so that a pooler on the way makes no difference.
    An embedded server runs meanwhile.
    """
    with ExitStack() as stack:
        if find_scheme(url) is EMBEDDED:
            url = stack.enter_context(EmbeddedPostgres(embedded_path(url))).url
        of_url = parse_url(url)
        network.warn(of_url)
        parameters = {
            "connect_timeout": settings.connect_timeout,
            "application_name": settings.application_name,
            **network.authentication(of_url),
            **of_url,
            "client_encoding": "UTF8",
        }
        try:
            connection = psycopg.connect(**parameters, prepare_threshold=None)
        except psycopg.Error as error:
            raise unreachable(error, parameters) from None
        stack.callback(connection.close)
        check_version(connection)
        connection.isolation_level = IsolationLevel.READ_COMMITTED
        connection.read_only = False
        connection.execute(pin())
        yield connection


def set_timeouts(connection: Connection, lock_timeout: float) -> None:
    """Wait for a lock `lock_timeout` seconds, and for anything else as long as it takes, in this transaction."""
    connection.execute(
        """
        SELECT pg_catalog.set_config('lock_timeout', %s, true), pg_catalog.set_config('statement_timeout', '0', true),
            pg_catalog.set_config('idle_in_transaction_session_timeout', '0', true)
        """,
        [str(max(1, round(lock_timeout * 1000)))],
    )


@contextmanager
def typed_errors(operation: str, schema: str) -> Iterator[None]:
    """What the database says, as Metacore's errors, with advice for whoever works on the schema."""
    try:
        yield
    except psycopg.Error as error:
        raise _typed(without_values(error), operation, schema) from error
    except DBAPIError as error:
        if not isinstance(error.orig, psycopg.Error):
            raise
        # Its own words are the statement, the parameters and what the driver said.
        error.args, error.statement, error.params = (type(error.orig).__name__,), None, None
        raise _typed(without_values(error.orig), operation, schema) from error.orig


def _typed(error: psycopg.Error, operation: str, schema: str) -> MetacoreError:
    if error.sqlstate == _LOCK_NOT_AVAILABLE:
        return LockTimeoutError(
            f"{operation}: another session holds a lock on the schema or its tables, or is deploying it;"
            " nothing was changed. Try again, or raise METACORE_LOCK_TIMEOUT"
        )
    if error.sqlstate == _INSUFFICIENT_PRIVILEGE:
        return ConfigurationError(
            f"{operation}: the role lacks a right: {error.diag.message_primary}. It needs to own the schema or,"
            " to make it, CREATE on the database; to check it, TEMPORARY on the database",
            setting="url",
        )
    if error.sqlstate == _READ_ONLY:
        return ConfigurationError(f"{operation}: this server is read-only; name the primary", setting="url")
    if error.sqlstate == _FEATURE_NOT_SUPPORTED:
        return ConfigurationError(
            f"{operation}: this server cannot do that: {error.diag.message_primary}; nothing was changed", setting="url"
        )
    return translate(error, operation, schema)
