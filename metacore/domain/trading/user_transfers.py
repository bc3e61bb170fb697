"""Transfers between users: an amount that one gives and another receives."""

from __future__ import annotations

from typing import Any, Self
from uuid import UUID

from pydantic import model_validator

from metacore.domain.trading.balances import BalanceKey
from metacore.domain.values.amounts import PositiveAmount
from metacore.domain.values.model import Model, across
from metacore.domain.values.text import Key
from metacore.domain.values.times import Time

UserTransferKey = tuple[UUID, str]
"""`(user_id, reference)`, by the user who gives."""


class UserTransfer(Model):
    """An amount that a user gives to another one; the `reference` is unique for each user who gives."""

    user_id: UUID
    reference: Key
    to_user_id: UUID
    """Who receives it."""
    asset: Key
    amount: PositiveAmount
    occurred_at: Time

    @model_validator(mode="after")
    def _is_between_two(self) -> Self:
        if self.user_id == self.to_user_id:
            raise across("a transfer is between two users", "to_user_id")
        return self

    @property
    def key(self) -> UserTransferKey:
        return self.user_id, self.reference

    @property
    def balance_keys(self) -> set[BalanceKey]:
        """The balances that it moves."""
        return {(self.user_id, self.asset), (self.to_user_id, self.asset)}

    def content(self) -> tuple[Any, ...]:
        """What must be equal, by value, for two of them to be the same."""
        return self.to_user_id, self.asset, self.amount
