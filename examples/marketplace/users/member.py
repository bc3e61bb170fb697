"""A user, as everybody sees one."""

from __future__ import annotations

from enum import StrEnum
from typing import Self
from uuid import UUID

from marketplace.callers import Role
from metacore import Model, User


class Granted(StrEnum):
    """A role that an ADMIN gives and takes."""

    CUSTOMER = Role.CUSTOMER
    SELLER = Role.SELLER
    WAREHOUSE = Role.WAREHOUSE
    ADMIN = Role.ADMIN


class Member(Model):
    """A user of the marketplace."""

    id: UUID
    username: str | None
    roles: tuple[str, ...]

    @classmethod
    def of(cls, user: User) -> Self:
        """What everybody sees of a stored user."""
        return cls(id=user.id, username=user.username, roles=user.permissions)
