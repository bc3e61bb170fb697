# Made from metacore/backends/operations.py by `python tools/generate_sync.py`. Do not edit.
"""Operations of storages, each from its beginning to its end."""

from __future__ import annotations

from time import perf_counter
from types import TracebackType
from typing import TYPE_CHECKING, Any

from metacore.errors import MetacoreError

if TYPE_CHECKING:
    from metacore.sync.backends.sessions import BaseSession


class WholeOperation:
    """One operation of a storage, which begins: it is counted, and in a transaction its errors doom it if they say so,
    so that those whose transaction it is cannot commit it.

    It is the block of it, too; what all operations go through saves the calls of one.
    """

    __slots__ = ("_began", "_name", "_session", "_span")

    def __init__(self, session: BaseSession[Any], name: str) -> None:
        self._session, self._name = session, name
        session.begin_operation()
        self._span = session.counters.begin(name)
        self._began = perf_counter()

    def end(self) -> None:
        """It has done what it was to do."""
        self._session.counters.end(self._name, self._span, perf_counter() - self._began)

    def fail(self, error: BaseException) -> None:
        """It has raised `error`."""
        seconds = perf_counter() - self._began
        if isinstance(error, MetacoreError):
            self._session.note_error(error)
        self._session.counters.end(self._name, self._span, seconds, error)
        if isinstance(error, MetacoreError):
            self._session.enforce_doom()

    def __enter__(self) -> None:
        pass

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if error is None:
            self.end()
        else:
            self.fail(error)
