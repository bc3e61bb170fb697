"""Logins: what a user proves to be itself by, and how long somebody who cannot has to wait."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Self
from uuid import UUID

from metacore.domain.values.model import Model, revised
from metacore.domain.values.secrets import Secret, hide, parse_secret
from metacore.domain.values.text import Integer
from metacore.domain.values.times import Time
from metacore.errors import InvalidDataError, SignInError

MAX_HASH_LENGTH = 1024

FREE_FAILURES = 20
"""How many attempts may fail in a row before the login is locked."""

LONGEST_LOCK = timedelta(minutes=15)

LOCKS = (
    *(timedelta() for _ in range(FREE_FAILURES - 1)),
    *(timedelta(seconds=2**n) for n in range(10)),
    LONGEST_LOCK,
)
"""How long the login is locked after the first, second... attempt in a row that failed; after more, as after the last.

Whoever guesses has 32 guesses in the first hour, and four in each later one; whoever mistypes a password never waits.
"""


class Login(Model):
    """What a user signs in by: the hash of a password, and how many attempts in a row have failed."""

    user_id: UUID
    password_hash: Secret
    """The hash of the password; shown nowhere."""
    failures: Integer = 0
    """How many attempts in a row have failed."""
    locked_until: Time | None = None
    """Until when every attempt is refused; null if none is."""
    changed_at: Time
    """When the password was set."""

    def failed(self, now: datetime) -> Self:
        """This login after an attempt that failed at `now`."""
        lock = LOCKS[min(self.failures, len(LOCKS) - 1)]
        return revised(self, failures=self.failures + 1, locked_until=now + lock if lock else None)

    def admitted(self, rehashed: Secret | None) -> Self:
        """This login after one that succeeded; with another hash of the same password, if given."""
        return revised(self, failures=0, locked_until=None, password_hash=rehashed or self.password_hash)

    def is_locked(self, now: datetime) -> bool:
        """Whether every attempt is refused."""
        return self.locked_until is not None and now < self.locked_until

    def require_unlocked(self, now: datetime) -> None:
        """SignInError, saying until when, if every attempt is refused."""
        if self.is_locked(now):
            raise SignInError(locked_until=self.locked_until)


def parse_password_hash(value: object, field: str = "password_hash") -> Secret:
    """The hash of a password, as text that shows itself to nobody; InvalidDataError if it is none."""
    value = hide(value)
    try:
        secret = parse_secret(value)
    except ValueError as error:
        raise InvalidDataError(str(error), field=field) from None
    if len(secret.get_secret_value()) > MAX_HASH_LENGTH:
        raise InvalidDataError(f"the hash of a password has at most {MAX_HASH_LENGTH} characters", field=field)
    return secret
