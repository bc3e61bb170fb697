# Made from metacore/services/portfolios.py by `python tools/generate_sync.py`. Do not edit.
"""Portfolios, as a user sees them: coins, and what they are worth."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from uuid import UUID

from metacore._compat.blocking import require_own_world
from metacore.domain.holdings.portfolios import Portfolio
from metacore.domain.holdings.valuations import Valuation
from metacore.sync.storage.storage import Storages


class PortfolioService:
    """What users hold. Symbols are one in upper and lower case; every change returns the portfolio after it."""

    def __init__(self, storage: Storages) -> None:
        require_own_world(storage, self)
        self._portfolios = storage.portfolios

    def add_coin(self, user_id: UUID, symbol: str, quantity: Decimal) -> Portfolio:
        """Hold `quantity` more of a coin, less if it is negative; InsufficientFundsError if that were below zero."""
        return self._portfolios.add(user_id, symbol, quantity)

    def update_coin(self, user_id: UUID, symbol: str, quantity: Decimal) -> Portfolio:
        """Hold exactly `quantity` of a coin; 0 removes it."""
        return self._portfolios.put(user_id, symbol, quantity)

    def remove_coin(self, user_id: UUID, symbol: str) -> Portfolio:
        """Hold no more of a coin; NotFoundError if the user does not hold it."""
        return self._portfolios.remove(user_id, symbol)

    def portfolio(self, user_id: UUID) -> Portfolio:
        """The user's portfolio; NotFoundError if the user does not exist."""
        return self._portfolios.get(user_id)

    def value(self, user_id: UUID, prices: Mapping[str, Decimal]) -> Valuation:
        """What the user's portfolio is worth at `prices` by symbol, exactly; symbols without a price are listed apart.

        Its JSON is what a live profile shows: quantities, prices, totals, total, unpriced.
        """
        return self.portfolio(user_id).value(prices)
