"""Account snapshots: what an exchange says an account holds."""

from __future__ import annotations

from typing import Self

from pydantic import model_validator

from metacore.domain.balances import AccountBalance
from metacore.domain.model import Model
from metacore.domain.text import Key
from metacore.domain.times import Time


class AccountSnapshot(Model):
    """All balances of an account at `taken_at`: the exchange's time or, where it gives none, the clock before the request.

    An asset that is not listed is held at zero. The flags are None where the message does not tell them.
    """

    taken_at: Time
    balances: tuple[AccountBalance, ...]
    can_trade: bool | None = None
    can_withdraw: bool | None = None
    can_deposit: bool | None = None
    account_type: Key | None = None
    permissions: tuple[Key, ...] | None = None

    @model_validator(mode="after")
    def _lists_each_asset_once(self) -> Self:
        if len({balance.asset for balance in self.balances}) < len(self.balances):
            raise ValueError("balances list an asset twice")
        return self
