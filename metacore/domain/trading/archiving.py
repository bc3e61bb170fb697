"""Archiving: which of a user's history is closed, so that it may be taken out, and what must stay for the law to hold.

Closed is what nothing that is told from then on can change or ask for. An order goes with all of its trades: where an
order is stored, a trade of it that is not was never told. So a trade or report of before `User.archived_until` that
finds no order is refused: it may have been taken out, and shall not count twice. What goes is older than that by
`GRACE`, for two messages may tell one fact with times that differ. References of deposits and withdrawals are asked for
whatever the time: their entries stay.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Self
from uuid import UUID

from metacore.domain.people.users import User
from metacore.domain.trading.balances import UNIQUELY_REFERENCED, Balance, BalanceDelta, BalanceEntry, EntryReason
from metacore.domain.trading.journal import line
from metacore.domain.trading.order_updates import OrderUpdate
from metacore.domain.trading.orders import Order
from metacore.domain.trading.trades import Trade, TradeState
from metacore.domain.values.amounts import total
from metacore.domain.values.model import Model
from metacore.domain.values.text import Key
from metacore.domain.values.times import Time
from metacore.errors import ArchivedError, ConflictError, InvalidDataError

GRACE = timedelta(hours=1)
"""How much older than `archived_until` history is when it goes, and by how much it comes before what an account
snapshot may look at: more than any two clocks, or the tolerance of snapshots, differ.
"""


class History(Model):
    """Rows of one user that are taken out together: orders with all of their updates and trades, other trades, and
    entries of the journal.
    """

    user_id: UUID
    orders: tuple[Order, ...] = ()
    order_updates: tuple[OrderUpdate, ...] = ()
    trades: tuple[Trade, ...] = ()
    entries: tuple[BalanceEntry, ...] = ()

    def counts(self) -> dict[str, int]:
        """How many rows of each kind it has."""
        return {name: len(getattr(self, name)) for name in KINDS}

    def has_rows(self) -> bool:
        """Whether it has any."""
        return any(self.counts().values())

    @classmethod
    def of_orders(cls, user_id: UUID, closed: Iterable[OrderHistory]) -> Self:
        """That of orders of the user."""
        orders, updates, trades = [], list[OrderUpdate](), list[Trade]()
        for each in closed:
            orders.append(each.order)
            updates += each.updates
            trades += each.trades
        return cls(user_id=user_id, orders=tuple(orders), order_updates=tuple(updates), trades=tuple(trades))

    def orders_with_settled(self) -> Iterator[tuple[Order, Decimal]]:
        """Its orders, each with the sum of its SETTLED trades."""
        settled: dict[UUID | None, list[Decimal]] = {}
        for trade in self.trades:
            if trade.state is TradeState.SETTLED:
                settled.setdefault(trade.order_id, []).append(trade.quantity)
        return ((order, total(settled.get(order.id, ()))) for order in self.orders)


KINDS = ("orders", "order_updates", "trades", "entries")


class ArchivePart(Model):
    """What was taken out of a user's history at once, as number 1, 2, 3... of the user's parts: how many rows of each
    kind. `digest` is that of where they are kept.
    """

    user_id: UUID
    number: int
    digest: Key
    orders: int
    order_updates: int
    trades: int
    entries: int
    created_at: Time

    @classmethod
    def of(cls, history: History, number: int, digest: str, now: datetime) -> Self:
        """The part that `history` becomes when it is taken out at `now`."""
        return cls(user_id=history.user_id, number=number, digest=digest, created_at=now, **history.counts())

    def counts(self) -> dict[str, int]:
        """How many rows of each kind it has."""
        return {name: getattr(self, name) for name in KINDS}


@dataclass(frozen=True, slots=True)
class OrderHistory:
    """An order with all of its updates, and all trades that carry its id."""

    order: Order
    updates: Sequence[OrderUpdate]
    trades: Sequence[Trade]


def archived_until(user: User, before: datetime, now: datetime) -> datetime:
    """Up to when the history of `user` can be archived: `before`, or the newest account snapshot if that is older.

    InvalidDataError if `before` is not in the past.
    """
    if before >= now:
        raise InvalidDataError("only what is past can be archived", field="before")
    return before if user.balances_as_of is None else min(before, user.balances_as_of)


def require_unarchived(user: User, moment: datetime, field: str) -> None:
    """ArchivedError, naming `field`, if what happened at `moment` may have been taken out."""
    if user.archived_until is not None and moment < user.archived_until:
        raise ArchivedError(user.archived_until, field=field)


def is_too_old_for_facts(user: User, moment: datetime) -> bool:
    """Whether facts from `moment` on may be missing, because they were taken out."""
    return user.archived_until is not None and moment < user.archived_until - GRACE


def id_time(made: UUID) -> datetime | None:
    """When a UUIDv7 was made; None of other ids, which do not tell, and of one that tells a year past 9999."""
    if made.version != 7:
        return None
    try:
        return datetime.fromtimestamp((made.int >> 80) / 1000, tz=UTC)
    except ValueError:
        return None


def may_be_closed(order: Order) -> bool:
    """Whether an order may be closed, as far as it tells by itself: its status is, and it holds nothing."""
    return not order.is_open and not order.held_amount


def is_closed_order(history: OrderHistory, cut: datetime, waiting: Iterable[Trade]) -> bool:
    """Whether an order is closed: it may be, trades of all that it executed are known, none of which waits, nor any of
    those `waiting` that name it; and all of it is older than `cut`.
    """
    order = history.order
    if not may_be_closed(order) or max(order.created_at, order.updated_at) >= cut:
        return False
    if any(max(update.occurred_at, update.recorded_at) >= cut for update in history.updates):
        return False
    if not all(is_closed_trade(trade, cut) for trade in history.trades) or any(trade.is_of(order) for trade in waiting):
        return False
    return total(trade.quantity for trade in history.trades) >= order.executed_quantity


def is_closed_trade(trade: Trade, cut: datetime) -> bool:
    """Whether a trade, whose order is not stored or is closed, is closed: it does not wait, and is older than `cut`."""
    moment = max(trade.traded_at, trade.created_at, trade.updated_at)
    return trade.state is not TradeState.PENDING and moment < cut


def is_closed_entry(entry: BalanceEntry, cut: datetime) -> bool:
    """Whether an entry is older than `cut`, so that it is closed if all before it are."""
    return max(entry.occurred_at, entry.created_at) < cut


def stays(entry: BalanceEntry) -> bool:
    """Whether an entry stays for ever, for it is asked for by its reference."""
    return entry.reason in UNIQUELY_REFERENCED and entry.reference is not None


def checkpoint(balance: Balance, first: int, now: datetime) -> BalanceDelta:
    """The CHECKPOINT of a balance, whose entries before `first` may be taken out: it moves nothing, and tells `first`
    as its reference.
    """
    return line(*balance.key, EntryReason.CHECKPOINT, str(first), now)


def first_after(entry: BalanceEntry) -> int | None:
    """The `seq` that a CHECKPOINT tells; None of other entries, and of one that tells none."""
    text = entry.reference or ""
    if entry.reason is not EntryReason.CHECKPOINT or not (text.isascii() and text.isdigit()) or len(text) > 18:
        return None
    return int(text) if 1 <= int(text) <= entry.seq else None


def missing_orders(trades: Iterable[Trade], stored: Iterable[Order]) -> list[Trade]:
    """Those of `trades` whose order is not among those `stored`."""
    names = {(order.user_id, name) for order in stored for name in order.order_ids.names()}
    return [trade for trade in trades if not any((trade.user_id, name) in names for name in trade.order_ids.names())]


def gone(history: History, orders: int, trades: int, entries: int) -> ConflictError | None:
    """The error of taking out `history`, if so many rows of it were there; None if all were."""
    found = {"orders": orders, "trades": trades, "entries": entries}
    missing = [
        f"{expected - found[kind]} {kind}"
        for kind, expected in history.counts().items()
        if found.get(kind, expected) < expected
    ]
    if not missing:
        return None
    return ConflictError(
        f"of what is to be taken out, {', '.join(missing)} changed or went meanwhile; read it again",
        conflicts=tuple(missing),
    )
