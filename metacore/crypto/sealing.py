"""Sealing: credentials to ciphertext and back.

A ciphertext is a version byte, a nonce of 96 random bits, and what AES-256-GCM makes of the text (NIST SP 800-38D). The
version, the user, the field and the key id are its associated data: moved to another row or column, it does not
decrypt. Those of one set are sealed as one: the generation, which each of them is bound to, tells the ciphertext of the
API key, whose nonce makes it like no other, and whether there is a passphrase. So one of an older set does not decrypt
beside the others, nor do they without the passphrase.
"""

from __future__ import annotations

import hashlib
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
    api_key = _encrypt(key, user_id, "api_key", credentials.api_key)
    generation = _generation(api_key, passphrase is not None)
    return SealedCredentials(
        user_id=user_id,
        key_id=key.id,
        api_key=api_key,
        api_secret=_encrypt(key, user_id, "api_secret", credentials.api_secret, generation),
        passphrase=None if passphrase is None else _encrypt(key, user_id, "passphrase", passphrase, generation),
    )


def unseal(ring: KeyRing, sealed: SealedCredentials) -> Credentials:
    """The credentials that were sealed.

    MissingKeyError if the ring lacks their key; DecryptionError if that is now another key, or the row was altered.
    """
    key = ring.key_of(sealed.user_id, sealed.key_id)
    passphrase = sealed.passphrase
    generation = _generation(sealed.api_key, passphrase is not None)
    return unchecked(
        Credentials,
        {
            "api_key": _decrypt(key, sealed.user_id, "api_key", sealed.api_key),
            "api_secret": _decrypt(key, sealed.user_id, "api_secret", sealed.api_secret, generation),
            "passphrase": None
            if passphrase is None
            else _decrypt(key, sealed.user_id, "passphrase", passphrase, generation),
        },
    )


def lookup(api_key: object) -> Secret:
    """The API key that a user is looked up by, given as `hide` leaves it; InvalidDataError if it cannot be one."""
    try:
        return parse_secret(api_key)
    except ValueError as error:
        raise InvalidDataError(str(error), field="api_key") from None


def has_api_key(ring: KeyRing, sealed: SealedCredentials, api_key: Secret) -> bool:
    """Whether this is their API key, by decrypting all of the set: a hash alone may be left over, or moved to another
    user, and so may the ciphertext of a key that was revoked.
    """
    return unseal(ring, sealed).api_key == api_key


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


def _encrypt(key: EncryptionKey, user_id: UUID, field: str, text: Secret, generation: bytes = b"") -> bytes:
    nonce = os.urandom(NONCE_LENGTH)
    return VERSION + nonce + key.encrypt(nonce, _encode(text), _bound_to(key, user_id, field, generation))


def _decrypt(key: EncryptionKey, user_id: UUID, field: str, ciphertext: bytes, generation: bytes = b"") -> Secret:
    start = len(VERSION) + NONCE_LENGTH
    nonce, encrypted = ciphertext[len(VERSION) : start], ciphertext[start:]
    bound_to = _bound_to(key, user_id, field, generation)
    text = key.decrypt(nonce, encrypted, bound_to) if ciphertext.startswith(VERSION) else None
    if text is None:
        raise DecryptionError(key.id, user_id=user_id, field=field)
    return Secret(text.decode())


def _bound_to(key: EncryptionKey, user_id: UUID, field: str, generation: bytes) -> bytes:
    """The associated data; field names and key ids have no NUL, so no two of it are the same."""
    told = VERSION + user_id.bytes + field.encode() + b"\0" + key.id.encode()
    return told + b"\0" + generation if generation else told


def _generation(api_key: bytes, has_passphrase: bool) -> bytes:
    """What tells one set of ciphertexts from another of the same user."""
    return hashlib.sha256(api_key).digest() + (b"1" if has_passphrase else b"0")


def _encode(text: Secret) -> bytes:
    return text.get_secret_value().encode("utf-8", "surrogatepass")
