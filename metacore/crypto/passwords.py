"""The slow hash that is stored in the place of a password: argon2id (RFC 9106)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from metacore.domain.values.secrets import Secret
from metacore.errors import ConfigurationError, MetacoreError


@dataclass(frozen=True, slots=True)
class HashCost:
    """What a hash costs: `memory` in KiB, over which there are so many `passes`, by so many `lanes`.

    The defaults are those of OWASP's Password Storage Cheat Sheet. Where they are changed, each user gets a new hash
    when signing in the next time.
    """

    memory: int = 19 * 1024
    passes: int = 2
    lanes: int = 1


class PasswordHasher:
    """Hashes passwords at this cost, and verifies them at whatever cost they were hashed."""

    def __init__(self, cost: HashCost) -> None:
        try:
            import argon2
        except ImportError:
            raise ConfigurationError('passwords need a library: pip install "metacore[auth]"', setting="auth") from None
        self._argon2: Any = argon2
        try:
            self._hasher = argon2.PasswordHasher(cost.passes, cost.memory, cost.lanes)
        except (argon2.exceptions.Argon2Error, TypeError) as error:
            failure = f"argon2 cannot hash at this cost: {error}"
        else:
            return
        raise ConfigurationError(failure, setting="cost")

    def hash(self, password: Secret) -> Secret:
        """A hash of `password`, of a salt of its own."""
        try:
            return Secret(self._hasher.hash(password.get_secret_value()))
        except self._argon2.exceptions.Argon2Error as error:
            failure = str(error)
        raise _failed(failure)

    def verify(self, password_hash: Secret, password: Secret) -> bool:
        """Whether it is a hash of `password`; False of what is no hash of argon2's."""
        errors = self._argon2.exceptions
        try:
            return bool(self._hasher.verify(password_hash.get_secret_value(), password.get_secret_value()))
        except (errors.VerifyMismatchError, errors.InvalidHashError):
            return False
        except errors.Argon2Error as error:
            failure = str(error)
        raise _failed(failure)

    def is_outdated(self, password_hash: Secret) -> bool:
        """Whether it was made at another cost."""
        return bool(self._hasher.check_needs_rehash(password_hash.get_secret_value()))


def _failed(reason: str) -> MetacoreError:
    # Without the error behind it: the frames of that have the password.
    return ConfigurationError(f"argon2 failed: {reason}; look after the machine's memory", setting="cost")
