"""A payment: the money of one purchase, and what of it was paid back."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from uuid import UUID

from pydantic import BaseModel, ConfigDict

from marketplace.amounts import Amount


class PaymentState(StrEnum):
    """How far a payment is."""

    CAPTURING = "CAPTURING"
    """The goods are taken: the bank is to be asked, or is being asked."""
    CAPTURED = "CAPTURED"
    DECLINED = "DECLINED"
    VOIDED = "VOIDED"
    """The purchase came to nothing before the bank was asked."""


class RefundState(StrEnum):
    """How far a refund is."""

    PENDING = "PENDING"
    DONE = "DONE"
    REFUSED = "REFUSED"


class Refund(BaseModel):
    """Money that goes back."""

    model_config = ConfigDict(frozen=True)

    id: UUID
    payment_id: UUID
    idempotency_key: str
    amount: Amount
    state: RefundState
    created_at: datetime
    updated_at: datetime


class Payment(BaseModel):
    """A payment as it is stored; its id is that of the purchase."""

    model_config = ConfigDict(frozen=True)

    id: UUID
    customer_id: UUID
    amount: Amount
    currency: str
    state: PaymentState
    created_at: datetime
    updated_at: datetime
