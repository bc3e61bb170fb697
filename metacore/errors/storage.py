"""Why a storage cannot be reached."""

from __future__ import annotations

from metacore.errors.base import MetacoreError


class StorageUnavailableError(MetacoreError):
    """The storage cannot be reached or was closed. Nothing of the operation is stored."""


class StorageClosedError(StorageUnavailableError):
    """The storage is not open, or not here: in another event loop or process. Waiting does not help."""


class ConnectionLostError(StorageUnavailableError):
    """The connection was lost, or its server has become read-only, before anything was sent to be committed.

    Operations outside of a transaction, and `run`, have tried once more on a fresh connection before they raise it.
    """


class PoolTimeoutError(StorageUnavailableError):
    """No connection became free within `pool_timeout`. `pool` has the pool's figures, `cause` the last connection
    error.
    """

    pool: dict[str, int]
    cause: str | None

    def __init__(self, message: str, *, pool: dict[str, int], cause: str | None = None) -> None:
        super().__init__(message, pool=pool, cause=cause)
