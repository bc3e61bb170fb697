# Made from metacore/services/portfolios.py by `python tools/generate_sync.py`. Do not edit.
"""Portfolios, as a user sees them: coins, what they are worth, and what trades have earned."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from uuid import UUID

from metacore._compat.blocking import require_own_world
from metacore.domain.holdings.assets import Assets
from metacore.domain.holdings.portfolios import Portfolio
from metacore.domain.holdings.valuations import Valuation
from metacore.domain.trading.performance import CostMethod, Execution, Performance
from metacore.sync.storage.storage import Storages


class PortfolioService:
    """What users hold. Symbols are one in upper and lower case; every change returns the portfolio after it."""

    def __init__(self, storage: Storages) -> None:
        require_own_world(storage, self)
        self._portfolios = storage.portfolios
        self._balances = storage.balances
        self._trades = storage.trades

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

    def assets(self, user_id: UUID) -> Assets:
        """Everything the user has: balances and portfolio in one view; NotFoundError if the user does not exist.

        Two reads, one after the other: on a storage a change may fall between them.
        """
        portfolio = self.portfolio(user_id)
        return Assets.of(portfolio, self._balances.list(user_id, nonzero=True))

    def performance(
        self, user_id: UUID, prices: Mapping[str, Decimal], method: CostMethod = CostMethod.AVERAGE
    ) -> Performance:
        """What the user's trades have earned, by symbol, and what is left is worth at `prices`, by trading symbol in
        whatever case (`{"BTCUSDT": ...}`); NotFoundError if the user does not exist.

        Every stored trade counts, in whatever state: the exchange executed it. Read as `trades.stream` does, and kept,
        some hundred bytes each, until all are there. Trades that were archived are not.
        """
        self.portfolio(user_id)
        newest_first = [Execution.of(trade) for trade in self._trades.stream(user_id)]
        return Performance.of(reversed(newest_first), prices, method)
