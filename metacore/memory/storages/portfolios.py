"""Portfolios in memory."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from decimal import Decimal
from typing import final
from uuid import UUID

from metacore.backends.listing import Listing
from metacore.domain.holdings.portfolios import Holding, Portfolio
from metacore.domain.values.model import unchecked
from metacore.domain.values.pages import Page
from metacore.domain.values.symbols import parse_symbol, parsed
from metacore.errors import NotFoundError
from metacore.memory.paging import PageRequest
from metacore.memory.schema import Views
from metacore.memory.storages.session import Session
from metacore.storage.portfolios import PortfolioStorage


@final
class MemoryPortfolioStorage(PortfolioStorage):
    """`metacore.storage.portfolios.PortfolioStorage` over dictionaries."""

    def __init__(self, session: Session) -> None:
        self._session = session

    async def get(self, user_id: UUID) -> Portfolio:
        with self._session.read() as tables:
            return _get(tables, user_id)

    async def put(
        self, user_id: UUID, symbol: str, quantity: Decimal, expected_version: int | None = None
    ) -> Portfolio:
        return await self._change(user_id, expected_version, lambda held, now: held.put(symbol, quantity, now))

    async def add(self, user_id: UUID, symbol: str, delta: Decimal, expected_version: int | None = None) -> Portfolio:
        return await self._change(user_id, expected_version, lambda held, now: held.add(symbol, delta, now))

    async def remove(self, user_id: UUID, symbol: str, expected_version: int | None = None) -> Portfolio:
        return await self._change(user_id, expected_version, lambda held, now: held.remove(symbol, now))

    async def clear(self, user_id: UUID, expected_version: int | None = None) -> Portfolio:
        return await self._change(user_id, expected_version, lambda held, now: held.clear(now))

    async def holders(self, symbol: str, after: str | None = None, limit: int = 100) -> Page[Holding]:
        symbol = parsed(parse_symbol, symbol, "symbol")
        page = PageRequest(Listing("portfolios.holders", (symbol,), (UUID,)), after, limit)
        with self._session.read() as tables:
            rows = [
                unchecked(Holding, {"user_id": held.user_id, "symbol": symbol, "quantity": held.holdings[symbol]})
                for held in tables.portfolios.all()
                if symbol in held.holdings
            ]
            return page.of(rows, lambda row: (row.user_id,), newest_first=False)

    async def symbols(self) -> Sequence[str]:
        with self._session.read() as tables:
            return tuple(sorted({symbol for held in tables.portfolios.all() for symbol in held.holdings}))

    async def _change(
        self,
        user_id: UUID,
        expected_version: int | None,
        change: Callable[[Portfolio, datetime], Portfolio],
    ) -> Portfolio:
        now = self._session.now()
        async with self._session.write() as tables:
            portfolio = change(_get(tables, user_id).require_version(expected_version), now)
            tables.portfolios.put(portfolio)
        return portfolio


def _get(tables: Views, user_id: UUID) -> Portfolio:
    user = tables.users.get((user_id,))
    if user is None:
        raise NotFoundError("user", user_id)
    return tables.portfolios.get((user_id,)) or Portfolio.empty(user_id, user.created_at)
