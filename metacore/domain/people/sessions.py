"""Sessions: a user who has signed in somewhere, and the rule by which a token gives way to its successor.

A token is the user's id, the session's id and a secret. Of secrets nothing is stored but hashes: of the one in force
and of the one before. Whoever presents the secret in force gets its successor, which is HMAC-SHA256(secret, nonce), and
the nonce is stored. So whoever presents the secret before once more, because two asked at once or an answer was lost,
gets the very same successor again, and nobody else can tell what it is.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Annotated, Any, Self
from uuid import UUID

from pydantic import Field, model_validator

from metacore import ids
from metacore.domain.people.users import User
from metacore.domain.values.model import Model, across, revised, unchecked
from metacore.domain.values.secrets import Secret
from metacore.domain.values.text import Integer, Key
from metacore.domain.values.times import Time, require_time
from metacore.errors import InvalidDataError

HASH_LENGTH = 32
LONGEST_GRACE = timedelta(hours=1)

_Digest = Annotated[bytes, Field(strict=True, min_length=HASH_LENGTH, max_length=HASH_LENGTH)]

Digest = Annotated[_Digest, Field(repr=False, exclude=True)]
"""32 bytes that are neither shown nor written to JSON."""

NoDigest = Annotated[_Digest | None, Field(repr=False, exclude=True)]
"""The same, or none."""


class EndReason(StrEnum):
    """Why the services end a session; `end` takes any other text, too."""

    LOGGED_OUT = "LOGGED_OUT"
    LOGGED_OUT_EVERYWHERE = "LOGGED_OUT_EVERYWHERE"
    PASSWORD_CHANGED = "PASSWORD_CHANGED"  # noqa: S105
    DEACTIVATED = "DEACTIVATED"
    REUSED = "REUSED"


class NewSession(Model):
    """A session to be created."""

    user_id: UUID
    id: UUID = Field(default_factory=lambda: ids.new_id())
    token_hash: Digest
    """The SHA-256 of the secret in force; shown nowhere."""
    label: Key | None = None
    """What the user is to know the session by, such as the name of a device."""
    idle_until: Time
    """When the session ends unless its token is rotated before."""
    expires_at: Time
    """When it ends however often its token is rotated."""

    @model_validator(mode="after")
    def _idle_within(self) -> Self:
        if self.idle_until > self.expires_at:
            raise across("a session idles no longer than it lives", "idle_until", "expires_at")
        return self


class Session(NewSession):
    """A stored session."""

    previous_hash: NoDigest
    """The hash of the secret before; null until the first rotation."""
    nonce: NoDigest
    """What made the secret in force of the one before."""
    generation: Integer
    """How many secrets it has had."""
    rotated_at: Time | None
    """When the secret in force took the place of the one before."""
    ended_at: Time | None
    """When it was ended; null while it lives, and where it idled or lived too long."""
    end_reason: Key | None
    """Why it was ended."""
    created_at: Time

    @classmethod
    def created(cls, new: NewSession, now: datetime) -> Self:
        """The session that `new` becomes when it is stored at `now`."""
        return unchecked(cls, {**new.__dict__, **_FRESH, "created_at": now})

    def ended(self, reason: str, now: datetime) -> Self:
        """This session, ended for `reason` at `now`; itself if it has ended."""
        return self if self.ended_at is not None else revised(self, ended_at=now, end_reason=str(reason))

    def is_live(self, now: datetime) -> bool:
        """Whether its token can be rotated."""
        return self.ended_at is None and now < self.idle_until


_FRESH: Mapping[str, Any] = {
    **dict.fromkeys(("previous_hash", "nonce", "rotated_at", "ended_at", "end_reason")),
    "generation": 1,
}


class RotationOutcome(StrEnum):
    """What a secret is that was presented."""

    ROTATED = "ROTATED"
    """The one in force; it has given way to its successor."""
    REPEATED = "REPEATED"
    """The one before, within the grace: its successor is the one in force."""
    REUSED = "REUSED"
    """None of both, or the one before after the grace: the session has ended by that."""
    EXPIRED = "EXPIRED"
    ENDED = "ENDED"
    UNKNOWN = "UNKNOWN"
    """Of no session that is stored."""


class Rotation(Model):
    """What came of `rotate`."""

    outcome: RotationOutcome
    session: Session | None
    """The session as it is then; null if it is UNKNOWN."""
    user: User | None
    """The user whose it is, as he is then; null if it is UNKNOWN."""


class SignedIn(Model):
    """A user who has signed in, the session, and its token: for the client, and nobody else."""

    user: User
    """The user."""
    session: Session
    """The session."""
    token: Secret
    """What the session goes on by: `token.get_secret_value()`, which nothing else shows."""


@dataclass(frozen=True, slots=True, repr=False)
class Presented:
    """The hash of a secret that is presented, and what is to follow if it is the one in force."""

    presented_hash: bytes
    next_hash: bytes
    nonce: bytes
    idle_until: datetime
    grace: timedelta

    @classmethod
    def parse(cls, presented_hash: object, next_hash: object, nonce: object, idle_until: object, grace: object) -> Self:
        """Of the arguments of `rotate`; InvalidDataError names the one that is none."""
        digests = {"presented_hash": presented_hash, "next_hash": next_hash, "nonce": nonce}
        hashes = {name: _require_digest(name, value) for name, value in digests.items()}
        moment = require_time("idle_until", idle_until)
        if not isinstance(grace, timedelta) or not timedelta() <= grace <= LONGEST_GRACE:
            raise InvalidDataError("a grace is a timedelta of zero to one hour", field="grace")
        return cls(**hashes, idle_until=moment, grace=grace)

    def rotate(self, session: Session | None, user: User | None, now: datetime) -> Rotation:
        """What becomes of `session`, which is the user's, at `now`."""
        if session is None:
            return Rotation(outcome=RotationOutcome.UNKNOWN, session=None, user=None)
        outcome, then = self._turn(session, now)
        return Rotation(outcome=outcome, session=then, user=user)

    def _turn(self, session: Session, now: datetime) -> tuple[RotationOutcome, Session]:
        if session.ended_at is not None:
            return RotationOutcome.ENDED, session
        if now >= session.idle_until:
            return RotationOutcome.EXPIRED, session
        if self.presented_hash == session.token_hash:
            rotated = revised(
                session,
                token_hash=self.next_hash,
                previous_hash=session.token_hash,
                nonce=self.nonce,
                generation=session.generation + 1,
                rotated_at=now,
                idle_until=min(self.idle_until, session.expires_at),
            )
            return RotationOutcome.ROTATED, rotated
        rotated_at = session.rotated_at
        if self.presented_hash == session.previous_hash and rotated_at is not None and rotated_at >= now - self.grace:
            return RotationOutcome.REPEATED, session
        return RotationOutcome.REUSED, session.ended(EndReason.REUSED, now)


def _require_digest(name: str, value: object) -> bytes:
    if not isinstance(value, bytes) or len(value) != HASH_LENGTH:
        raise InvalidDataError(f"it is {HASH_LENGTH} bytes", field=name)
    return value
