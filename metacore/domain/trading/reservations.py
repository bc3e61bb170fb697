"""Reservations: amounts that are locked for no order: money promised, goods in a warehouse."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import Any, Self
from uuid import UUID

from pydantic import Field

from metacore import ids
from metacore.domain.trading.balances import BalanceKey
from metacore.domain.values.amounts import ZERO, NonNegativeAmount, PositiveAmount
from metacore.domain.values.model import Model, revised, unchecked
from metacore.domain.values.text import Key
from metacore.domain.values.times import Time
from metacore.errors import ConflictError

ReservationKey = tuple[UUID, UUID]
"""`(user_id, reservation_id)`."""

ReservationReference = tuple[UUID, str, str]
"""`(user_id, asset, reference)`: of one reservation."""


class ReservationState(StrEnum):
    """PENDING: its amount is locked. POSTED: it was taken. VOIDED, EXPIRED: it is free again."""

    PENDING = "PENDING"
    POSTED = "POSTED"
    VOIDED = "VOIDED"
    EXPIRED = "EXPIRED"


class NewReservation(Model):
    """An amount to be locked until it is posted, voided or, from `expires_at` on, expired.

    The `reference` is unique for each user and asset.
    """

    id: UUID = Field(default_factory=lambda: ids.new_id())
    user_id: UUID
    asset: Key
    amount: PositiveAmount
    reference: Key
    expires_at: Time | None = None
    """From when on a sweeper may expire it; it stays until one does, or never if null."""

    @property
    def key(self) -> ReservationKey:
        return self.user_id, self.id

    @property
    def named(self) -> ReservationReference:
        """What it is found by beside its id."""
        return self.user_id, self.asset, self.reference

    @property
    def balance_key(self) -> BalanceKey:
        """Of which balance it locks."""
        return self.user_id, self.asset

    def content(self) -> dict[str, Any]:
        """What must be equal, by value, for two of them to be the same: neither the id, nor a time."""
        return {"asset": self.asset, "amount": self.amount, "reference": self.reference}


class Reservation(NewReservation):
    """A stored reservation. It is resolved once."""

    state: ReservationState = ReservationState.PENDING
    held_amount: NonNegativeAmount
    """What is still locked for it: its amount, less where an account snapshot cut it; nothing once it is resolved."""
    posted_amount: NonNegativeAmount = ZERO
    """How much of it was taken; the rest was released."""
    posted_to: UUID | None = None
    """Whose balance the posted amount went to, if to another user's."""
    resolved_at: Time | None = None
    """When it was posted, voided or expired."""
    version: int = 1
    created_at: Time
    updated_at: Time

    @classmethod
    def created(cls, new: NewReservation, now: datetime) -> Self:
        """The reservation that `new` becomes when it is stored at `now`."""
        fresh = {
            "state": ReservationState.PENDING,
            "held_amount": new.amount,
            "posted_amount": ZERO,
            "posted_to": None,
            "resolved_at": None,
            "version": 1,
            "created_at": now,
            "updated_at": now,
        }
        return unchecked(cls, {**new.__dict__, **fresh})

    @property
    def is_pending(self) -> bool:
        """Whether it is still to be resolved."""
        return self.state is ReservationState.PENDING

    def is_due(self, now: datetime) -> bool:
        """Whether it is to be expired."""
        return self.is_pending and self.expires_at is not None and self.expires_at <= now

    def resolved(self, state: ReservationState, now: datetime, **posted: Any) -> Self:
        """This reservation, holding nothing any more, as it is resolved at `now`."""
        values = {"state": state, "held_amount": ZERO, "resolved_at": now, **posted}
        return revised(self, **values, version=self.version + 1, updated_at=now)

    def is_resolved_as(self, state: ReservationState, posted: Decimal = ZERO, to: UUID | None = None) -> bool:
        """Whether it is resolved in this way already; ConflictError if it is in another."""
        if self.is_pending:
            return False
        if (self.state, self.posted_amount, self.posted_to) == (state, posted, to):
            return True
        raise ConflictError(
            f"reservation {self.reference} is {self.state} since {self.resolved_at}, and resolves once;"
            " read it again before you act on it",
            conflicts=(str(self.id),),
        )

    def place(self) -> tuple[datetime, UUID]:
        """Where it stands among the reservations of its user, the newest first."""
        return self.created_at, self.id

    def turn(self) -> tuple[datetime, UUID, UUID]:
        """Where it stands among those of all users that expire, the first one first."""
        return self.expires_at or self.created_at, self.user_id, self.id
