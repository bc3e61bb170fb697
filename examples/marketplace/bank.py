"""What the payment service and the bank say to each other."""

from __future__ import annotations

import hmac
from enum import StrEnum
from uuid import UUID

from pydantic import BaseModel, SecretStr

from marketplace.amounts import Amount
from marketplace.money import Currency

SIGNATURE = "x-signature"
CALLBACK = "/internal/bank"


class Outcome(StrEnum):
    """What the bank says of what it was asked for."""

    DONE = "DONE"
    REFUSED = "REFUSED"
    LATER = "LATER"
    """It will call back."""


class Asked(BaseModel):
    """What the bank is asked for, once for each `key`: a capture, or a refund `of` one."""

    key: UUID
    of: UUID | None = None
    amount: Amount
    currency: Currency
    callback: str
    """Where it may tell the outcome, too."""


class Answered(BaseModel):
    """What the bank says."""

    key: UUID
    of: UUID | None = None
    outcome: Outcome


def signature_of(body: bytes, key: SecretStr) -> str:
    """What makes sure that the bank has sent this."""
    return hmac.digest(key.get_secret_value().encode(), body, "sha256").hex()
