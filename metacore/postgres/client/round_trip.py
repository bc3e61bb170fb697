"""What goes in one round trip, as it is made."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Iterator, Sequence

from psycopg import OperationalError

from metacore.postgres.client.statement import Statement

_logger = logging.getLogger(__name__)

Command = Callable[[], int | None]
"""Hands something to libpq; gives the number of bytes that were made for it only then, if any."""


class UnsentError(OperationalError):
    """The connection was lost before anything of a round trip was sent; `sqlstate` is what the server said last."""


def log(text: bytes, name: str | None = None) -> None:
    """Log `text`, the statement of that `name` if it has one."""
    if _logger.isEnabledFor(logging.DEBUG):
        _logger.debug("%s", text.decode() if name is None else f"{name}: {text.decode()}")


class RoundTrip:
    """The commands of a round trip: how many there are, and by their place those that run a statement or prepare it."""

    __slots__ = ("closing", "failure", "fresh", "length", "openings", "sent")

    def __init__(self, openings: Sequence[bytes], closing: bytes | None) -> None:
        self.openings, self.closing = openings, closing
        self.length = 0
        self.fresh: dict[int, Statement] = {}
        self.sent: dict[int, Statement] = {}
        self.failure: Exception | None = None

    @property
    def closes(self) -> bool:
        """Whether the `closing` is among them, as the last one."""
        return self.closing is not None and self.failure is None

    def noted(self, command: Command, text: bytes | None = None, name: str | None = None) -> Command:
        """`command`, the next one, which sends `text`, the statement of that `name` if it has one."""
        self.length += 1
        if text is not None:
            log(text, name)
        return command

    def until_it_fails(self, commands: Iterable[Command]) -> Iterator[Command]:
        """`commands`, as far as they can be made."""
        try:
            yield from commands
        except UnsentError:
            raise
        except Exception as error:  # noqa: BLE001
            self.failure = error
