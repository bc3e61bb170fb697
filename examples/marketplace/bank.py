"""What the payment service and the bank say to each other."""

from __future__ import annotations

import hmac
from collections.abc import Sequence
from enum import StrEnum
from typing import Annotated
from uuid import UUID

from pydantic import BaseModel, Field, SecretStr

from marketplace.amounts import Amount
from marketplace.money import Currency

SIGNATURE = "x-signature"
CALLBACK = "/internal/bank"
LARGEST_BATCH = 500
"""How much the bank is asked for at once, at most."""


class Outcome(StrEnum):
    """What the bank says of what it was asked for."""

    DONE = "DONE"
    REFUSED = "REFUSED"
    LATER = "LATER"
    """It will call back."""


class BankRequest(BaseModel):
    """What the bank is asked for, once for each `key`: a capture, or a refund `of` one."""

    key: UUID
    of: UUID | None = None
    amount: Amount
    currency: Currency
    callback: str
    """Where it may tell the outcome, too."""


class BankRequests(BaseModel):
    """What the bank is asked for at once."""

    requests: Annotated[Sequence[BankRequest], Field(min_length=1, max_length=LARGEST_BATCH)]


class BankAnswer(BaseModel):
    """What the bank says."""

    key: UUID
    of: UUID | None = None
    outcome: Outcome


class BankAnswers(BaseModel):
    """What it says of each, in turn."""

    answers: Sequence[BankAnswer]


def signature_of(body: bytes, key: SecretStr) -> str:
    """What makes sure that the bank has sent this."""
    return hmac.digest(key.get_secret_value().encode(), body, "sha256").hex()
