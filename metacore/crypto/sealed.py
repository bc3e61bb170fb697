"""Sealed credentials: how they are stored. Nothing in them is secret without the encryption keys."""

from __future__ import annotations

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
