"""How long the client waits for the server, whatever the server does."""

from __future__ import annotations

from collections.abc import Generator
from time import monotonic
from typing import TypeVar

from psycopg import OperationalError

from metacore._compat.psycopg_undocumented import Ready, Wait

T = TypeVar("T")

MARGIN = 5.0
"""Seconds that a round trip may take beyond the time-out that the server itself watches over."""


class SilenceError(OperationalError):
    """The server did not answer in time."""


def within(waiting: Generator[Wait, Ready | int | None, T], seconds: float) -> Generator[Wait, Ready | int | None, T]:
    """What `waiting` does; SilenceError when it has waited for `seconds` and nothing comes.

    Whoever runs it wakes it every moment, also where nothing is ready. An answer that is coming in is waited for, and
    what `waiting` itself takes, to make what it sends, counts for nothing.
    """
    left = seconds
    try:
        waits_for = next(waiting)
        while True:
            began = monotonic()
            ready = yield waits_for
            left -= monotonic() - began
            waits_for = waiting.send(ready)
            if not ready and left <= 0:
                raise SilenceError(f"the server said nothing for {seconds:g} s")
    except StopIteration as end:
        result: T = end.value
        return result
