"""COPY from here, over libpq, with the waits of a wire."""

from __future__ import annotations

from psycopg import pq

from metacore._compat.psycopg_undocumented import Ready, Wait
from metacore.postgres.client.wire import Waiting, Wire


def start(wire: Wire, text: bytes) -> Waiting[None]:
    """Begin the COPY `text`, inside of a transaction. UnsentError if the connection is lost already."""
    wire.require_connection()
    wire.pgconn.send_query(text)
    yield from wire.flush()
    result = yield from wire.result()
    if result is None or result.status != pq.ExecStatus.COPY_IN:
        while (yield from wire.result()) is not None:
            pass
        wire.rows(result, commits=False)


def send(wire: Wire, data: bytes) -> Waiting[None]:
    """Send `data` to the COPY that was begun; an interruption ends that, and it fails."""
    while not wire.pgconn.put_copy_data(data):
        yield Wait.W
    while wire.pgconn.flush():
        ready = yield Wait.RW
        if ready is None:
            yield from end(wire, b"interrupted")
            return
        if ready & Ready.R:
            wire.pgconn.consume_input()


def end(wire: Wire, flaw: bytes | None = None) -> Waiting[None]:
    """End the COPY; it fails, too, if a `flaw` is told."""
    while not wire.pgconn.put_copy_end(flaw):
        yield Wait.W
    yield from wire.flush()
    result = yield from wire.result()
    while (yield from wire.result()) is not None:
        pass
    wire.rows(result, commits=False)
