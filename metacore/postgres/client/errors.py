"""What the database says, as Metacore's errors: by SQLSTATE and constraint name, never by what it tells people."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import psycopg
from psycopg.errors import Diagnostic

from metacore.errors import (
    AlreadyExistsError,
    ConfigurationError,
    ConflictError,
    ConnectionLostError,
    InvalidDataError,
    LockTimeoutError,
    MetacoreError,
    NotFoundError,
    OutcomeUnknownError,
    PoolTimeoutError,
    RetryableError,
    SchemaError,
    StatementTimeoutError,
    StorageUnavailableError,
    TransactionAbortedError,
)
from metacore.postgres.client.call import taken
from metacore.postgres.client.commands import command
from metacore.postgres.client.deadlines import SilenceError
from metacore.postgres.client.round_trip import UnsentError
from metacore.postgres.tables import NAMES, NOT_NEGATIVE, OWNERS, UNIQUE_FIELDS
from metacore.postgres.tables.names import NAMES_KEY

_ADVICE = "check host, port, database, user and password of the URL, and that the server runs"
_SHOWN_PARAMETERS = ("host", "hostaddr", "port", "user", "dbname")

_UNIQUE_VIOLATION = "23505"
_FOREIGN_KEY_VIOLATIONS = {"23503", "23001"}
_CHECK_VIOLATION = "23514"
_NOT_NULL_VIOLATION = "23502"
_EXCLUSION_VIOLATION = "23P01"
_RAISED = "P0001"
_QUERY_CANCELED = "57014"
_LOCK_NOT_AVAILABLE = "55P03"
_IN_FAILED_TRANSACTION = "25P02"
_INSUFFICIENT_PRIVILEGE = "42501"
_RETRYABLE = {"40001", "40P01"}
_MISSING_SCHEMA = {"3F000", "42P01", "42703", "42704", "42883"}
_PREPARED = {"26000", "42P05"}
_LOST = ("08", "57P")
_IDLE_IN_TRANSACTION = "25P03"
READ_ONLY = "25006"
_EXHAUSTED = {
    "53100": "the server's disk is full; make room there",
    "53200": "the server is out of memory, or of room for locks; look in its log, ask for less at once",
    "53300": "the server has no connection left; raise its max_connections, or lower pool_max_size",
    "53400": "the server has reached a limit of its configuration; look in its log",
    "57P03": "the server is starting, stopping or recovering; wait until it takes connections",
    "58030": "the server cannot read or write its files; look in its log",
}
"""What the server lacks, and what to do."""

_QUOTED = re.compile(r"[\"«»„“”]([^\"«»„“”]+)[\"«»„“”]")


def translate(
    error: psycopg.Error, operation: str, schema: str, *, commits: bool = False, subject: object = None
) -> MetacoreError:
    """The error to raise from `error`, which `operation` met on the tables of `schema`.

    `commits` says that the round trip had something to commit, which is stored, or not, if the connection was lost and
    no answer came; `subject` is the row that was to be stored, or the one of each entity if there was but one.
    """
    state = error.sqlstate
    if state is None and not isinstance(error, psycopg.OperationalError | psycopg.InterfaceError | psycopg.DataError):
        raise error
    if state in _EXHAUSTED:
        return StorageUnavailableError(f"{operation}: {_EXHAUSTED[state]}, then try again; nothing of it is stored")
    unsent = isinstance(error, UnsentError) and state != _IDLE_IN_TRANSACTION
    if unsent or state is None or state.startswith(_LOST):
        return _lost(error, operation, commits and state is None and not unsent)
    if state == _IDLE_IN_TRANSACTION:
        return StorageUnavailableError(
            f"{operation}: the transaction did nothing for idle_in_transaction_timeout, and the server ended it;"
            " nothing of it is stored. Keep what takes long out of transactions, or raise the setting"
        )
    constraint = _constraint(error.diag)
    if state == _UNIQUE_VIOLATION:
        entity, field = UNIQUE_FIELDS.get(constraint, (operation.partition(".")[0], constraint or "key"))
        if constraint == NAMES_KEY:
            entity, field = taken(error) or (entity, field)
        row = subject.get(entity) if isinstance(subject, Mapping) else subject
        return AlreadyExistsError(entity, field, getattr(row, field, None))
    if state in _FOREIGN_KEY_VIOLATIONS and constraint in OWNERS:
        return NotFoundError(OWNERS[constraint], getattr(subject, "user_id", "that of the row"))
    if state in _FOREIGN_KEY_VIOLATIONS or state == _EXCLUSION_VIOLATION:
        return ConflictError(
            f"{operation}: the constraint {constraint or '(unnamed)'} of table {error.diag.table_name or '(unnamed)'},"
            " which is not Metacore's, refused it; change what that table has first",
            conflicts=(constraint,) if constraint else (),
        )
    if state == _CHECK_VIOLATION:
        if constraint in NOT_NEGATIVE:
            # The domain lets no balance fall below zero; what is stored is not what its rules have made.
            return InvalidDataError(
                "a stored balance broke this CHECK, and nothing was stored; run `balances.audit` for its user",
                field=constraint,
            )
        return InvalidDataError("the database refused a value of the row", field=constraint or operation)
    if state == _NOT_NULL_VIOLATION:
        return InvalidDataError("the database wants a value here", field=error.diag.column_name or operation)
    if state == _RAISED:
        return ConflictError(f"{operation}: a trigger or function of the database refused it; the cause has its words")
    if state.startswith("22"):
        return InvalidDataError("the database refused a value of the row", field=operation)
    if state == _LOCK_NOT_AVAILABLE:
        return LockTimeoutError(f"{operation}: no lock within lock_timeout; run the transaction again")
    if state in _RETRYABLE:
        return RetryableError(f"{operation}: the database gave up the transaction; run it again")
    if state == _QUERY_CANCELED:
        return StatementTimeoutError(f"{operation}: ran into statement_timeout; raise it, or ask for less at once")
    if state == _IN_FAILED_TRANSACTION:
        return TransactionAbortedError(f"{operation}: an earlier error doomed this transaction; begin a new one")
    if state in _MISSING_SCHEMA:
        return SchemaError(f"{operation}: the schema is missing or too old; run: {command('deploy', schema)}")
    if state == _INSUFFICIENT_PRIVILEGE:
        return ConfigurationError(
            f"{operation}: the role lacks a right; run: {command('deploy', schema, '--app-role <role>')}, with"
            " --may-delete if it is to delete users and orders",
            setting="url",
        )
    if state in _PREPARED:
        return _mixed_up(operation)
    if state == READ_ONLY:
        return ConnectionLostError(
            f"{operation}: this server is read-only; name the primary, or several hosts with"
            " target_session_attrs=read-write"
        )
    return StorageUnavailableError(
        f"{operation}: the database refused with SQLSTATE {state}; nothing of it is stored. Look for the cause in the"
        " server's log, then try again"
    )


def _constraint(diag: Diagnostic) -> str:
    """The name of the constraint that refused a row, empty if the error has none.

    Citus, say, leaves the field out, or names that of a shard: ours with the number of the shard behind it.
    """
    if diag.constraint_name:
        return _of_ours(diag.constraint_name)
    quoted = map(_of_ours, _QUOTED.findall(diag.message_primary or ""))
    return next((name for name in quoted if name in NAMES), "")


def _of_ours(name: str) -> str:
    whole = re.sub(r"_\d+\Z", "", name)
    return whole if name not in NAMES and whole in NAMES else name


def _lost(error: psycopg.Error, operation: str, commits: bool) -> MetacoreError:
    if isinstance(error, psycopg.DataError):
        return InvalidDataError("a value cannot be sent to the database", field=operation)
    if commits:
        loss = "the server did not answer in time" if isinstance(error, SilenceError) else "the connection was lost"
        return OutcomeUnknownError(
            f"{operation}: {loss}, and nobody knows whether the change is stored. Call again with the same ids, or read"
            " what is stored"
        )
    if isinstance(error, SilenceError):
        return StorageUnavailableError(
            f"{operation}: the server did not answer in time; nothing of it is stored. Look after the server and the"
            " network, then try again"
        )
    return ConnectionLostError(f"{operation}: the connection was lost; nothing of it is stored. Try again")


def _mixed_up(operation: str) -> ConfigurationError:
    return ConfigurationError(
        f"{operation}: a pooler on the way mixes up prepared statements; set METACORE_PREPARED_STATEMENTS=false",
        setting="prepared_statements",
    )


def unreachable(error: psycopg.Error, parameters: Mapping[str, Any]) -> MetacoreError:
    """The error to raise, `from None`, where connecting with libpq's `parameters` failed, or what is asked at first.

    libpq tells the host, port, user and database that it tried. Where these look like parts of a URL that was taken
    apart at the wrong place, by an @ or / of the password that should be percent-encoded, its words are left out.
    """
    if error.sqlstate in _PREPARED:
        return _mixed_up("connect")
    message = " ".join(str(error).split())
    password = str(parameters.get("password") or "")
    values = [str(parameters.get(name) or "") for name in _SHOWN_PARAMETERS]
    ports = str(parameters.get("port") or "").replace(",", "")
    if any("@" in value for value in values) or (ports and not ports.isdecimal()) or (password and password in message):
        return StorageUnavailableError(
            f"cannot connect to PostgreSQL: {_ADVICE}; special characters of the password are percent-encoded"
        )
    return StorageUnavailableError(f"cannot connect to PostgreSQL: {message}; {_ADVICE}")


def exhausted(figures: Mapping[str, int], waited: float | None, last_error: str | None) -> PoolTimeoutError:
    """The error of a pool with these `figures` that gave no connection: in `waited` seconds or, for None, because as
    many wait already as may. `last_error` is what the last attempt to connect failed by.
    """
    event = f"no connection became free within {waited:g} s"
    if waited is None:
        event = "no connection is free, and no more operations may wait for one (pool_max_waiting)"
    cause = f"; the last connection attempt failed: {last_error}" if last_error else ""
    return PoolTimeoutError(
        f"{event}: {figures.get('pool_size', 0)} of {figures.get('pool_max', 0)} open,"
        f" {figures.get('requests_waiting', 0)} waiting; raise pool_max_size, or shorten transactions{cause}",
        pool=dict(figures),
        cause=last_error,
    )
