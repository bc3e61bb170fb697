"""The key ring: the encryption keys that a service has, by their ids."""

from __future__ import annotations

import base64
import hmac
import itertools
import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any, NoReturn, TypeAlias, cast
from uuid import UUID

from pydantic import SecretStr

from metacore.domain.values.secrets import hide
from metacore.errors import ConfigurationError, MissingKeyError

SETTING = "encryption_keys"
KEY_LENGTH = 32
HOW = "set METACORE_ENCRYPTION_KEYS to id:key, where `openssl rand -base64 32` makes a key and the id is up to you"

_STANDARD = str.maketrans("-_", "+/")
_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}", re.ASCII)


class Subkeys:
    """What a key is used by: one of the two encrypts, one makes hashes (HKDF-SHA-256, RFC 5869)."""

    __slots__ = ("_cipher", "_hash_key")

    def __init__(self, cipher: Any, hash_key: bytes) -> None:
        self._cipher = cipher
        self._hash_key = hash_key

    def encrypt(self, nonce: bytes, text: bytes, bound_to: bytes) -> bytes:
        """AES-256-GCM's ciphertext and tag of `text`, with associated data `bound_to`. No nonce is used twice."""
        return bytes(self._cipher.encrypt(nonce, text, bound_to))

    def decrypt(self, nonce: bytes, ciphertext: bytes, bound_to: bytes) -> bytes | None:
        """The text again; None if anything differs from when it was encrypted."""
        from cryptography.exceptions import InvalidTag

        try:
            return bytes(self._cipher.decrypt(nonce, ciphertext, bound_to))
        except (InvalidTag, ValueError):
            return None

    def hash(self, text: bytes) -> bytes:
        """HMAC-SHA-256 of `text`."""
        return hmac.digest(self._hash_key, text, "sha256")


class EncryptionKey:
    """A key of 32 bytes."""

    __slots__ = ("_key", "_subkeys", "id")

    def __init__(self, key_id: str, key: bytes) -> None:
        self.id = key_id
        self._key = key
        self._subkeys: Subkeys | None = None

    def subkeys(self) -> Subkeys:
        """What it is used by; ConfigurationError where the extra `crypto` is not installed.

        Ask for them before a text to be encrypted is in a variable: loggers print the variables of a traceback.
        """
        if self._subkeys is None:
            try:
                from cryptography.hazmat.primitives.ciphers.aead import AESGCM
                from cryptography.hazmat.primitives.hashes import SHA256
                from cryptography.hazmat.primitives.kdf.hkdf import HKDF
            except ImportError as error:
                advice = 'credentials need encryption: pip install "metacore[crypto]"'
                raise ConfigurationError(advice, setting=SETTING) from error

            def derived(purpose: bytes) -> bytes:
                return HKDF(SHA256(), KEY_LENGTH, salt=None, info=purpose).derive(self._key)

            self._subkeys = Subkeys(AESGCM(derived(b"metacore/1/encryption")), derived(b"metacore/1/hash"))
        return self._subkeys

    def is_same(self, other: EncryptionKey) -> bool:
        """Whether it is the same key, perhaps under another id."""
        return hmac.compare_digest(self._key, other._key)

    def __repr__(self) -> str:
        return f"EncryptionKey({self.id!r})"

    def __copy__(self) -> EncryptionKey:
        return self

    def __deepcopy__(self, memo: object) -> EncryptionKey:
        return self

    def __reduce_ex__(self, protocol: object) -> NoReturn:
        raise TypeError("an encryption key is not pickled, for a pickle would hold it in the clear")


