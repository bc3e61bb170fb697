"""Sealed credentials: how they are stored. Nothing in them is secret without the encryption keys."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID


@dataclass(frozen=True, slots=True)
class SealedCredentials:
    """A user's credentials, encrypted as one text under the encryption key `key_id`.

    `generation` tells one set from every other of the user, and is needed to decrypt it. A database keeps it with the
    hashes, in another row than the ciphertext; None if it is gone from there.
    """

    user_id: UUID
    key_id: str
    sealed: bytes
    generation: bytes | None


@dataclass(frozen=True, slots=True)
class ApiKeyHash:
    """The keyed hash of a user's API key under the encryption key `key_id`: unique, and what the user is found by.

    Credentials are stored with one for each key of the writer's ring. So writers that store the same API key for two
    users collide as long as their rings share a key, even while one has a newer current key than the other. None where
    they did not collide, and another user was found by it first.
    """

    user_id: UUID
    key_id: str
    api_key_hash: bytes | None
