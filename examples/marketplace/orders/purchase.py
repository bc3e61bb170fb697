"""A purchase: what somebody buys, at the prices of that moment, and how far it has come."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import Annotated
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from marketplace.amounts import Amount


class State(StrEnum):
    """How far a purchase is."""

    NEW = "NEW"
    """Written down; the warehouse has not answered yet."""
    RESERVED = "RESERVED"
    """The goods wait for its payment."""
    PAYING = "PAYING"
    """It is to be paid: the goods are taken out of the shelves."""
    CAPTURING = "CAPTURING"
    """The goods are there: the bank is asked for the money."""
    RETURNING = "RETURNING"
    """It comes to nothing: the goods go back."""
    REFUNDING = "REFUNDING"
    """It was paid, and comes to nothing: the money goes back, then the goods."""
    PAID = "PAID"
    SHIPPED = "SHIPPED"
    CANCELED = "CANCELED"
    FAILED = "FAILED"


class Reason(StrEnum):
    """Why a purchase comes to nothing."""

    OUT_OF_STOCK = "OUT_OF_STOCK"
    EXPIRED = "EXPIRED"
    DECLINED = "DECLINED"
    CANCELED = "CANCELED"


class Line(BaseModel):
    """Some of one product."""

    model_config = ConfigDict(frozen=True)

    product_id: UUID
    seller_id: UUID
    title: str
    price: Amount
    quantity: Annotated[int, Field(ge=1)]


class Purchase(BaseModel):
    """A purchase as it is stored."""

    model_config = ConfigDict(frozen=True)

    id: UUID
    customer_id: UUID
    state: State
    reason: Reason | None
    warehouse: str
    currency: str
    total: Amount
    lines: tuple[Line, ...]
    expires_at: datetime
    """Until when the goods wait for its payment."""
    version: int
    created_at: datetime
    updated_at: datetime

    def is_due(self, now: datetime) -> bool:
        """Whether its time to be paid is over."""
        return self.state in (State.NEW, State.RESERVED) and self.expires_at <= now


def total_of(lines: Sequence[Line]) -> Decimal:
    """What they cost together."""
    return sum((line.price * line.quantity for line in lines), Decimal(0))