class KeyRing(Mapping[str, EncryptionKey]):
    """Encryption keys by their ids. The first is current: it encrypts. All of them decrypt.

    ConfigurationError, which repeats no key, unless there is a key, each has 32 bytes, no two are the same, and each id
    is 1 to 64 letters, digits, dots, dashes and underscores.
    """

    __slots__ = ("_keys",)

    def __init__(self, keys: Mapping[str, bytes]) -> None:
        self._keys: dict[str, EncryptionKey] = {}
        made = [_make(key_id, key) for key_id, key in keys.items()]
        # When an error is raised no variable holds a key: loggers print the variables of a traceback's frames.
        del keys
        self._keys = _ring(made)

    @classmethod
    def parse(cls, text: str) -> KeyRing:
        """The ring that `id:base64,id:base64` says, the current key first. White space around a part is ignored."""
        made = [_parse(entry) for entry in text.split(",")]
        del text
        keys = _ring(made)
        ring = cls.__new__(cls)
        ring._keys = keys
        return ring

    @property
    def current(self) -> EncryptionKey:
        return next(iter(self._keys.values()))

    def key_of(self, user_id: UUID, key_id: str) -> EncryptionKey:
        """The key `key_id`, under which a user's credentials are encrypted; MissingKeyError if the ring lacks it."""
        key = self._keys.get(key_id)
        if key is None:
            raise MissingKeyError(key_id, user_id=user_id)
        return key

    def __getitem__(self, key_id: str) -> EncryptionKey:
        return self._keys[key_id]

    def __iter__(self) -> Iterator[str]:
        return iter(self._keys)

    def __len__(self) -> int:
        return len(self._keys)

    def __repr__(self) -> str:
        return f"KeyRing({', '.join(self._keys)})"

    def __copy__(self) -> KeyRing:
        return self

    def __deepcopy__(self, memo: object) -> KeyRing:
        return self


KeySource: TypeAlias = Callable[[], KeyRing | Mapping[str, bytes] | str]
"""Gives the keys when asked: for a key management service."""


def parse_keys(value: object) -> KeyRing | KeySource | None:
    """The setting `encryption_keys`: None, a callable, or the ring that a mapping of bytes or a text says."""
    if value is None or isinstance(value, KeyRing):
        return value
    value = hide(value) if isinstance(value, str) else value
    if isinstance(value, SecretStr):
        return KeyRing.parse(value.get_secret_value()) if value.get_secret_value().strip() else None
    if isinstance(value, Mapping):
        return KeyRing(value)
    if callable(value):
        return cast(KeySource, value)
    raise ConfigurationError(f"not a key ring, a text, a mapping or a callable; {HOW}", setting=SETTING)


def no_keys() -> ConfigurationError:
    """The error for an operation that needs keys where none are configured."""
    return ConfigurationError(f"credentials are stored encrypted, and there are no keys; {HOW}", setting=SETTING)


def _ring(made: list[EncryptionKey | str]) -> dict[str, EncryptionKey]:
    """The keys by id. ConfigurationError for the first flaw, which is told by a text in place of a key."""
    ring: dict[str, EncryptionKey] = {}
    for number, key in enumerate(made, 1):
        flaw = key if isinstance(key, str) else "its id is that of an entry before it" if key.id in ring else None
        if flaw is not None or isinstance(key, str):
            raise ConfigurationError(f"entry {number} of the encryption keys: {flaw}; {HOW}", setting=SETTING)
        ring[key.id] = key
    if not ring:
        raise ConfigurationError(f"there are no encryption keys; {HOW}", setting=SETTING)
    if any(one.is_same(other) for one, other in itertools.combinations(ring.values(), 2)):
        raise ConfigurationError("the encryption keys repeat one key under two ids; remove one", setting=SETTING)
    return ring


def _parse(entry: str) -> EncryptionKey | str:
    key_id, colon, encoded = (part.strip() for part in entry.partition(":"))
    if not colon:
        return "it is not id:base64"
    encoded = encoded.rstrip("=")
    try:
        key = base64.b64decode(encoded.translate(_STANDARD) + "=" * (-len(encoded) % 4), validate=True)
    except ValueError:
        return "the key is not base64"
    return _make(key_id, key)


def _make(key_id: object, key: object) -> EncryptionKey | str:
    if not isinstance(key_id, str) or not _ID.fullmatch(key_id):
        return "its id is not 1 to 64 letters, digits, dots, dashes and underscores"
    if not isinstance(key, bytes | bytearray) or len(key) != KEY_LENGTH:
        return f"the key is not {KEY_LENGTH} bytes"
    if len(set(key)) == 1:
        return "the key is one byte repeated, which nobody draws at random"
    return EncryptionKey(key_id, bytes(key))
