"""What Metacore takes from psycopg that psycopg does not document, all in one place.

`tests/test_psycopg_undocumented.py` says what is expected of it; `nox -s tests-lowest` runs that on the oldest psycopg.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Generator, Sequence
from contextlib import suppress
from time import monotonic
from typing import Any, TypeVar

import psycopg
from psycopg import AsyncConnection, BaseConnection, Connection, Error, capabilities, waiting
from psycopg.adapt import AdaptersMap, Loader, Transformer
from psycopg.errors import error_from_result as _error_from_result
from psycopg.pq import DiagnosticField, TransactionStatus
from psycopg.pq.abc import PGconn, PGresult
from psycopg.waiting import Ready, Wait

__all__ = [
    "BaseConnection",
    "OpeningConnection",
    "PGconn",
    "PGresult",
    "Ready",
    "RowLoader",
    "Wait",
    "error_from_result",
    "wait_async",
    "wait_blocking",
    "wait_in_task",
    "without_values",
]

T = TypeVar("T")
Waiting = Generator[Wait, Ready | int | None, T]

wait_in_task = waiting.wait_async
"""What a generator returns that waits for a socket, in the task that calls it."""

_INTERVAL = 0.1
"""Seconds after which a generator is woken though nothing is ready."""

_PATIENCE = 1.0
"""Seconds that the server has for a request to cancel, and then for the end of what is cancelled."""

_INTERRUPTIONS = (asyncio.CancelledError, KeyboardInterrupt)


_SHOWN_FIELDS = (
    DiagnosticField.SEVERITY,
    DiagnosticField.SEVERITY_NONLOCALIZED,
    DiagnosticField.SQLSTATE,
    DiagnosticField.MESSAGE_PRIMARY,
    DiagnosticField.SCHEMA_NAME,
    DiagnosticField.TABLE_NAME,
    DiagnosticField.COLUMN_NAME,
    DiagnosticField.DATATYPE_NAME,
    DiagnosticField.CONSTRAINT_NAME,
)
"""The fields of an error that hold no values of rows or parameters; details, contexts and queries do."""

_DATA_EXCEPTION = "22"
"""The class of errors whose primary message repeats a value."""


def error_from_result(result: PGresult) -> Error:
    """The error that `result` is, without values: a traceback tells it to whoever reads the log."""
    return without_values(_error_from_result(result))


def without_values(error: Error) -> Error:
    """`error` itself, with what the server said of it but values of rows and parameters."""
    info: Any = error._info
    if error.sqlstate is None or not info:
        return error
    fields = {
        field: info.error_field(field) if hasattr(info, "error_field") else info.get(field) for field in _SHOWN_FIELDS
    }
    primary = (fields[DiagnosticField.MESSAGE_PRIMARY] or b"").decode(errors="replace")
    if error.sqlstate.startswith(_DATA_EXCEPTION):
        primary = type(error).__name__
        fields[DiagnosticField.MESSAGE_PRIMARY] = primary.encode()
    error._info = {int(field): fields.get(field) for field in DiagnosticField}
    error.args = ("".join(each if each.isprintable() else ascii(each)[1:-1] for each in primary),)
    return error


class _JsonText(Loader):
    """Loads json as its text: psycopg would read its numbers through a float."""

    def load(self, data: Any) -> str:
        return bytes(data).decode()


class _Context:
    """What psycopg takes for a `context`: our adapters, no connection: so text is UTF-8, and times are in UTC."""

    adapters = AdaptersMap(psycopg.adapters)
    connection = None


_Context.adapters.register_loader("json", _JsonText)


class RowLoader:
    """Python's values of results, whatever others have registered or set for the connection."""

    __slots__ = ("_transformer",)

    def __init__(self) -> None:
        self._transformer = Transformer(_Context())

    def rows(self, result: PGresult) -> list[tuple[Any, ...]]:
        self._transformer.set_pgresult(result)
        return self._transformer.load_rows(0, result.ntuples, tuple)


