"""Sealed credentials: how they are stored. Nothing in them is secret without the encryption keys."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from uuid import UUID


@dataclass(frozen=True, slots=True)
class SealedCredentials:
    """A user's credentials, each text encrypted under the encryption key `key_id`."""

    user_id: UUID
    key_id: str
    api_key: bytes
    api_secret: bytes
    passphrase: bytes | None


@dataclass(frozen=True, slots=True)
class ApiKeyHash:
    """The keyed hash of a user's API key under the encryption key `key_id`: unique, and what the user is found by.

    Credentials are stored with one for each key of the writer's ring. So writers that store the same API key for two
    users collide as long as their rings share a key, even while one has a newer current key than the other.
    """

    user_id: UUID
    key_id: str
    api_key_hash: bytes


@dataclass(frozen=True, slots=True)
class KeyUse:
    """How many users' credentials are encrypted under each encryption key id.

    `outdated` is the number of users that a rotation has still to do: their credentials are not under the current key,
    or hashes of their API key are left under a key that the ring no longer has. None without encryption keys.
    """

    credentials: Mapping[str, int]
    outdated: int | None


@dataclass(frozen=True, slots=True)
class Unreadable:
    """A user whose credentials cannot be decrypted, and why."""

    user_id: UUID
    key_id: str
    reason: str


@dataclass(frozen=True, slots=True)
class RotationBatch:
    """What one batch of a rotation came to, in users.

    The credentials of `rotated` were encrypted anew (in a dry run: would have been). Those of `overtaken` were set,
    removed or rotated by somebody else meanwhile, and stay as that left them. Those of `unreadable` stay as they were.
    `next` is the `after` of the next batch, None at the end.
    """

    rotated: int = 0
    overtaken: int = 0
    unreadable: tuple[Unreadable, ...] = ()
    next: UUID | None = None
