"""The contract of the storage of users."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Protocol
from uuid import UUID

from metacore.domain.people.users import NewUser, User, UserPatch
from metacore.domain.values.pages import Page
from metacore.storage.credentials import CredentialStorage
from metacore.storage.streams import by_backend, stream_of


class UserStorage(CredentialStorage, Protocol):
    """Stores users: each is one account at one exchange.

    Where given, `username` is unique over all users, `uid`, `email` and `telegram_id` among those of one exchange. A
    value that a user gives up, or that a deleted user had, is free. They are compared letter by letter; with the
    setting `normalize_names`, usernames and e-mail addresses are stored and looked for in the normal form of RFC 8265
    (UsernameCaseMapped), and InvalidDataError names the one that has none.
    """

    async def create(self, new: NewUser) -> User:
        """Store a user at version 1 and return it. AlreadyExistsError names the unique field that is taken."""
        ...

    async def get(self, user_id: UUID) -> User:
        """The user, equal in every field to what the last change returned; NotFoundError if there is none."""
        ...

    async def get_by_uid(self, uid: str, exchange: str = "MEXC") -> User:
        """The user with this uid at this exchange; NotFoundError if there is none."""
        ...

    async def get_by_username(self, username: str) -> User:
        """The user with this username; NotFoundError if there is none."""
        ...

    async def get_by_email(self, email: str, exchange: str = "MEXC") -> User:
        """The user with this email at this exchange, letter by letter; NotFoundError if there is none."""
        ...

    async def get_by_telegram_id(self, telegram_id: int, exchange: str = "MEXC") -> User:
        """The user with this Telegram id at this exchange; NotFoundError if there is none."""
        ...

    async def list(self, active: bool | None = None, after: str | None = None, limit: int = 100) -> Page[User]:
        """A page of users, newest first by (created_at, id); only those with `is_active` equal to `active` if it is
        given. An index finds those that are not active; among all, it passes over these.

        `limit` is 1 to 1,000, `after` None or the `next` of a page of the same list; others are an InvalidDataError.
        """
        ...

    @stream_of(list)
    def stream(self, active: bool | None = None) -> AsyncIterator[User]:
        """All users of `list`, in its order and in constant memory.

        Pages are read as the iteration goes on, without a transaction held open: a user stored meanwhile may appear
        or not, one that was there throughout appears exactly once.
        """
        return by_backend(active)

    async def update(self, user_id: UUID, patch: UserPatch, expected_version: int | None = None) -> User:
        """Change the given fields and return the user, one version on.

        An empty patch changes nothing and returns the user as it is. NotFoundError if there is no such user,
        StaleVersionError if `expected_version` is given and not the stored one, AlreadyExistsError if a unique field
        is taken; the user is then as before.
        """
        ...

    async def delete(self, user_id: UUID) -> None:
        """Delete the user and everything that belongs to it, at once; NotFoundError if there is none."""
        ...
