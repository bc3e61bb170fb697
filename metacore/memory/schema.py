"""Which tables there are, by what their rows are found, and the whole of them as one transaction sees it."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from metacore.crypto.sealed import ApiKeyHash, SealedCredentials
from metacore.domain.commerce.order_records import OrderRecord
from metacore.domain.holdings.portfolios import Portfolio
from metacore.domain.people.users import User
from metacore.domain.trading.balances import HOLDING, UNIQUELY_REFERENCED, Balance, BalanceEntry, BalanceKey
from metacore.domain.trading.order_ids import UserOrderIds
from metacore.domain.trading.order_updates import OrderUpdate
from metacore.domain.trading.orders import Order, OrderKey
from metacore.domain.trading.trades import Trade, TradeState
from metacore.memory.tables import Index, Table, View


def _reference(entry: BalanceEntry) -> tuple[Any, ...] | None:
    if entry.reference is None or entry.reason not in UNIQUELY_REFERENCED:
        return None
    return entry.user_id, entry.reason, entry.reference


def _unsettled(trade: Trade) -> UserOrderIds | None:
    return None if trade.state is TradeState.SETTLED else (trade.user_id, trade.order_ids.own_first())


def _mover(entry: BalanceEntry) -> UUID | None:
    return None if entry.reason in HOLDING else entry.user_id


class Tables:
    """The committed tables."""

    def __init__(self) -> None:
        self.users: Table[tuple[UUID], User] = Table(
            lambda user: (user.id,),
            {
                "uid": lambda user: None if user.uid is None else (user.exchange, user.uid),
                "username": lambda user: user.username,
                "email": lambda user: None if user.email is None else (user.exchange, user.email),
                "telegram_id": lambda user: None if user.telegram_id is None else (user.exchange, user.telegram_id),
            },
        )
        self.user_credentials: Table[tuple[UUID], SealedCredentials] = Table(lambda sealed: (sealed.user_id,))
        self.user_api_keys: Table[tuple[UUID, str], ApiKeyHash] = Table(
            lambda row: (row.user_id, row.key_id), {"api_key": lambda row: row.api_key_hash}
        )
        self.orders: Table[OrderKey, Order] = Table(
            lambda order: order.key,
            {
                "client_order_id": lambda order: order.client_order_id and (order.user_id, order.client_order_id),
                "exchange_order_id": lambda order: order.exchange_order_id and (order.user_id, order.exchange_order_id),
            },
            {
                "open": Index(lambda order: order.user_id if order.is_open else None, lambda order: order.created_at),
                "holding": Index(lambda order: order.user_id if order.held_amount else None),
            },
        )
        self.order_updates: Table[tuple[UUID, UUID, int], OrderUpdate] = Table(
            lambda update: (update.user_id, update.order_id, update.seq),
            indexes={"order": Index(lambda update: (update.user_id, update.order_id))},
        )
        self.trades: Table[tuple[UUID, UUID], Trade] = Table(
            lambda trade: (trade.user_id, trade.id),
            {"exchange_trade_id": lambda trade: (*trade.key, trade.order_key)},
            {
                "key": Index(lambda trade: trade.key),
                "order": Index(
                    lambda trade: trade.order_id and (trade.user_id, trade.order_id), lambda trade: trade.traded_at
                ),
                "pending": Index(
                    lambda trade: trade.user_id if trade.state is TradeState.PENDING else None,
                    lambda trade: trade.traded_at,
                ),
                "unsettled": Index(_unsettled),
            },
        )
        self.balances: Table[BalanceKey, Balance] = Table(lambda balance: balance.key)
        self.balance_entries: Table[tuple[UUID, str, int], BalanceEntry] = Table(
            lambda entry: (entry.user_id, entry.asset, entry.seq),
            {"reference": _reference},
            {
                "balance": Index(lambda entry: (entry.user_id, entry.asset)),
                "moved": Index(_mover, lambda entry: entry.occurred_at),
            },
        )
        self.portfolios: Table[tuple[UUID], Portfolio] = Table(lambda portfolio: (portfolio.user_id,))
        self.order_records: Table[tuple[str], OrderRecord] = Table(
            lambda record: (record.order_uid,),
            indexes={
                "customer_id": Index(lambda record: record.customer_id, lambda record: record.date_created_at),
                "track_number": Index(lambda record: record.track_number, lambda record: record.date_created_at),
            },
        )


class Views:
    """All tables as one transaction sees them, under one stack of layers."""

    def __init__(self, tables: Tables) -> None:
        self.users = View(tables.users)
        self.user_credentials = View(tables.user_credentials)
        self.user_api_keys = View(tables.user_api_keys)
        self.orders = View(tables.orders)
        self.order_updates = View(tables.order_updates)
        self.trades = View(tables.trades)
        self.balances = View(tables.balances)
        self.balance_entries = View(tables.balance_entries)
        self.portfolios = View(tables.portfolios)
        self.order_records = View(tables.order_records)

    def delete_owned_by(self, user_id: UUID) -> None:
        """Delete every row, but the user's own, whose key starts with this user."""
        for view in self._views():
            if view is not self.users:
                view.delete(view.group(user_id))

    def push(self) -> None:
        """Begin a layer: changes from here on are undone by `pop`."""
        for view in self._views():
            view.push()

    def pop(self) -> None:
        """Undo the changes of the topmost layer."""
        for view in self._views():
            view.pop()

    def fold(self) -> None:
        """Make the changes of the topmost layer part of the layer below or, below the last one, of the tables."""
        for view in self._views():
            view.fold()

    def _views(self) -> list[View[Any, Any]]:
        return list(self.__dict__.values())
