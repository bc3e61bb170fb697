"""Assets: everything a user has, balances and portfolio in one view."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import Self
from uuid import UUID

from metacore.domain.holdings.portfolios import Portfolio
from metacore.domain.holdings.valuations import Figures, Valuation
from metacore.domain.trading.balances import Balance
from metacore.domain.values.amounts import ZERO, Sum, canonical, exact
from metacore.domain.values.frozen import FrozenDict
from metacore.domain.values.model import Model, unchecked
from metacore.domain.values.symbols import Symbol


class Asset(Model):
    """What a user has of one asset."""

    symbol: Symbol
    """In lower case: balances of `USDT` and holdings of `usdt` are of one asset."""
    free: Sum
    """In the balances, free."""
    locked: Sum
    """In the balances, held by orders and reservations."""
    held: Sum
    """In the portfolio."""
    total: Sum
    """All of it."""


class Assets(Model):
    """Everything a user has: what the balances say and what the portfolio says, added up for each asset.

    A coin that stands in both is counted twice: a portfolio is for what lies elsewhere.
    """

    user_id: UUID
    items: tuple[Asset, ...] = ()
    """By symbol; those of which there is something."""

    @classmethod
    def of(cls, portfolio: Portfolio, balances: Iterable[Balance]) -> Self:
        """What the user of `portfolio` has, with these `balances`."""
        free: dict[str, Decimal] = {}
        locked: dict[str, Decimal] = {}
        with exact():
            for balance in balances:
                symbol = balance.asset.lower()
                free[symbol] = free.get(symbol, ZERO) + balance.free
                locked[symbol] = locked.get(symbol, ZERO) + balance.locked
            items = [
                _asset(symbol, free.get(symbol, ZERO), locked.get(symbol, ZERO), portfolio.holdings.get(symbol, ZERO))
                for symbol in sorted({*free, *portfolio.holdings})
            ]
        return unchecked(cls, {"user_id": portfolio.user_id, "items": tuple(item for item in items if item.total)})

    @property
    def quantities(self) -> Figures:
        """The totals by symbol."""
        return FrozenDict((item.symbol, item.total) for item in self.items)

    def value(self, prices: Mapping[str, Decimal]) -> Valuation:
        """What it is all worth at `prices`, by symbol in whatever case, exactly; what has no price is listed apart."""
        return Valuation.of(self.quantities, prices)


def _asset(symbol: str, free: Decimal, locked: Decimal, held: Decimal) -> Asset:
    amounts = {"free": free, "locked": locked, "held": held, "total": free + locked + held}
    return unchecked(Asset, {"symbol": symbol, **{name: canonical(amount) for name, amount in amounts.items()}})
