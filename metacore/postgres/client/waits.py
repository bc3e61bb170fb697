"""What libpq is waited for: that it has sent what it has, that an answer is there."""

from __future__ import annotations

from collections.abc import Generator
from typing import TypeVar

from psycopg import OperationalError

from metacore._compat.psycopg_undocumented import PGconn, PGresult, Ready, Wait

T = TypeVar("T")
Waiting = Generator[Wait, Ready | int | None, T]
"""What `wait` of both worlds runs: it yields what it waits for, is told what is ready, and returns what came. After an
interruption it is run once more, to its end, and told None at first.
"""


def flush(pgconn: PGconn) -> Waiting[None]:
    """Send what libpq has."""
    while pgconn.flush():
        ready = yield Wait.RW
        # After a cancellation psycopg waits once more, and begins by saying nothing: None.
        if ready and ready & Ready.R:
            pgconn.consume_input()


def arrival(pgconn: PGconn) -> Waiting[None]:
    """Wait until the next result is there, or will not come."""
    while pgconn.is_busy():
        if (yield Wait.R):
            try:
                pgconn.consume_input()
            except OperationalError:
                # The connection is lost. What the server said before it, libpq still gives, and then an error.
                break


def next_result(pgconn: PGconn) -> Waiting[PGresult | None]:
    """The next result, None after the last one of a command."""
    yield from arrival(pgconn)
    return pgconn.get_result()
