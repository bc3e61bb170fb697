"""The contract of the storage of archives."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol
from uuid import UUID

from metacore.domain.trading.archiving import ArchivePart, History


class ArchiveStorage(Protocol):
    """Takes history out of the other storages, part by part, and keeps account of it.

    It does as it is told: what is closed, and what has to be written before it may go, is decided in `metacore.domain`
    (see `Archiver`). On a database, only a role that may delete from the journals can take anything: none of a service.
    """

    async def take(self, history: History, digest: str) -> ArchivePart:
        """Delete the rows of `history`, and store and return the part that tells of them; all or nothing.

        `digest` tells where the rows are kept now; parts of a user are numbered 1, 2, 3... without gaps. The updates of
        an order go with it. The user is locked exclusively until the transaction ends. ConflictError, and nothing is
        deleted, if an order or a trade is not there at the version that `history` tells, or an entry is not there;
        NotFoundError if the user does not exist.
        """
        ...

    async def list(self, user_id: UUID, after: int = 0) -> Sequence[ArchivePart]:
        """The parts of the user whose number is above `after`, by number; empty if there are none."""
        ...
