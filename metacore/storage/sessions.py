"""The contract of the storage of sessions."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Protocol
from uuid import UUID

from metacore.domain.people.sessions import NewSession, Rotation, Session


class SessionStorage(Protocol):
    """Keeps the sessions of users, and of their secrets nothing but hashes.

    A session lives until it is ended, idles too long or expires, by the storage's clock; it stays stored until `purge`,
    or until its user is deleted.
    """

    async def create(self, new: NewSession) -> Session:
        """Store a session, of generation 1, and return it.

        NotFoundError if there is no such user, AlreadyExistsError if the user has a session of this id.
        """
        ...

    async def get(self, user_id: UUID, session_id: UUID) -> Session:
        """The session, living or not; NotFoundError if there is none."""
        ...

    async def rotate(
        self,
        user_id: UUID,
        session_id: UUID,
        presented_hash: bytes,
        next_hash: bytes,
        nonce: bytes,
        idle_until: datetime,
        grace: timedelta,
    ) -> Rotation:
        """Let the secret in force give way to the next one, if it is the one that is presented; what came of it, and
        whose session it is.

        ROTATED: it has. The session keeps the hash of the secret before and the nonce, is one generation on, and idles
        until `idle_until`, but no longer than it lives. Of several at once with the same secret, one is ROTATED.
        REPEATED: the secret before was presented within the `grace` since the rotation; nothing changes, and by the
        nonce of the session whoever has that secret knows the one in force.
        REUSED: any other secret was presented, or the one before too late; the session ends for the reason "REUSED".
        EXPIRED, ENDED and UNKNOWN, where there is no such session: nothing changes.

        Hashes and the nonce are 32 bytes each, the grace is zero to one hour; others are an InvalidDataError.
        """
        ...

    async def end(self, user_id: UUID, session_id: UUID, reason: str) -> bool:
        """End the session for `reason`, text of 1 to 255 characters; False if it has ended before, or is not there."""
        ...

    async def end_all(self, user_id: UUID, reason: str, keep: UUID | None = None) -> int:
        """End all sessions of the user that have not ended, but the one to `keep`, if given; how many."""
        ...

    async def list(self, user_id: UUID) -> Sequence[Session]:
        """The living sessions of the user, newest first by (created_at, id)."""
        ...

    async def purge(self, before: datetime, limit: int = 1000) -> int:
        """Delete sessions that have, or would have, expired before that time, the first to expire first, at most
        `limit`; how many.

        One that was ended stays until then, so that its token is known to be one. `limit` is 1 to 1,000.
        """
        ...
