"""COPY from here, over libpq, with the waits of a wire."""

from __future__ import annotations

from psycopg import pq

from metacore._compat.psycopg_undocumented import Ready, Wait
from metacore.postgres.client.waits import Waiting, flush, next_result
from metacore.postgres.client.wire import Wire


def start(wire: Wire, text: bytes) -> Waiting[None]:
    """Begin the COPY `text`, inside of a transaction. UnsentError if the connection is lost already."""
    wire.require_connection()
    wire.pgconn.send_query(text)
    yield from flush(wire.pgconn)
    begun = yield from next_result(wire.pgconn)
    if begun is None or begun.status != pq.ExecStatus.COPY_IN:
        while (yield from next_result(wire.pgconn)) is not None:
            pass
        wire.rows(begun, commits=False)


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
    yield from flush(wire.pgconn)
    ended = yield from next_result(wire.pgconn)
    while (yield from next_result(wire.pgconn)) is not None:
        pass
    wire.rows(ended, commits=False)
