"""Sealing: credentials to ciphertext and back.

The texts of one set are one text, NUL between them, which none of them has. What is stored is a version byte, a nonce
of 96 random bits, and what AES-256-GCM makes of the text (NIST SP 800-38D). The version, the user, the generation and
the key id are its associated data: moved to another user, it does not decrypt, nor does any part of it by itself.

The generation is 128 random bits, drawn for each set and kept in another row. So an older set that is put back does not
decrypt, as long as the generation beside it is that of the newer one.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import dataclass, replace
from uuid import UUID

from metacore.crypto.ring import EncryptionKey, KeyRing
from metacore.crypto.sealed import ApiKeyHash, SealedCredentials
from metacore.domain.people.credentials import Credentials
from metacore.domain.people.key_rotation import Unreadable
from metacore.domain.values.model import unchecked
from metacore.domain.values.secrets import Secret, parse_secret
from metacore.errors import DecryptionError, InvalidDataError, MissingKeyError

VERSION = b"\x01"
NONCE_LENGTH = 12
GENERATION_LENGTH = 16
FIELDS = ("api_key", "api_secret", "passphrase")
"""In the order of the sealed text; the last is left out where there is none."""


def seal(ring: KeyRing, user_id: UUID, credentials: Credentials) -> SealedCredentials:
    """The user's credentials, encrypted under the current key of `ring`, of another generation each time."""
    if not isinstance(credentials, Credentials):
        raise InvalidDataError("credentials are given as Credentials", field="credentials")
    key = ring.current
    subkeys = key.subkeys()
    generation, nonce = os.urandom(GENERATION_LENGTH), os.urandom(NONCE_LENGTH)
    encrypted = subkeys.encrypt(nonce, _joined(credentials), _bound_to(key, user_id, generation))
    return SealedCredentials(user_id, key.id, VERSION + nonce + encrypted, generation)


def unseal(ring: KeyRing, stored: SealedCredentials) -> Credentials:
    """The credentials that were sealed.

    MissingKeyError if the ring lacks their key; DecryptionError if that is now another key, or the row was altered.
    """
    key = ring.key_of(stored.user_id, stored.key_id)
    texts = _decrypt(key, stored)
    if texts is None:
        raise DecryptionError(key.id, user_id=stored.user_id)
    return unchecked(Credentials, dict(zip(FIELDS, (*texts, None), strict=False)))


def lookup(api_key: object) -> Secret:
    """The API key that a user is looked up by, given as `hide` leaves it; InvalidDataError if it cannot be one."""
    try:
        return parse_secret(api_key)
    except ValueError as error:
        raise InvalidDataError(str(error), field="api_key") from None


def has_api_key(ring: KeyRing, sealed: SealedCredentials, api_key: Secret) -> bool:
    """Whether this is their API key, by decrypting it: a hash alone may be left over, or moved to another user."""
    return unseal(ring, sealed).api_key == api_key


def hash_api_key(ring: KeyRing, api_key: Secret) -> list[bytes]:
    """The hash of the API key under each key of `ring`, the current one first."""
    every = [key.subkeys() for key in ring.values()]
    return [subkeys.hash(_encode(api_key)) for subkeys in every]


def api_key_hashes(ring: KeyRing, user_id: UUID, credentials: Credentials) -> list[ApiKeyHash]:
    """What the user is found by once these credentials are stored."""
    hashes = zip(ring, hash_api_key(ring, credentials.api_key), strict=True)
    return [ApiKeyHash(user_id, key_id, api_key_hash) for key_id, api_key_hash in hashes]


def without_hash(row: ApiKeyHash) -> ApiKeyHash:
    """The row of a user who is not found by this hash, since another one is."""
    return replace(row, api_key_hash=None)


@dataclass(frozen=True, slots=True)
class Resealed:
    """Credentials before and after: `sealed` takes the place of `before`, if that is what is still stored."""

    before: SealedCredentials
    sealed: SealedCredentials
    hashes: list[ApiKeyHash]


def reseal(ring: KeyRing, rows: Iterable[SealedCredentials]) -> tuple[list[Resealed], tuple[Unreadable, ...]]:
    """`rows` under the current key of `ring`, and those that cannot be decrypted."""
    resealed, unreadable = [], []
    for row in rows:
        try:
            credentials = unseal(ring, row)
        except (MissingKeyError, DecryptionError) as error:
            unreadable.append(Unreadable(row.user_id, row.key_id, error.message))
        else:
            sealed = seal(ring, row.user_id, credentials)
            resealed.append(Resealed(row, sealed, api_key_hashes(ring, row.user_id, credentials)))
    return resealed, tuple(unreadable)


def _joined(credentials: Credentials) -> bytes:
    texts = (credentials.api_key, credentials.api_secret, credentials.passphrase)
    return b"\0".join(_encode(text) for text in texts if text is not None)


def _decrypt(key: EncryptionKey, stored: SealedCredentials) -> list[Secret] | None:
    """The texts of the set; None if anything differs from when it was sealed."""
    start = len(VERSION) + NONCE_LENGTH
    nonce, encrypted = stored.sealed[len(VERSION) : start], stored.sealed[start:]
    if stored.generation is None or not stored.sealed.startswith(VERSION):
        return None
    joined = key.subkeys().decrypt(nonce, encrypted, _bound_to(key, stored.user_id, stored.generation))
    return None if joined is None else [Secret(text.decode()) for text in joined.split(b"\0")]


def _bound_to(key: EncryptionKey, user_id: UUID, generation: bytes) -> bytes:
    """The associated data. All but the key id, which is the last, have one length; so no two of it are the same."""
    return VERSION + user_id.bytes + generation + key.id.encode()


def _encode(text: Secret) -> bytes:
    return text.get_secret_value().encode("utf-8", "surrogatepass")
