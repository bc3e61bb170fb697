"""Users: who owns every other row."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Any, Self
from uuid import UUID

from pydantic import Field, SerializerFunctionWrapHandler, model_serializer, model_validator

from metacore import ids
from metacore.domain.values.model import Model, across, revised, unchecked
from metacore.domain.values.text import Integer, Key, Text
from metacore.domain.values.times import Time
from metacore.errors import NotAllowedError, StaleVersionError


class KycStatus(StrEnum):
    """How far the exchange has verified the user; MEXC's levels 1 to 4."""

    UNVERIFIED = "UNVERIFIED"
    PRIMARY = "PRIMARY"
    ADVANCED = "ADVANCED"
    INSTITUTIONAL = "INSTITUTIONAL"


class NewUser(Model):
    """A user to be created: one account at one exchange.

    Whoever has accounts at two exchanges, or sub-accounts, each with a uid, keys and balances of its own, is as many
    users. Where given, `username` is unique over all users, `uid`, `email` and `telegram_id` among those of one
    exchange: a second exchange needs no made-up ones. A sub-account goes without those of its main account.
    """

    id: UUID = Field(default_factory=lambda: ids.new_id())
    exchange: Key = "MEXC"
    uid: Key | None = None
    username: Key | None = None
    email: Key | None = None
    telegram_id: Integer | None = None
    kyc_status: KycStatus = KycStatus.UNVERIFIED
    can_trade: bool = True
    can_withdraw: bool = True
    can_deposit: bool = True
    account_type: Key = "SPOT"
    permissions: tuple[Key, ...] = ()
    is_active: bool = True


class User(NewUser):
    """A stored user. API credentials are kept apart: never part of it."""

    balances_as_of: Time | None = None
    """When the newest account snapshot that was taken over was taken, by the exchange's clock."""
    balances_synced_at: Time | None = None
    """When it was taken over, by our clock."""
    balances_since: Time | None = None
    """When the first account snapshot that was taken over was taken, by the exchange's clock."""
    balances_contrary: tuple[Text, ...] = ()
    """The facts near the newest account snapshot that count on the other side of it than their times say."""
    archived_until: Time | None = None
    """Up to when history may have been taken out: what is told of before it now is refused, unless it is stored."""
    version: int = 1
    created_at: Time
    updated_at: Time

    @classmethod
    def created(cls, new: NewUser, now: datetime) -> Self:
        """The user that `new` becomes when it is stored at `now`."""
        return unchecked(cls, {**new.__dict__, **_FRESH, "created_at": now, "updated_at": now})

    def require_version(self, expected: int | None) -> Self:
        """Itself; StaleVersionError if `expected` is given and not its version."""
        if expected is not None and expected != self.version:
            raise StaleVersionError("user", self.id, expected=expected, actual=self.version)
        return self

    def require_flags(self, *flags: str) -> None:
        """NotAllowedError, naming the first of `flags` that is not set."""
        for flag in flags:
            if not getattr(self, flag):
                raise NotAllowedError(self.id, flag)

    def patched(self, patch: UserPatch, now: datetime) -> Self:
        """This user after `patch`, one version on; itself if the patch names no field."""
        named_values = patch.named_values()
        return revised(self, **named_values, version=self.version + 1, updated_at=now) if named_values else self


class UserPatch(Model):
    """The fields of a user to be changed; a field not given stays as it is, None clears a field that may be empty."""

    exchange: Key | None = None
    uid: Key | None = None
    username: Key | None = None
    email: Key | None = None
    telegram_id: Integer | None = None
    kyc_status: KycStatus | None = None
    can_trade: bool | None = None
    can_withdraw: bool | None = None
    can_deposit: bool | None = None
    account_type: Key | None = None
    permissions: tuple[Key, ...] | None = None
    is_active: bool | None = None
    balances_as_of: Time | None = None
    balances_synced_at: Time | None = None
    balances_since: Time | None = None
    balances_contrary: tuple[Text, ...] | None = None
    archived_until: Time | None = None

    @model_validator(mode="after")
    def _required_fields_stay(self) -> Self:
        for name, value in self.named_values().items():
            if value is None and name not in _CLEARABLE:
                raise across(f"{name} cannot be cleared; leave it out to keep it", name)
        return self

    @model_serializer(mode="wrap")
    def _leave_out_what_stays(self, handler: SerializerFunctionWrapHandler) -> dict[str, Any]:
        return {name: value for name, value in handler(self).items() if name in self.__pydantic_fields_set__}

    def changed(self, **values: Any) -> Self:
        """A patch of these fields and of `values`, checked."""
        return type(self)(**{**self.named_values(), **values})

    def named_values(self) -> dict[str, Any]:
        """The fields that the patch names, with their values."""
        named = self.__pydantic_fields_set__
        return {name: value for name, value in self.__dict__.items() if name in named}


_CLEARABLE = frozenset(
    {"uid", "username", "email", "telegram_id", "balances_as_of", "balances_synced_at", "balances_since"}
)

_FRESH: dict[str, Any] = {
    "balances_as_of": None,
    "balances_synced_at": None,
    "balances_since": None,
    "balances_contrary": (),
    "archived_until": None,
    "version": 1,
}
