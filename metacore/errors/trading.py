"""Why a command is refused."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from metacore.errors.base import MetacoreError
from metacore.wording import readable


class InvalidTransitionError(MetacoreError):
    """An order cannot go from status `previous` to `requested`. Nothing was written."""

    dooms_transaction = False
    previous: str
    requested: str

    def __init__(self, previous: str, requested: str, *, order_id: Any = None, hint: str = "") -> None:
        super().__init__(
            f"order {readable(order_id)} cannot go from {previous} to {requested}" + (f"; {hint}" if hint else ""),
            previous=previous,
            requested=requested,
            order_id=order_id,
        )


class InsufficientFundsError(MetacoreError):
    """A balance has less than is needed. `needed` and `available` are amounts of `asset`, of the user `user_id`."""

    asset: str
    needed: Decimal
    available: Decimal
    user_id: Any

    def __init__(self, asset: str, *, needed: Decimal, available: Decimal, user_id: Any = None) -> None:
        super().__init__(
            f"{needed:f} {asset} needed, {available:f} available; deposit, or ask for less",
            asset=asset,
            needed=needed,
            available=available,
            user_id=user_id,
        )


class NotAllowedError(MetacoreError):
    """The `flag` of `user` (its id) refuses the command: `is_active`, `can_trade` or `can_withdraw`."""

    dooms_transaction = False
    user: Any
    flag: str

    def __init__(self, user: Any, flag: str) -> None:
        super().__init__(
            f"user {readable(user)} has {flag}=False; set the flag if the exchange allows it, then try again",
            user=user,
            flag=flag,
        )
