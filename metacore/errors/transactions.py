"""What became of a transaction."""

from __future__ import annotations

from metacore.errors.base import MetacoreError


class TransactionAbortedError(MetacoreError):
    """An earlier error doomed this transaction, or it has ended; nothing of it is stored. Begin a new one."""


class RetryableError(MetacoreError):
    """The database gave up this transaction for the sake of others (serialization failure, deadlock). Run it again."""


class LockTimeoutError(RetryableError):
    """A lock could not be acquired within `lock_timeout`."""


class StatementTimeoutError(MetacoreError):
    """A statement ran longer than `statement_timeout` and was cancelled by the server."""


class OutcomeUnknownError(MetacoreError):
    """The connection was lost while a change was being committed: it may or may not be stored.

    Calling again is safe wherever ids or references make it so.
    """
