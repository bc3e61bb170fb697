"""The contract of the users' storage as far as it keeps their credentials."""

from __future__ import annotations

from typing import Protocol
from uuid import UUID

from pydantic import SecretStr

from metacore.domain.people.credentials import Credentials
from metacore.domain.people.key_rotation import KeyUse, RotationBatch
from metacore.domain.people.users import User


class CredentialStorage(Protocol):
    """Stores each user's credentials, encrypted under the current key of the setting `encryption_keys`.

    Without encryption keys, every operation but `key_use` and removing credentials is a ConfigurationError. An API key
    is unique: no two users have it. No error holds one.
    """

    async def credentials(self, user_id: UUID) -> Credentials:
        """The user's credentials, equal to what was set; NotFoundError if there is no such user, or none are set.

        They are read with whichever key they are encrypted under: MissingKeyError if that is not among the encryption
        keys, DecryptionError if it is not the key of that id, or what is stored was altered, belongs to another user or
        is of an older set.
        """
        ...

    async def set_credentials(self, user_id: UUID, credentials: Credentials | None) -> None:
        """Set the user's credentials in place of any before; None removes them, and changes nothing if there are none.

        NotFoundError if there is no such user; AlreadyExistsError, with the field "api_key" and no value, if another
        user has this API key. The credentials are then as before.
        """
        ...

    async def get_by_api_key(self, api_key: str | SecretStr) -> User:
        """The user whose credentials have this API key; NotFoundError if there is none.

        The user is found under each of the encryption keys. MissingKeyError and DecryptionError as for `credentials`.
        """
        ...

    async def rotate_keys(self, after: UUID | None = None, limit: int = 100, dry_run: bool = False) -> RotationBatch:
        """Encrypt the outdated credentials of up to `limit` users, by user id behind `after`, under the current key.

        Outdated are those under another key, and those whose API key has a hash under a key that is no longer among the
        encryption keys. Credentials that somebody sets or removes between the reading and the writing stay as that left
        them. Others read and write meanwhile, and find credentials under the old key or the new. `dry_run` only reads.
        `limit` is 1 to 1,000; others are an InvalidDataError.
        """
        ...

    async def key_use(self) -> KeyUse:
        """How many users' credentials are encrypted under each key id, and how many are outdated, None without keys."""
        ...
