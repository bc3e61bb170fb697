# Made from metacore/services/transactions.py by `python tools/generate_sync.py`. Do not edit.
"""How services run what they do in one transaction."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from metacore._compat.blocking import Eventual
from metacore.errors import LockTimeoutError
from metacore.sync.storage.storage import Storages, Transaction

T = TypeVar("T")


class _LockedError(Exception):
    """Takes a LockTimeoutError past `run`, which would call again, and wait anew."""

    def __init__(self, error: LockTimeoutError) -> None:
        super().__init__(error.message)
        self.error = error


def in_transaction(storage: Storages, fn: Callable[[Transaction], Eventual[T]]) -> T:
    """What `fn` returns, run in a transaction, and again on a RetryableError, but not on a LockTimeoutError.

    Who calls a service has waited for `lock_timeout` then, and decides whether to wait again.
    """

    def attempt(tx: Transaction) -> T:
        try:
            return fn(tx)
        except LockTimeoutError as error:
            raise _LockedError(error) from error

    try:
        return storage.run(attempt)
    except _LockedError as locked:
        error = locked.error
    raise error
