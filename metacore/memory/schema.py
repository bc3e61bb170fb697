"""Which tables there are, by what their rows are found, and the whole of them as one transaction sees it."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping
from datetime import datetime
from functools import partial
from operator import attrgetter
from typing import Any, Generic, Self, TypeVar, overload
from uuid import UUID

from metacore.crypto.sealed import ApiKeyHash, SealedCredentials
from metacore.domain.commerce.order_records import OrderRecord
from metacore.domain.holdings.portfolios import Portfolio
from metacore.domain.market.bars import BarPart
from metacore.domain.messages.claims import KeyProgress, Wait
from metacore.domain.messages.dead_letters import DeadLetter
from metacore.domain.messages.events import Event, EventKey
from metacore.domain.messages.inbox import InboxMessage, InboxPosition
from metacore.domain.people.logins import Login
from metacore.domain.people.names import FIELDS, name_of
from metacore.domain.people.sessions import Session
from metacore.domain.people.users import User
from metacore.domain.trading.archiving import ArchivePart
from metacore.domain.trading.asset_names import folded
from metacore.domain.trading.balances import FACTS, UNIQUELY_REFERENCED, Balance, BalanceEntry, BalanceKey
from metacore.domain.trading.order_ids import UserOrderIds
from metacore.domain.trading.order_updates import OrderUpdate, UpdateOutcome
from metacore.domain.trading.orders import Order, OrderKey
from metacore.domain.trading.reservations import Reservation, ReservationKey
from metacore.domain.trading.trades import Trade, TradeState
from metacore.domain.trading.user_transfers import UserTransfer, UserTransferKey
from metacore.memory.tables import Index, Table
from metacore.memory.views import Log, View

K = TypeVar("K", bound=tuple[Any, ...])
R = TypeVar("R")


def _reference(entry: BalanceEntry) -> tuple[Any, ...] | None:
    if entry.reference is None or entry.reason not in UNIQUELY_REFERENCED:
        return None
    return entry.user_id, entry.reason, entry.reference


def _stale(update: OrderUpdate) -> OrderKey | None:
    return (update.user_id, update.order_id) if update.outcome is UpdateOutcome.STALE else None


def _unsettled(trade: Trade) -> UserOrderIds | None:
    return None if trade.state is TradeState.SETTLED else (trade.user_id, trade.order_ids.own_first())


def _owner_of_fact(entry: BalanceEntry) -> UUID | None:
    return entry.user_id if entry.reason in FACTS else None


class TableOf(Generic[K, R]):
    """A line of the schema: what a table is made of and, in `Views`, the table as one transaction sees it."""

    name: str

    def __init__(
        self,
        key: Callable[[R], K],
        unique: Mapping[str, Callable[[R], Hashable]] = {},
        indexes: Mapping[str, Index[R]] = {},
    ) -> None:
        self.make = partial(Table[K, R], key, unique, indexes)

    def __set_name__(self, owner: type, name: str) -> None:
        self.name = name

    @overload
    def __get__(self, views: None, kind: type) -> Self: ...

    @overload
    def __get__(self, views: Views, kind: type) -> View[K, R]: ...

    def __get__(self, views: Views | None, kind: type) -> Any:
        return self if views is None else views.view(self.name)


class Views:
    """All tables as one transaction sees them, under one stack of layers."""

    users: TableOf[tuple[UUID], User] = TableOf(
        lambda user: (user.id,), {kind.field: partial(name_of, kind=kind) for kind in FIELDS}
    )
    user_credentials: TableOf[tuple[UUID], SealedCredentials] = TableOf(lambda sealed: (sealed.user_id,))
    user_api_keys: TableOf[tuple[UUID, str], ApiKeyHash] = TableOf(
        lambda row: (row.user_id, row.key_id), {"api_key": lambda row: row.api_key_hash}
    )
    orders: TableOf[OrderKey, Order] = TableOf(
        attrgetter("user_id", "id"),
        {
            "client_order_id": lambda order: order.client_order_id and (order.user_id, order.client_order_id),
            "exchange_order_id": lambda order: order.exchange_order_id and (order.user_id, order.exchange_order_id),
        },
        {
            "open": Index(lambda order: order.user_id if order.status.is_open else None, attrgetter("created_at")),
            "holding": Index(lambda order: order.user_id if order.held_amount else None),
        },
    )
    order_updates: TableOf[tuple[UUID, UUID, int], OrderUpdate] = TableOf(
        attrgetter("user_id", "order_id", "seq"),
        indexes={"order": Index(attrgetter("user_id", "order_id")), "stale": Index(_stale)},
    )
    trades: TableOf[tuple[UUID, UUID], Trade] = TableOf(
        attrgetter("user_id", "id"),
        {"exchange_trade_id": lambda trade: (*trade.key, trade.order_key)},
        {
            "key": Index(lambda trade: trade.key),
            "order": Index(lambda trade: trade.order_id and (trade.user_id, trade.order_id), attrgetter("traded_at")),
            "settled": Index(
                lambda trade: trade.user_id if trade.state is TradeState.SETTLED else None,
                attrgetter("traded_at"),
            ),
            "pending": Index(
                lambda trade: trade.user_id if trade.state is TradeState.PENDING else None,
                attrgetter("traded_at"),
            ),
            "unsettled": Index(_unsettled),
        },
    )
    balances: TableOf[BalanceKey, Balance] = TableOf(
        attrgetter("user_id", "asset"), {"name": lambda balance: (balance.user_id, folded(balance.asset))}
    )
    balance_entries: TableOf[tuple[UUID, str, int], BalanceEntry] = TableOf(
        attrgetter("user_id", "asset", "seq"),
        {"reference": _reference},
        {
            "balance": Index(attrgetter("user_id", "asset")),
            "fact": Index(_owner_of_fact, attrgetter("occurred_at")),
        },
    )
    reservations: TableOf[ReservationKey, Reservation] = TableOf(
        lambda row: row.key,
        {"reference": lambda row: row.named},
        {"holding": Index(lambda row: row.user_id if row.held_amount else None)},
    )
    user_transfers: TableOf[UserTransferKey, UserTransfer] = TableOf(lambda transfer: transfer.key)
    portfolios: TableOf[tuple[UUID], Portfolio] = TableOf(lambda portfolio: (portfolio.user_id,))
    archives: TableOf[tuple[UUID, int], ArchivePart] = TableOf(lambda part: (part.user_id, part.number))
    order_records: TableOf[tuple[str], OrderRecord] = TableOf(
        lambda record: (record.order_uid,),
        indexes={
            "customer_id": Index(lambda record: record.customer_id, lambda record: record.date_created_at),
            "track_number": Index(lambda record: record.track_number, lambda record: record.date_created_at),
        },
    )
    outbox_events: TableOf[tuple[str, str, int], Event] = TableOf(
        lambda event: (event.topic, event.key, event.seq),
        {"id": lambda event: (event.topic, event.id)},
        {"key": Index(lambda event: event.event_key, lambda event: event.seq)},
    )
    outbox_progress: TableOf[EventKey, KeyProgress] = TableOf(lambda row: row.event_key)
    outbox_waits: TableOf[EventKey, Wait] = TableOf(
        lambda wait: (wait.topic, wait.key), indexes={"due": Index(lambda wait: wait.topic, lambda wait: wait.due)}
    )
    inbox_positions: TableOf[tuple[str, str, str], InboxPosition] = TableOf(
        lambda position: (position.consumer, position.topic, position.key)
    )
    inbox_messages: TableOf[tuple[str, str], InboxMessage] = TableOf(
        lambda message: (message.consumer, message.message_id)
    )
    dead_letters: TableOf[tuple[str, str], DeadLetter] = TableOf(
        lambda letter: (letter.source, letter.position),
        indexes={
            "resolved": Index(lambda letter: letter.resolution is not None),
            "source": Index(lambda letter: (letter.source, letter.resolution is not None)),
        },
    )

    bar_parts: TableOf[tuple[str, str, str, datetime, UUID], BarPart] = TableOf(
        lambda part: part.key,
        indexes={
            "symbol": Index(lambda part: (part.feed, part.symbol), lambda part: part.starts_at),
            "feed": Index(lambda part: part.feed, lambda part: part.starts_at),
        },
    )
    logins: TableOf[tuple[UUID], Login] = TableOf(lambda login: (login.user_id,))
    sessions: TableOf[tuple[UUID, UUID], Session] = TableOf(
        lambda session: (session.user_id, session.id),
        indexes={
            "not_ended": Index(
                lambda session: session.user_id if session.ended_at is None else None,
                lambda session: session.created_at,
            ),
        },
    )

    def __init__(self, tables: Mapping[str, Table[Any, Any]]) -> None:
        self._tables = tables
        self._depth = 0
        self._opened: dict[str, View[Any, Any]] = {}
        self._log: Log = []

    def view(self, name: str) -> View[Any, Any]:
        """The table of this name, made when it is first asked for: an operation is about few of them."""
        view = vars(self)[name] = self._opened.setdefault(name, View(self._tables[name], self._depth, self._log))
        return view

    def delete_owned_by(self, user_id: UUID) -> None:
        """Delete every row, but the user's own, whose key starts with this user."""
        for view in map(self.view, self._tables):
            if view is not self.users:
                view.delete(view.group(user_id))

    def keep(self) -> None:
        """Have what was changed since the last time as it is: one operation has come to its end."""
        self._log.clear()

    def undo(self) -> None:
        """Have all as it was when `keep` or `undo` was called the last time."""
        while self._log:
            view, key, before = self._log[-1]
            view.restore(key, before)
            self._log.pop()

    def push(self) -> None:
        """Begin a layer: changes from here on are undone by `pop`."""
        self._depth += 1
        for view in self._opened.values():
            view.push()

    def pop(self) -> None:
        """Undo the changes of the topmost layer."""
        self._depth -= 1
        for view in self._opened.values():
            view.pop()

    def fold(self) -> None:
        """Make the changes of the topmost layer part of the layer below or, below the last one, of the tables."""
        self._depth -= 1
        for view in self._opened.values():
            view.fold()


def new_tables() -> dict[str, Table[Any, Any]]:
    """Every table of the schema by name, empty."""
    return {name: line.make() for name, line in vars(Views).items() if isinstance(line, TableOf)}
