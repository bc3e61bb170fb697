"""Portfolios, as a user sees them: coins, what they are worth, and what trades have earned."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal
from uuid import UUID

from metacore._compat.aio import require_own_world
from metacore.domain.holdings.assets import Assets
from metacore.domain.holdings.portfolios import Portfolio
from metacore.domain.holdings.valuations import Valuation
from metacore.domain.market.prices import Price, PriceFeed, PricesBySymbol
from metacore.domain.trading.performance import CostMethod, Execution, Performance
from metacore.storage.storage import Storages


class PortfolioService:
    """What users hold. Symbols are one in upper and lower case; every change returns the portfolio after it."""

    def __init__(self, storage: Storages) -> None:
        require_own_world(storage, self)
        self._portfolios = storage.portfolios
        self._balances = storage.balances
        self._trades = storage.trades
        self._bars = storage.bars

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

    async def value(self, user_id: UUID, prices: PricesBySymbol | PriceFeed) -> Valuation:
        """What the user's portfolio is worth, exactly, at `prices` by symbol or at the newest ones of a feed; symbols
        without a price are listed apart.

        Its JSON is what a live profile shows: quantities, prices, totals, total, unpriced, and when prices were told.
        """
        portfolio = await self.portfolio(user_id)
        if isinstance(prices, PriceFeed):
            prices = await self._prices_of_coins(prices, portfolio.holdings)
        return portfolio.value(prices)

    async def assets(self, user_id: UUID) -> Assets:
        """Everything the user has: balances and portfolio in one view; NotFoundError if the user does not exist.

        Two reads, one after the other: on a storage a change may fall between them.
        """
        portfolio = await self.portfolio(user_id)
        return Assets.of(portfolio, await self._balances.list(user_id, nonzero=True))

    async def performance(
        self, user_id: UUID, prices: PricesBySymbol | PriceFeed, method: CostMethod = CostMethod.AVERAGE
    ) -> Performance:
        """What the user's trades have earned, by symbol, and what is left is worth at `prices`, by trading symbol in
        whatever case (`{"BTCUSDT": ...}`), or at the newest ones of a feed, whatever its quote asset, by trading symbol
        in upper case; NotFoundError if the user does not exist.

        Every stored trade counts, in whatever state: the exchange executed it. Read as `trades.stream` does, and kept,
        some hundred bytes each, until all are there. Trades that were archived are not.
        """
        await self.portfolio(user_id)
        newest_first = [Execution.of(trade) async for trade in self._trades.stream(user_id)]
        if isinstance(prices, PriceFeed):
            traded = {execution.symbol.upper() for execution in newest_first}
            prices = await self._bars.latest_of(prices.feed, sorted(traded), prices.exchange)
        return Performance.of(reversed(newest_first), prices, method)

    async def _prices_of_coins(self, prices: PriceFeed, coins: Iterable[str]) -> PricesBySymbol:
        pairs = {coin: prices.pair(coin) for coin in coins}
        ticks = await self._bars.latest_of(prices.feed, pairs.values(), prices.exchange)
        found: dict[str, Price] = {coin: ticks[pair] for coin, pair in pairs.items() if pair in ticks}
        return found | {coin: Decimal(1) for coin in pairs if prices.is_quote(coin)}
