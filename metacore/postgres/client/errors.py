"""What the database says, as Metacore's errors: by SQLSTATE and constraint name, never by prose."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import psycopg

from metacore.errors import (
    AlreadyExistsError,
    ConfigurationError,
    ConnectionLostError,
    InvalidDataError,
    LockTimeoutError,
    MetacoreError,
    NotFoundError,
    OutcomeUnknownError,
    RetryableError,
    SchemaError,
    StatementTimeoutError,
    StorageUnavailableError,
    TransactionAbortedError,
)
from metacore.postgres.client.commands import command
from metacore.postgres.client.deadlines import SilenceError
from metacore.postgres.client.wire import UnsentError
from metacore.postgres.tables import NOT_NEGATIVE, OWNERS, UNIQUE_FIELDS

_ADVICE = "check host, port, database, user and password of the URL, and that the server runs"
_TOLD = ("host", "hostaddr", "port", "user", "dbname")

_UNIQUE_VIOLATION = "23505"
_FOREIGN_KEY_VIOLATION = "23503"
_CHECK_VIOLATION = "23514"
_QUERY_CANCELED = "57014"
_LOCK_NOT_AVAILABLE = "55P03"
_IN_FAILED_TRANSACTION = "25P02"
_INSUFFICIENT_PRIVILEGE = "42501"
_RETRYABLE = {"40001", "40P01"}
_MISSING_SCHEMA = {"3F000", "42P01", "42703", "42704", "42883"}
_LOST = ("08", "57P")
_IDLE_IN_TRANSACTION = "25P03"
READ_ONLY = "25006"


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
    unsent = isinstance(error, UnsentError) and state != _IDLE_IN_TRANSACTION
    if unsent or state is None or state.startswith(_LOST):
        return _lost(error, operation, commits and state is None and not unsent)
    if state == _IDLE_IN_TRANSACTION:
        return StorageUnavailableError(
            f"{operation}: the transaction did nothing for idle_in_transaction_timeout, and the server ended it;"
            " nothing of it is stored. Keep what takes long out of transactions, or raise the setting"
        )
    constraint = error.diag.constraint_name
    if state == _UNIQUE_VIOLATION:
        entity, field = UNIQUE_FIELDS.get(constraint or "", (operation.partition(".")[0], "key"))
        row = subject.get(entity) if isinstance(subject, Mapping) else subject
        return AlreadyExistsError(entity, field, getattr(row, field, None))
    if state == _FOREIGN_KEY_VIOLATION:
        return NotFoundError(OWNERS.get(constraint or "", "owner"), getattr(subject, "user_id", "that of the row"))
    if state == _CHECK_VIOLATION:
        if constraint in NOT_NEGATIVE:
            # The domain lets no balance fall below zero; what is stored is not what its rules have made.
            return InvalidDataError(
                "a stored balance broke this CHECK, and nothing was stored; run `balances.audit` for its user",
                field=constraint,
            )
        return InvalidDataError("the database refused a value of the row", field=constraint or operation)
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
            f"{operation}: the role lacks a right; run: {command('deploy', schema, '--app-role <role>')}",
            setting="url",
        )
    if state == READ_ONLY:
        return ConnectionLostError(
            f"{operation}: this server is read-only; name the primary, or several hosts with"
            " target_session_attrs=read-write"
        )
    return StorageUnavailableError(
        f"{operation}: the database refused with SQLSTATE {state}; nothing of it is stored. Look for the cause in the"
        " server's log, then try again"
    )


def _lost(error: psycopg.Error, operation: str, commits: bool) -> MetacoreError:
    if isinstance(error, psycopg.DataError):
        return InvalidDataError("a value cannot be sent to the database", field=operation)
    if commits:
        told = "the server did not answer in time" if isinstance(error, SilenceError) else "the connection was lost"
        return OutcomeUnknownError(
            f"{operation}: {told}, and nobody knows whether the change is stored. Call again with the same ids, or read"
            " what is stored"
        )
    if isinstance(error, SilenceError):
        return StorageUnavailableError(
            f"{operation}: the server did not answer in time; nothing of it is stored. Look after the server and the"
            " network, then try again"
        )
    return ConnectionLostError(f"{operation}: the connection was lost; nothing of it is stored. Try again")


def unreachable(error: psycopg.Error, parameters: Mapping[str, Any]) -> StorageUnavailableError:
    """The error to raise, `from None`, where connecting with libpq's `parameters` failed.

    libpq tells the host, port, user and database that it tried. Where these look like parts of a URL that was taken
    apart at the wrong place, by an @ or / of the password that should be percent-encoded, its words are left out.
    """
    told = " ".join(str(error).split())
    password = str(parameters.get("password") or "")
    values = [str(parameters.get(name) or "") for name in _TOLD]
    ports = str(parameters.get("port") or "").replace(",", "")
    if any("@" in value for value in values) or (ports and not ports.isdecimal()) or (password and password in told):
        return StorageUnavailableError(
            f"cannot connect to PostgreSQL: {_ADVICE}; special characters of the password are percent-encoded"
        )
    return StorageUnavailableError(f"cannot connect to PostgreSQL: {told}; {_ADVICE}")
