# Made from metacore/storage/logins.py by `python tools/generate_sync.py`. Do not edit.
"""The contract of the storage of logins."""

from __future__ import annotations

from typing import Protocol
from uuid import UUID

from pydantic import SecretStr

from metacore.domain.people.logins import Login
from metacore.domain.people.users import NewUser, User


class LoginStorage(Protocol):
    """Keeps what users sign in by: for each at most one hash of a password, as text that the storage does not read.

    A hash is text of 1 to 1,024 characters, given as such or as a SecretStr; it is shown by no repr, error or log.
    Usernames are those of the users, and compared as there.
    """

    def register(self, new: NewUser, password_hash: str | SecretStr) -> User:
        """Store a user and a login at once, or neither; AlreadyExistsError names the unique field that is taken."""
        ...

    def find(self, username: str) -> Login:
        """The login of the user with this username; NotFoundError if there is none."""
        ...

    def get(self, user_id: UUID) -> Login:
        """The login of the user; NotFoundError if there is none."""
        ...

    def set_password(
        self, user_id: UUID, password_hash: str | SecretStr, expected_hash: str | SecretStr | None = None
    ) -> Login:
        """Set the hash, for a user without a login, too, and return the login: unlocked, with no failures.

        With `expected_hash`, only if that is the stored one: ConflictError if it is another, NotFoundError if there is
        no login. NotFoundError if there is no such user. Nothing is changed then.
        """
        ...

    def fail(self, user_id: UUID) -> Login | None:
        """Count an attempt that failed, lock the login as `Login.failed` says, and return it; None if there is none.

        Of several at once, each counts.
        """
        ...

    def admit(self, user_id: UUID, expected_hash: str | SecretStr, rehashed: str | SecretStr | None = None) -> bool:
        """Forget the failures, as after an attempt that succeeded; False, and nothing is changed, if the hash no longer
        is `expected_hash`, or the login is locked.

        `rehashed`, another hash of the same password, takes its place, if given. Up to the end of the transaction
        nobody else sets the password: what is done in it is done by somebody who knows it.
        """
        ...
