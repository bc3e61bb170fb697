"""Trades in PostgreSQL."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any, final
from uuid import UUID

from metacore.backends.listing import Listing, parse_limit
from metacore.domain.trading.commands import by_user
from metacore.domain.trading.trades import NewTrade, Trade, TradeFilter
from metacore.domain.values.imports import ImportResult
from metacore.domain.values.pages import Page
from metacore.domain.values.text import require_text
from metacore.errors import NotFoundError
from metacore.postgres.client.codecs import TRADE, to_array, to_text
from metacore.postgres.client.named_calls import NamedCalls
from metacore.postgres.client.session import Session
from metacore.postgres.client.statement import Statement
from metacore.postgres.statements import trades as statements
from metacore.postgres.storages.imports import import_rows
from metacore.postgres.storages.turns import queued
from metacore.storage.trades import TradeStorage


@final
class PostgresTradeStorage(TradeStorage):
    """`metacore.storage.trades.TradeStorage` over PostgreSQL."""

    def __init__(self, session: Session) -> None:
        self._session = session

    async def create(self, new: NewTrade) -> Trade:
        trade = Trade.created(new, self._session.now())
        values = TRADE.encode(trade)
        calls = queued(self._session, trade.user_id, statements.CREATE, statements.QUEUE_AND_CREATE, values)
        *_, created = await self._session.pipeline("trades.create", calls, trade)
        if not created:
            raise NotFoundError("user", trade.user_id)
        return trade

    async def create_many(self, trades: Iterable[NewTrade]) -> ImportResult:
        now = self._session.now()
        rows = (Trade.created(new, now) for new in trades)
        return await import_rows(self._session, statements.IMPORT, rows)

    async def get(self, user_id: UUID, trade_id: UUID) -> Trade:
        rows = await self._session.fetch(statements.GET, {"user_id": user_id, "id": trade_id})
        if not rows:
            raise NotFoundError("trade", (user_id, trade_id))
        return TRADE.decode(rows[0])

    async def get_by_exchange_trade_id(self, user_id: UUID, symbol: str, exchange_trade_id: str) -> Sequence[Trade]:
        require_text(symbol=symbol, exchange_trade_id=exchange_trade_id)
        values = {"user_id": user_id, "symbol": symbol, "exchange_trade_id": exchange_trade_id}
        return await self._all(statements.GET_BY_EXCHANGE_TRADE_ID, values)

    async def get_many(self, keys: Iterable[tuple[UUID, UUID]]) -> Sequence[Trade]:
        calls = NamedCalls()
        for user_id, ids in by_user(sorted(set(keys))).items():
            calls.add("trades", user_id, statements.GET_MANY, {"id": to_array(ids)})
        if not calls.calls:
            self._session.check()
            return ()
        results = await self._session.pipeline(statements.GET_MANY.name, calls.calls)
        return TRADE.decode_all(row for rows in results for row in rows)

    async def list(
        self, user_id: UUID, filter: TradeFilter = TradeFilter(), after: str | None = None, limit: int = 100
    ) -> Page[Trade]:
        listing = Listing("trades.list", (user_id, filter))
        conditions = {name: value for name, value in filter.__dict__.items() if value is not None}
        values: dict[str, Any] = {name: to_text(value) for name, value in conditions.items()}
        values |= {"user_id": str(user_id), "limit": parse_limit(limit) + 1}
        if (start := listing.position(after)) is not None:
            values |= {"traded_at": to_text(start[0]), "id": to_text(start[1])}
        rows = await self._session.fetch(
            statements.page(tuple(sorted(conditions)), filter.state, start is not None), values
        )
        return listing.page(TRADE.decode_all(rows), limit, lambda trade: (trade.traded_at, trade.id))

    async def list_by_order(self, user_id: UUID, order_id: UUID) -> Sequence[Trade]:
        return await self._all(statements.LIST_BY_ORDER, {"user_id": user_id, "order_id": order_id})

    async def list_pending(self, user_id: UUID) -> Sequence[Trade]:
        return await self._all(statements.LIST_PENDING, {"user_id": user_id})

    async def pending(self, after: str | None = None, limit: int = 100) -> Page[Trade]:
        listing = Listing("trades.pending", (), (UUID, datetime, UUID))
        values: dict[str, Any] = {"limit": parse_limit(limit) + 1}
        if (start := listing.position(after)) is not None:
            values |= {name: to_text(part) for name, part in zip(("user_id", "traded_at", "id"), start, strict=True)}
        rows = await self._session.fetch(statements.pending(start is not None), values)
        return listing.page(TRADE.decode_all(rows), limit, Trade.place)

    async def _all(self, statement: Statement, values: dict[str, Any]) -> Sequence[Trade]:
        rows = await self._session.fetch(statement, {name: to_text(value) for name, value in values.items()})
        return TRADE.decode_all(rows)
