"""Portfolios, as a user sees them: coins, and what they are worth."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from uuid import UUID

from metacore._compat.aio import require_own_world
from metacore.domain.holdings.portfolios import Portfolio
from metacore.domain.holdings.valuations import Valuation
from metacore.storage.storage import Storages


class PortfolioService:
    """What users hold. Symbols are one in upper and lower case; every change returns the portfolio after it."""

    def __init__(self, storage: Storages) -> None:
        require_own_world(storage, self)
        self._portfolios = storage.portfolios

    async def add_coin(self, user_id: UUID, symbol: str, quantity: Decimal) -> Portfolio:
        """Hold `quantity` more of a coin, less if it is negative; InsufficientFundsError if that were below zero."""
        return await self._portfolios.add(user_id, symbol, quantity)

    async def update_coin(self, user_id: UUID, symbol: str, quantity: Decimal) -> Portfolio:
        """Hold exactly `quantity` of a coin; 0 removes it."""
        return await self._portfolios.put(user_id, symbol, quantity)

    async def remove_coin(self, user_id: UUID, symbol: str) -> Portfolio:
        """Hold no more of a coin; NotFoundError if the user does not hold it."""
        return await self._portfolios.remove(user_id, symbol)

    async def portfolio(self, user_id: UUID) -> Portfolio:
        """The user's portfolio; NotFoundError if the user does not exist."""
        return await self._portfolios.get(user_id)

    async def value(self, user_id: UUID, prices: Mapping[str, Decimal]) -> Valuation:
        """What the user's portfolio is worth at `prices` by symbol, exactly; symbols without a price are listed apart.

        Its JSON is what a live profile shows: quantities, prices, totals, total, unpriced.
        """
        return (await self.portfolio(user_id)).value(prices)
