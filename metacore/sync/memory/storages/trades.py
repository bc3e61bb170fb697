# Made from metacore/memory/storages/trades.py by `python tools/generate_sync.py`. Do not edit.
"""Trades in memory."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import final
from uuid import UUID

from metacore.backends.listing import Listing
from metacore.backends.tally import Tally
from metacore.domain.trading.trades import NewTrade, Trade, TradeFilter, TradeState
from metacore.domain.values.imports import ImportResult
from metacore.domain.values.pages import Page
from metacore.domain.values.text import require_text
from metacore.errors import AlreadyExistsError, NotFoundError
from metacore.memory.paging import PageRequest
from metacore.memory.schema import Views
from metacore.sync.memory.storages.session import Session
from metacore.sync.storage.trades import TradeStorage


@final
class MemoryTradeStorage(TradeStorage):
    """`metacore.sync.storage.trades.TradeStorage` over dictionaries."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def create(self, new: NewTrade) -> Trade:
        trade = Trade.created(new, self._session.now())
        with self._session.write() as tables:
            insert_trade(tables, trade)
        return trade

    def create_many(self, trades: Iterable[NewTrade]) -> ImportResult:
        tally, now = Tally("trades"), self._session.now()
        created, skipped = list(trades), list[NewTrade]()
        with self._session.write() as tables:
            for new in created:
                if tables.users.get((new.user_id,)) is None:
                    tally.strangers.add(new.user_id)
                elif _twin(tables, new) or tables.trades.get((new.user_id, new.id)):
                    skipped.append(new)
                else:
                    put_trade(tables, Trade.created(new, now))
                    tally.inserted += 1
            for new in skipped:
                twin = _twin(tables, new)
                if twin is not None and twin.content() == new.content():
                    tally.duplicates += 1
                else:
                    tally.conflicts.add(new.exchange_trade_id)
            return tally.result()

    def get(self, user_id: UUID, trade_id: UUID) -> Trade:
        with self._session.read() as tables:
            trade = tables.trades.get((user_id, trade_id))
            if trade is None:
                raise NotFoundError("trade", (user_id, trade_id))
        return trade

    def get_by_exchange_trade_id(self, user_id: UUID, symbol: str, exchange_trade_id: str) -> Sequence[Trade]:
        require_text(symbol=symbol, exchange_trade_id=exchange_trade_id)
        with self._session.read() as tables:
            return tuple(tables.trades.select("key", (user_id, symbol, exchange_trade_id)))

    def get_many(self, keys: Iterable[tuple[UUID, UUID]]) -> Sequence[Trade]:
        named = sorted(set(keys))
        with self._session.read() as tables:
            return tuple(trade for key in named if (trade := tables.trades.get(key)) is not None)

    def list(
        self, user_id: UUID, filter: TradeFilter = TradeFilter(), after: str | None = None, limit: int = 100
    ) -> Page[Trade]:
        page = PageRequest(Listing("trades.list", (user_id, filter)), after, limit)
        with self._session.read() as tables:
            rows = [trade for trade in tables.trades.group(user_id) if filter.matches(trade)]
            return page.of(rows, _by_time)

    def list_by_order(self, user_id: UUID, order_id: UUID) -> Sequence[Trade]:
        with self._session.read() as tables:
            return tuple(tables.trades.select("order", (user_id, order_id)))

    def list_pending(self, user_id: UUID) -> Sequence[Trade]:
        with self._session.read() as tables:
            return tuple(tables.trades.select("pending", user_id))

    def pending(self, after: str | None = None, limit: int = 100) -> Page[Trade]:
        page = PageRequest(Listing("trades.pending", (), (UUID, datetime, UUID)), after, limit)
        with self._session.read() as tables:
            rows = [trade for trade in tables.trades.all() if trade.state is TradeState.PENDING]
            return page.of(rows, Trade.place, newest_first=False)


def insert_trade(tables: Views, trade: Trade) -> None:
    """Insert `trade`, whose user must exist and whose unique keys must be free."""
    if tables.users.get((trade.user_id,)) is None:
        raise NotFoundError("user", trade.user_id)
    if (field := tables.trades.add(trade)) is not None:
        raise AlreadyExistsError("trade", field, getattr(trade, field))


def put_trade(tables: Views, trade: Trade) -> None:
    """Store `trade` in place of the one with its id; its unique keys must be free."""
    if (field := tables.trades.put(trade)) is not None:
        raise AlreadyExistsError("trade", field, getattr(trade, field))


def _twin(tables: Views, new: NewTrade) -> Trade | None:
    return tables.trades.find("exchange_trade_id", (*new.key, new.order_ids.exchange_first()))


def _by_time(trade: Trade) -> tuple[object, ...]:
    return trade.traded_at, trade.id