def _handlers(connection: Any) -> tuple[list[Any], list[Any]]:
    return connection._notice_handlers, connection._notify_handlers


class OpeningConnection:
    """A second object for a connection, to be inherited from before psycopg's class. Before each statement it sends
    what `openings` gives. What is changed of the object itself (adapters, row factories) stays with it; what psycopg
    keeps for both, `put_back` makes what it was.
    """

    def __init__(self, connection: Any) -> None:
        vars(self).update(vars(connection), _adapters=AdaptersMap(connection.adapters))
        self._handlers_before = [(handlers, [*handlers]) for handlers in _handlers(connection)]
        self._preparing_before = connection.prepare_threshold, connection.prepared_max

    def put_back(self: Any) -> None:
        """Undo what was set or registered by way of this object, and would last."""
        for handlers, before in self._handlers_before:
            handlers[:] = before
        self.prepare_threshold, self.prepared_max = self._preparing_before

    def __del__(self, _: Any = None) -> None:
        """Say nothing, as psycopg's would: whether the connection was closed is asked of the first object."""

    def openings(self) -> Sequence[bytes]:
        """The commands that are to be sent before the next statement."""
        raise NotImplementedError

    def _start_query(self: Any) -> Waiting[None]:
        for command in self.openings():
            yield from self._exec_command(command)


async def wait_async(
    connection: AsyncConnection[Any],
    work: Waiting[T],
    run: Callable[[Waiting[T], int, float], Awaitable[T]] = waiting.wait_async,
) -> T:
    """What `work` returns, run, by psycopg's own way or another, while nobody else uses `connection`.

    An interruption has the server cancel what it is doing. A connection that is still at work after an error or an
    interruption is closed: that takes `_PATIENCE` twice at most.
    """
    lock = connection.lock
    await lock.acquire()
    try:
        return await run(work, connection.pgconn.socket, _INTERVAL)
    except (Exception, *_INTERRUPTIONS) as error:
        if _is_at_work(connection):
            try:
                await _cancel_async(connection)
                if isinstance(error, _INTERRUPTIONS):
                    with suppress(Error):
                        await waiting.wait_async(_briefly(work), connection.pgconn.socket, _INTERVAL)
            finally:
                _close_at_work(connection)
        raise
    finally:
        lock.release()


def wait_blocking(connection: Connection[Any], work: Waiting[T]) -> T:
    """What `work` returns, run while nobody else uses `connection`; after an interruption as `wait_async`."""
    with connection.lock:
        try:
            return waiting.wait(work, connection.pgconn.socket, _INTERVAL)
        except (Exception, *_INTERRUPTIONS) as error:
            if _is_at_work(connection):
                try:
                    _cancel_blocking(connection)
                    if isinstance(error, _INTERRUPTIONS):
                        with suppress(Error):
                            waiting.wait(_briefly(work), connection.pgconn.socket, _INTERVAL)
                finally:
                    _close_at_work(connection)
            raise


async def _cancel_async(connection: AsyncConnection[Any]) -> None:
    if capabilities.has_cancel_safe():
        # A server that does not take the request: what it is asked for goes with the connection.
        with suppress(Error, OSError):
            await connection.cancel_safe(timeout=_PATIENCE)


def _cancel_blocking(connection: Connection[Any]) -> None:
    if capabilities.has_cancel_safe():
        with suppress(Error, OSError):
            connection.cancel_safe(timeout=_PATIENCE)


def _briefly(work: Waiting[T]) -> Waiting[T | None]:
    """The rest of `work`, given up after `_PATIENCE`."""
    deadline = monotonic() + _PATIENCE
    try:
        waits_for = next(work)
        while monotonic() < deadline:
            waits_for = work.send((yield waits_for))
    except StopIteration as end:
        result: T = end.value
        return result
    return None


def _is_at_work(connection: BaseConnection[Any]) -> bool:
    return connection.pgconn.transaction_status == TransactionStatus.ACTIVE


def _close_at_work(connection: BaseConnection[Any]) -> None:
    if _is_at_work(connection):
        connection.pgconn.finish()
