"""Why somebody is not let in."""

from __future__ import annotations

from typing import Any

from metacore.errors.base import MetacoreError
from metacore.wording import readable


class SignInError(MetacoreError):
    """The username or the password is wrong, which is told alike; or, up to `locked_until`, every attempt is refused,
    because so many have failed.
    """

    dooms_transaction = False
    locked_until: Any

    def __init__(self, *, locked_until: Any = None) -> None:
        super().__init__(
            "the username or the password is wrong; try again"
            if locked_until is None
            else f"too many attempts to sign in have failed; try again after {readable(locked_until)}",
            locked_until=locked_until,
        )


class TokenError(MetacoreError):
    """A session's token is worth nothing, for the `reason` EXPIRED, ENDED, REUSED or UNKNOWN. Nothing of it is told."""

    dooms_transaction = False
    reason: str

    def __init__(self, reason: str) -> None:
        super().__init__(f"the token is worth nothing: {reason}; sign in again", reason=reason)
