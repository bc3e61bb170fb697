"""Sealing: credentials to ciphertext and back.

A ciphertext is a version byte, a nonce of 96 random bits, and what AES-256-GCM makes of the text (NIST SP 800-38D). The
version, the user, the field and the key id are its associated data: moved to another row or column, it does not
decrypt.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import dataclass
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


def seal(ring: KeyRing, user_id: UUID, credentials: Credentials) -> SealedCredentials:
    """The user's credentials, encrypted under the current key of `ring`, with fresh nonces each time."""
    if not isinstance(credentials, Credentials):
        raise InvalidDataError("credentials are given as Credentials", field="credentials")
    key = ring.current
    passphrase = credentials.passphrase
    return SealedCredentials(
        user_id=user_id,
        key_id=key.id,
        api_key=_encrypt(key, user_id, "api_key", credentials.api_key),
        api_secret=_encrypt(key, user_id, "api_secret", credentials.api_secret),
        passphrase=None if passphrase is None else _encrypt(key, user_id, "passphrase", passphrase),
    )


def unseal(ring: KeyRing, sealed: SealedCredentials) -> Credentials:
    """The credentials that were sealed.

    MissingKeyError if the ring lacks their key; DecryptionError if that is now another key, or the row was altered.
    """
    key = ring.key_of(sealed.user_id, sealed.key_id)
    passphrase = sealed.passphrase
    return unchecked(
        Credentials,
        {
            "api_key": _decrypt(key, sealed.user_id, "api_key", sealed.api_key),
            "api_secret": _decrypt(key, sealed.user_id, "api_secret", sealed.api_secret),
            "passphrase": None if passphrase is None else _decrypt(key, sealed.user_id, "passphrase", passphrase),
        },
    )


def lookup(api_key: object) -> Secret:
    """The API key that a user is looked up by, given as `hide` leaves it; InvalidDataError if it cannot be one."""
    try:
        return parse_secret(api_key)
    except ValueError as error:
        raise InvalidDataError(str(error), field="api_key") from None


def has_api_key(ring: KeyRing, sealed: SealedCredentials, api_key: Secret) -> bool:
    """Whether this is their API key, by decrypting it: a hash alone may be left over, or moved to another user."""
    key = ring.key_of(sealed.user_id, sealed.key_id)
    return _decrypt(key, sealed.user_id, "api_key", sealed.api_key) == api_key


def hash_api_key(ring: KeyRing, api_key: Secret) -> list[bytes]:
    """The hash of the API key under each key of `ring`, the current one first."""
    return [key.hash(_encode(api_key)) for key in ring.values()]


def api_key_hashes(ring: KeyRing, user_id: UUID, credentials: Credentials) -> list[ApiKeyHash]:
    """What the user is found by once these credentials are stored."""
    hashes = zip(ring, hash_api_key(ring, credentials.api_key), strict=True)
    return [ApiKeyHash(user_id, key_id, api_key_hash) for key_id, api_key_hash in hashes]


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


def _encrypt(key: EncryptionKey, user_id: UUID, field: str, text: Secret) -> bytes:
    nonce = os.urandom(NONCE_LENGTH)
    return VERSION + nonce + key.encrypt(nonce, _encode(text), _bound_to(key, user_id, field))


def _decrypt(key: EncryptionKey, user_id: UUID, field: str, ciphertext: bytes) -> Secret:
    start = len(VERSION) + NONCE_LENGTH
    nonce, encrypted = ciphertext[len(VERSION) : start], ciphertext[start:]
    text = key.decrypt(nonce, encrypted, _bound_to(key, user_id, field)) if ciphertext.startswith(VERSION) else None
    if text is None:
        raise DecryptionError(key.id, user_id=user_id, field=field)
    return Secret(text.decode())


def _bound_to(key: EncryptionKey, user_id: UUID, field: str) -> bytes:
    """The associated data; the field names have no NUL, so no two of it are the same."""
    return VERSION + user_id.bytes + field.encode() + b"\0" + key.id.encode()


def _encode(text: Secret) -> bytes:
    return text.get_secret_value().encode("utf-8", "surrogatepass")
