"""A purchase: what somebody buys, at the prices of that moment, and how far it has come."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from enum import StrEnum
from typing import Annotated, Any
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from marketplace.amounts import Amount

ANSWERED_WITHIN = timedelta(seconds=2)
"""After so long the warehouse is asked once more."""


class State(StrEnum):
    """How far a purchase is."""

    NEW = "NEW"
    """Written down; the warehouse has not answered yet."""
    RESERVED = "RESERVED"
    """The goods wait for its payment."""
    PAYING = "PAYING"
    """It is to be paid: the goods are picked, and the bank is asked for the money."""
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

    @property
    def look_at(self) -> datetime | None:
        """When somebody is to look at it if nothing happens until then; None if what it waits for is sure to come."""
        match self.state:
            case State.NEW:
                return min(self.created_at + ANSWERED_WITHIN, self.expires_at)
            case State.RESERVED:
                return self.expires_at
            case _:
                return None

    @property
    def is_under_way(self) -> bool:
        """Whether others are still to do their part of its payment."""
        return self.state in (State.PAYING, State.RETURNING)

    def is_due(self, now: datetime) -> bool:
        """Whether its time to be paid is over."""
        return self.state in (State.NEW, State.RESERVED) and self.expires_at <= now

    def payload(self) -> Mapping[str, Any]:
        """What others need to know of it, to do their part."""
        return {
            "customer_id": str(self.customer_id),
            "reason": self.reason,
            "warehouse": self.warehouse,
            "currency": self.currency,
            "total": f"{self.total:f}",
            "goods": {str(line.product_id): line.quantity for line in self.lines},
        }


def total_of(lines: Sequence[Line]) -> Decimal:
    """What they cost together."""
    return sum((line.price * line.quantity for line in lines), Decimal(0))
