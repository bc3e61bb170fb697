"""Whether a transaction can go on: what doomed it, whether it has ended, which savepoints are open within it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Self, TypeVar

from metacore.errors import MetacoreError, TransactionAbortedError

E = TypeVar("E", bound=MetacoreError)


class TransactionState:
    """The state of a transaction or, with a `parent`, of a savepoint within it."""

    def __init__(self, parent: Self | None = None) -> None:
        self.parent = parent
        self.has_ended = False
        self._inner: Self | None = None
        self._doom: MetacoreError | None = None
        self._cause = ""

    @property
    def innermost(self) -> Self:
        """The innermost open savepoint within this one, else itself: where changes go, whichever of them is used."""
        state = self
        while state._inner is not None:
            state = state._inner
        return state

    @property
    def lineage(self) -> Iterator[Self]:
        """The innermost open savepoint, then each that is around it, out to the transaction."""
        state: Self | None = self.innermost
        while state is not None:
            yield state
            state = state.parent

    def check_state(self) -> None:
        """TransactionAbortedError if this transaction is doomed or over."""
        for state in self.lineage:
            if self.has_ended or state.has_ended:
                raise TransactionAbortedError("this transaction has ended; begin a new one")
            if state._doom is not None:
                cause = state._cause
                raise TransactionAbortedError(
                    f"this transaction was doomed by {cause}; leave its block and begin a new one"
                ) from state._doom

    @property
    def is_doomed(self) -> bool:
        """Whether this transaction, or the savepoint that it is, can only be left."""
        return self._doom is not None

    def doom(self, error: E, cause: str = "") -> E:
        """`error`, after which this transaction, up to the nearest savepoint, can only be left; the error tells so.

        `cause` is what later errors say of it, in place of its class.
        """
        if not error.dooms_transaction:
            error.dooms_transaction = True
        if self._doom is None:
            self._doom, self._cause = error, cause or type(error).__name__
        return error

    def note_error(self, error: MetacoreError) -> None:
        """Let `error` doom this transaction if it says so, unless it is doomed or over already."""
        if error.dooms_transaction and not any(state.has_ended or state._doom for state in self.lineage):
            self.doom(error)

    @contextmanager
    def having(self, savepoint: Self) -> Iterator[None]:
        """Have `savepoint` open within this one, which was the innermost, for the block."""
        self._inner = savepoint
        try:
            yield
        finally:
            self._inner = None
