"""Decisions as values: what a decision rests on, and what it changes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import NamedTuple
from uuid import UUID

from metacore.domain.people.users import User, UserPatch
from metacore.domain.trading.balances import Balance, BalanceDelta, BalanceEntry, BalanceKey, EntryReason
from metacore.domain.trading.facts import Placement
from metacore.domain.trading.order_ids import OrderIds, UserOrderIds
from metacore.domain.trading.order_updates import NewOrderUpdate, OrderUpdate
from metacore.domain.trading.orders import Order, OrderKey, OrderSide
from metacore.domain.trading.reservations import Reservation, ReservationKey, ReservationReference
from metacore.domain.trading.trades import NewTrade, Trade, TradeKey
from metacore.domain.trading.user_transfers import UserTransfer, UserTransferKey
from metacore.domain.values.amounts import ZERO
from metacore.domain.values.text import require_key

EntryReference = tuple[UUID, EntryReason, str]
"""`(user_id, reason, reference)` of a deposit or a withdrawal."""


@dataclass(frozen=True, slots=True)
class FactWindow:
    """Which facts to load: those no further than `tolerance` from the moment `around`, and the `later` ones, if so.

    Without a moment, it is when each user's newest account snapshot was taken; no facts where there is none.
    """

    tolerance: timedelta
    around: datetime | None = None
    later: bool = False

    def bounds(self, around: datetime) -> tuple[datetime, datetime]:
        """The first and the last moment of facts to load around that one."""
        first, last = datetime.min.replace(tzinfo=UTC), datetime.max.replace(tzinfo=UTC)
        start = around - self.tolerance if around - first > self.tolerance else first
        end = around + self.tolerance if last - around > self.tolerance and not self.later else last
        return start, end


@dataclass(frozen=True, slots=True)
class Selection:
    """What a decision rests on: loaded, and locked until the transaction ends, by `Transaction.load`.

    `users` are locked shared, or exclusively if `exclusive_users`; then the orders that `orders` name, then the
    `reservations` with the given keys and `reservation_references`, then the `trades` with the given keys. The
    `entries` and `user_transfers` with theirs, and the sums over unsettled trades, are read after that; then
    `locked_balances` are locked, and the `stored_balances`.
    """

    users: frozenset[UUID] = frozenset()
    exclusive_users: bool = False
    orders: tuple[UserOrderIds, ...] = ()
    trades: tuple[TradeKey, ...] = ()
    trade_ids: tuple[tuple[UUID, UUID], ...] = ()
    """`(user_id, trade_id)` of trades to load beside those that `trades` names."""
    entries: tuple[EntryReference, ...] = ()
    reservations: tuple[ReservationKey, ...] = ()
    reservation_references: tuple[ReservationReference, ...] = ()
    user_transfers: tuple[UserTransferKey, ...] = ()
    skip_locked: bool = False
    """Whether to leave out reservations and `locked_balances` that another transaction has locked, rather than to wait
    for it.
    """
    balances: bool = False
    """Whether to load all balances of `users`; they are not locked."""
    stale_updates: bool = False
    """Whether to load the STALE updates of the orders that are found."""
    update_seqs: bool = False
    """Whether to load the `seq` of the newest update of each order that is found."""
    unsettled: bool = False
    """Whether to sum the unsettled trades of the orders that are found, and those under the ids of `orders`."""
    holding: bool = False
    """Whether to load all orders of `users` that hold funds, closed ones too, beside those that `orders` name, and all
    reservations that do.
    """
    asset_names: tuple[BalanceKey, ...] = ()
    """Of which assets to load the names that their users have them by, in whatever case they are named here."""
    locked_balances: tuple[BalanceKey, ...] = ()
    """The balances to lock, the missing ones as zero, in whatever case their assets are named here."""
    stored_balances: tuple[BalanceKey, ...] = ()
    """Balances to lock if they are stored, named as they are; the missing ones are left out."""
    balances_of_orders: bool = False
    """Whether those of all assets of the orders that are found are among the `stored_balances`."""
    facts: FactWindow | None = None
    """Which journal entries that tell of facts of `users` to load, and when the orders of trades were placed."""


class TradesOf(NamedTuple):
    """Trades that name an order by this id, the one that they are kept by (`OrderIds.own_first`), with this symbol and
    side: they count for it only if these are its own.
    """

    name: OrderIds
    symbol: str
    side: OrderSide

    @classmethod
    def of(cls, trade: NewTrade) -> TradesOf:
        """Those that `trade` is one of."""
        return cls(trade.order_ids.own_first(), trade.symbol, trade.side)


@dataclass(frozen=True, slots=True)
class Unsettled:
    """The sums over stored trades that are not SETTLED."""

    quantity: Decimal
    quote_quantity: Decimal


NOTHING_UNSETTLED = Unsettled(ZERO, ZERO)


@dataclass(frozen=True, slots=True)
class Loaded:
    """What `Transaction.load` found. What does not exist is left out; rows come sorted by key."""

    users: Mapping[UUID, User] = field(default_factory=dict)
    orders: tuple[Order, ...] = ()
    reservations: tuple[Reservation, ...] = ()
    trades: tuple[Trade, ...] = ()
    entries: tuple[BalanceEntry, ...] = ()
    user_transfers: tuple[UserTransfer, ...] = ()
    balances: tuple[Balance, ...] = ()
    unsettled: Mapping[tuple[UUID, TradesOf], Unsettled] = field(default_factory=dict)
    """The sums over unsettled trades, by user and by what they tell of their order; they name one that was found or, as
    its trades may come before it, any id that was asked for.
    """
    stale_updates: tuple[OrderUpdate, ...] = ()
    """The STALE updates of the orders that were found."""
    update_seqs: Mapping[OrderKey, int] = field(default_factory=dict)
    """The `seq` of the newest update of each order that was found; 0 for one without any."""
    asset_names: tuple[BalanceKey, ...] = ()
    """The assets that `Selection.asset_names` asks for, as their users have them."""
    locked_balances: tuple[Balance, ...] = ()
    """The balances that `Selection.locked_balances` asks for, as their users have them, and the stored ones of
    `Selection.stored_balances`.
    """
    facts: tuple[BalanceEntry, ...] = ()
    """The journal entries that `Selection.facts` asks for."""
    placements: Mapping[tuple[UUID, UUID], Placement] = field(default_factory=dict)
    """For the SETTLED trades of that time, by `(user_id, trade_id)`: whether their orders are stored, and when those
    were placed here.
    """


Versioned = Order | Reservation | Trade
"""What has an id and a version."""

RowKey = tuple[str, int, int]
"""`("order", "reservation" or "trade", user_id, id)`, of the ids their numbers, which are hashed and compared in C."""

_ENTITIES: Mapping[type, str] = {Order: "order", Reservation: "reservation", Trade: "trade"}


def row_key(row: Versioned) -> RowKey:
    """What tells `row` from every other one."""
    return _ENTITIES[type(row)], row.user_id.int, row.id.int


def ids_of(key: RowKey) -> tuple[UUID, UUID]:
    """`(user_id, id)` of the row with this key."""
    _, user_id, row_id = key
    return UUID(int=user_id), UUID(int=row_id)


class KnownOrder(NamedTuple):
    """An order as it is stored, and the `seq` of the newest update of it, 0 if it has none."""

    order: Order
    last_seq: int


@dataclass(frozen=True, slots=True)
class Feed:
    """That what is changed is told as events of `topic`; `orders` are the stored ones of which anything changes, or is
    added to their history, by key.
    """

    topic: str
    orders: Mapping[OrderKey, KnownOrder] = field(default_factory=dict)

    def __post_init__(self) -> None:
        require_key(feed=self.topic)


@dataclass(frozen=True, slots=True)
class Changes:
    """What a decision changes, saved by `Transaction.save` as one operation.

    An order, reservation or trade whose `expected_version` is 0 is inserted; others replace the stored row, which must
    be at that version: the one before its own or, if named there, the one in `expected_versions`. Order updates and
    balance deltas are appended in their order; the storage gives their `seq`. `user_patches` change users as
    `users.update` does. `user_transfers` are inserted. With a `feed`, the events that tell of it are appended
    to the outbox.
    """

    orders: tuple[Order, ...] = ()
    order_updates: tuple[NewOrderUpdate, ...] = ()
    reservations: tuple[Reservation, ...] = ()
    trades: tuple[Trade, ...] = ()
    user_transfers: tuple[UserTransfer, ...] = ()
    balance_deltas: tuple[BalanceDelta, ...] = ()
    expected_versions: Mapping[RowKey, int] = field(default_factory=dict)
    user_patches: Mapping[UUID, UserPatch] = field(default_factory=dict)
    feed: Feed | None = None

    def expected_version(self, row: Versioned) -> int:
        """The version that the stored row must have; 0 for a row to be inserted."""
        if not self.expected_versions:
            return row.version - 1
        return self.expected_versions.get(row_key(row), row.version - 1)
