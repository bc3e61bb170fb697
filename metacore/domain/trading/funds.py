"""Funds: what a user has of one asset while a decision is being made."""

from __future__ import annotations

from decimal import Decimal

from metacore.domain.trading.asset_names import folded, other_name
from metacore.domain.values.amounts import LIMIT, TOO_LARGE, ZERO, Sum, addition
from metacore.domain.values.model import Model
from metacore.domain.values.text import Key
from metacore.errors import InvalidDataError


class Funds:
    """What is free and what is locked; `UserState.post` changes it."""

    __slots__ = ("free", "locked")

    def __init__(self, free: Decimal = ZERO, locked: Decimal = ZERO) -> None:
        self.free = free
        self.locked = locked

    @property
    def total(self) -> Decimal:
        """Free and locked together."""
        return addition(self.free, self.locked)

    def require_room(self, amount: Decimal, field: str) -> None:
        """InvalidDataError, naming `field`, if `amount` more would be too much to be stored."""
        if addition(addition(self.free, self.locked), amount) >= LIMIT:
            raise InvalidDataError(f"a balance has {TOO_LARGE}", field=field)


class OpenFunds(dict[str, Funds]):
    """The funds of a user by asset, as far as they are locked."""

    def __missing__(self, asset: str) -> Funds:
        """InvalidDataError if the user has the asset under a name of another case."""
        for existing in self:
            if folded(existing) == folded(asset):
                raise other_name(asset, existing)
        raise KeyError(asset)


class Shortfall(Model):
    """How much of which asset is missing."""

    asset: Key
    amount: Sum
