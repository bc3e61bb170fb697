"""What is stored of one user's trading, in dictionaries that tests may change as they like."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from copy import copy
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any, Self, TypeVar
from uuid import UUID

from metacore.domain.people.users import User
from metacore.domain.trading.audit import Audit, AuditFinding
from metacore.domain.trading.balances import FACTS, Balance, BalanceEntry, BalanceHead, BalanceKey
from metacore.domain.trading.decisions import NOTHING_UNSETTLED, Changes, Loaded, Selection, TradesOf, Unsettled
from metacore.domain.trading.entries import apply_deltas
from metacore.domain.trading.order_ids import UserOrderIds
from metacore.domain.trading.order_updates import NewOrderUpdate, OrderUpdate, UpdateOutcome
from metacore.domain.trading.orders import NewOrder, Order, OrderKey
from metacore.domain.trading.reservations import Reservation, ReservationKey
from metacore.domain.trading.trades import Trade, TradeState
from metacore.domain.values.amounts import addition

T = TypeVar("T")


class Rows:
    """The rows, by key, and the time, which only moves on by hand."""

    def __init__(self, user: User) -> None:
        self.now = user.created_at
        self.user_id = user.id
        self.users = {user.id: user}
        self.orders: dict[OrderKey, Order] = {}
        self.reservations: dict[ReservationKey, Reservation] = {}
        self.trades: dict[UUID, Trade] = {}
        self.balances: dict[BalanceKey, Balance] = {}
        self.entries: list[BalanceEntry] = []
        self.updates: list[NewOrderUpdate] = []

    def copy(self) -> Self:
        """What goes on from here by itself; what is stored is frozen and may be shared."""
        twin = copy(self)
        twin.__dict__.update({name: copy(value) for name, value in self.__dict__.items()})
        return twin

    def wait(self, seconds: int = 1) -> datetime:
        self.now += timedelta(seconds=seconds)
        return self.now

    def money(self) -> dict[str, str]:
        rows = sorted(self.balances.values(), key=lambda balance: balance.asset)
        return {row.asset: f"{row.free:f} / {row.locked:f}" for row in rows if row.free or row.locked}

    def unexplained(self) -> dict[str, Decimal]:
        rows = sorted(self.balances.values(), key=lambda balance: balance.asset)
        return {row.asset: row.unexplained for row in rows if row.unexplained}

    def lines(self, reference: UUID) -> list[tuple[str, str, str, str]]:
        return [
            (entry.asset, entry.reason, f"{entry.delta_free:f}", f"{entry.delta_locked:f}")
            for entry in self.entries
            if entry.reference == str(reference)
        ]

    def stored(self, order: NewOrder) -> Order:
        return self.orders[order.user_id, order.id]

    def history(self, order: NewOrder) -> list[NewOrderUpdate]:
        return [update for update in self.updates if update.order_id == order.id]

    def state(self) -> tuple[Any, ...]:
        rows = sorted(self.trades.values(), key=lambda trade: trade.id)
        history = {key: [update for update in self.updates if update.order_id == key[1]] for key in self.orders}
        # A balance that nothing ever moved was only locked.
        moved = {key: row for key, row in self.balances.items() if row.last_seq}
        journal = {key: [entry for entry in self.entries if entry.key == key] for key in moved}
        amounts = {key: (row.free, row.locked, row.last_seq) for key, row in moved.items()}
        return dict(self.orders), rows, history, journal, amounts

    def audit(self, heads: Iterable[BalanceHead] = ()) -> list[AuditFinding]:
        settled: dict[UUID, Decimal] = {}
        for trade in self.trades.values():
            if trade.state is TradeState.SETTLED and trade.order_id is not None:
                settled[trade.order_id] = addition(settled.get(trade.order_id, Decimal(0)), trade.quantity)
        audit = Audit(self.user_id, heads=heads)
        audit.read_entries(sorted(self.entries, key=lambda entry: (entry.asset, entry.seq)))
        audit.read_orders((order, settled.get(order.id, Decimal(0))) for order in self.orders.values())
        audit.read_reserved((row.asset, row.held_amount) for row in self.reservations.values())
        return audit.findings(self.balances.values())


class Holder:
    """`rows` as the storage, and the transaction, that commands are executed on; it audits every save."""

    def __init__(self, rows: Rows) -> None:
        self._rows = rows

    @property
    def balances(self) -> Self:
        return self

    def now(self) -> datetime:
        return self._rows.now

    def run(self, fn: Callable[[Self], T]) -> T:
        before = self._rows.copy()
        try:
            return fn(self)
        except BaseException:
            self._rows.__dict__.update(before.__dict__)
            raise

    def get_many(self, keys: Iterable[BalanceKey], for_update: bool) -> Sequence[Balance]:
        assert for_update
        balances = self._rows.balances
        return [balances.setdefault(key, Balance.empty(*key, self.now())) for key in sorted(keys)]

    def load(self, selection: Selection) -> Loaded:
        rows = self._rows
        named = {(user_id, name) for user_id, ids in selection.orders for name in ids.names()}
        orders = tuple(
            order
            for _, order in sorted(rows.orders.items())
            if any((order.user_id, name) in named for name in order.order_ids.names())
            or (selection.holding and order.held_amount)
        )
        named |= {(order.user_id, name) for order in orders for name in order.order_ids.names()}
        return Loaded(
            users={user_id: rows.users[user_id] for user_id in selection.users if user_id in rows.users},
            orders=orders,
            reservations=tuple(
                row
                for key, row in sorted(rows.reservations.items())
                if key in selection.reservations
                or row.named in selection.reservation_references
                or (selection.holding and row.held_amount)
            ),
            trades=tuple(
                trade
                for trade in rows.trades.values()
                if trade.key in selection.trades or (trade.user_id, trade.id) in selection.trade_ids
            ),
            entries=tuple(row for row in rows.entries if (row.user_id, row.reason, row.reference) in selection.entries),
            balances=tuple(row for _, row in sorted(rows.balances.items())) if selection.balances else (),
            unsettled=_sums(rows.trades.values(), named) if selection.unsettled else {},
            stale_updates=tuple(
                OrderUpdate.recorded(row, seq, rows.now)
                for seq, row in enumerate(rows.updates, 1)
                if row.outcome is UpdateOutcome.STALE and any(row.order_id == order.id for order in orders)
            )
            if selection.stale_updates
            else (),
            locked_balances=tuple(
                self.get_many((key for key in selection.locked_balances if key[0] in rows.users), True)
            ),
            **self._facts(selection),
        )

    def _facts(self, selection: Selection) -> dict[str, Any]:
        rows, [user] = self._rows, self._rows.users.values()
        around = selection.facts and (selection.facts.around or user.balances_as_of)
        if selection.facts is None or around is None:
            return {}
        start, end = selection.facts.bounds(around)
        facts = (entry for entry in rows.entries if entry.reason in FACTS and start <= entry.occurred_at <= end)
        trades = (trade for trade in rows.trades.values() if trade.state is TradeState.SETTLED)
        orders = {trade.id: rows.orders.get((trade.user_id, trade.order_id)) for trade in trades}
        return {
            "facts": tuple(sorted(facts, key=lambda entry: (entry.asset, entry.seq))),
            "placements": {
                (user.id, trade_id): (order is not None, order and order.placed_at)
                for trade_id, order in orders.items()
            },
        }

    def save(self, decided: Changes | Iterable[Changes], last: bool) -> Mapping[BalanceKey, Balance]:
        assert last
        saved: dict[BalanceKey, Balance] = {}
        for changes in (decided,) if isinstance(decided, Changes) else decided:
            saved |= self._save(changes)
        return saved

    def _save(self, changes: Changes) -> Mapping[BalanceKey, Balance]:
        rows = self._rows
        for order in changes.orders:
            before = rows.orders.get(order.key)
            assert (before.version if before else 0) == changes.expected_version(order)
            rows.orders[order.key] = order
        for row in changes.reservations:
            kept = rows.reservations.get(row.key)
            assert (kept.version if kept else 0) == changes.expected_version(row)
            rows.reservations[row.key] = row
        for trade in changes.trades:
            stored = rows.trades.get(trade.id)
            assert (stored.version if stored else 0) == changes.expected_version(trade)
            rows.trades[trade.id] = trade
        for user_id, patch in changes.user_patches.items():
            rows.users[user_id] = rows.users[user_id].patched(patch, rows.now)
        rows.updates += changes.order_updates
        balances, entries = apply_deltas(rows.balances, changes.balance_deltas, rows.now)
        rows.balances |= balances
        rows.entries += entries
        assert rows.audit() == []
        return balances


def _sums(trades: Iterable[Trade], named: set[UserOrderIds]) -> dict[tuple[UUID, TradesOf], Unsettled]:
    sums: dict[tuple[UUID, TradesOf], Unsettled] = {}
    for row in trades:
        key = (row.user_id, TradesOf.of(row))
        if row.state is not TradeState.SETTLED and (row.user_id, key[1].name) in named:
            before = sums.get(key, NOTHING_UNSETTLED)
            sums[key] = Unsettled(before.quantity + row.quantity, before.quote_quantity + row.quote_quantity)
    return sums
