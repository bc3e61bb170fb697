"""A desk: the money rules over dictionaries, one user, times that only move on by hand."""

from collections.abc import Callable, Sequence
from copy import copy
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest

from metacore.domain.people.users import User
from metacore.domain.trading import placing as order_commands
from metacore.domain.trading import reporting, settlement, snapshots, transfers
from metacore.domain.trading.audit import Audit, AuditFinding
from metacore.domain.trading.balances import (
    HOLDING,
    AccountBalance,
    Balance,
    BalanceEntry,
    BalanceKey,
    EntryReason,
    apply_deltas,
)
from metacore.domain.trading.decisions import NOTHING_UNSETTLED, Changes, Loaded, Selection, Unsettled
from metacore.domain.trading.order_ids import UserOrderIds
from metacore.domain.trading.order_updates import NewOrderUpdate
from metacore.domain.trading.orders import NewOrder, Order, OrderKey, OrderSide, OrderStatus, OrderType
from metacore.domain.trading.reports import ExecutionReport, Outcome, ReportResult
from metacore.domain.trading.settlement import SettlementResult
from metacore.domain.trading.trades import NewTrade, Trade, TradeState
from metacore.domain.trading.unit_of_work import UnitOfWork
from metacore.domain.trading.user_state import UserState

USER = UUID(int=1)
START = datetime(2026, 1, 1, tzinfo=UTC)


class Desk:
    """Loads, decides and saves like a service, and audits itself after every decision."""

    def __init__(self) -> None:
        self.now = START
        new = {"id": USER, "created_at": START, "updated_at": START}
        self.users = {USER: User(**new)}
        self.orders: dict[OrderKey, Order] = {}
        self.trades: dict[UUID, Trade] = {}
        self.balances: dict[BalanceKey, Balance] = {}
        self.entries: list[BalanceEntry] = []
        self.updates: list[NewOrderUpdate] = []
        self.serial = 0

    def copy(self) -> "Desk":
        """A desk that goes on from here by itself; what is stored is frozen and may be shared."""
        twin = Desk()
        twin.__dict__.update({name: copy(value) for name, value in self.__dict__.items()})
        return twin

    def number(self) -> int:
        self.serial += 1
        return self.serial

    # What happens at an exchange, with what is not told filled in.

    def order(self, side: str = "BUY", **values: Any) -> NewOrder:
        told = {
            "id": UUID(int=1000 + self.number()),
            "user_id": USER,
            "symbol": "BTCUSDT",
            "base_asset": "BTC",
            "quote_asset": "USDT",
            "type": OrderType.LIMIT,
        }
        return NewOrder(**{**told, "side": OrderSide(side), **values})

    def trade(self, order: NewOrder, quantity: Any, price: Any, **values: Any) -> NewTrade:
        number = self.number()
        told = {
            "id": UUID(int=2000 + number),
            "user_id": USER,
            "order_id": order.id,
            "exchange_trade_id": f"t{number}",
            "symbol": order.symbol,
            "side": order.side,
            "price": price,
            "quantity": quantity,
            "traded_at": self.now,
        }
        return NewTrade(**{**told, **values})

    def report(self, of: NewOrder | None, status: str, executed: Any = None, **values: Any) -> ExecutionReport:
        told = {"user_id": USER, "executed_quantity": executed, "occurred_at": self.now}
        if of is not None:
            told["order_id"] = of.id
        return ExecutionReport(**{**told, "status": OrderStatus(status), **values})

    # The commands of a service.

    def deposit(self, asset: str, amount: Any, reference: str | None = None, at: datetime | None = None) -> Outcome:
        return self._transfer(EntryReason.DEPOSIT, asset, amount, reference, at)

    def withdraw(self, asset: str, amount: Any, reference: str | None = None, at: datetime | None = None) -> Outcome:
        return self._transfer(EntryReason.WITHDRAWAL, asset, amount, reference, at)

    def place(self, order: NewOrder, hold: Any = None) -> Order:
        work = self.work(order_commands.selection([order]), order_commands.balances_of([order]))
        return self._saved(work, order_commands.place(work, order_commands.Placement(order=order, hold=hold)))

    def buy(self, deposit: Any = 1000, hold: Any = None, **values: Any) -> Order:
        """A BUY of 10 BTC at 100 USDT, with USDT deposited for it."""
        self.deposit("USDT", deposit)
        return self.place(self.order(**{"price": 100, "quantity": 10, **values}), hold)

    def sell(self, deposit: Any = 10, hold: Any = None) -> Order:
        """A SELL of 10 BTC at 100 USDT, with BTC deposited for it."""
        self.deposit("BTC", deposit)
        return self.place(self.order("SELL", price=100, quantity=10), hold)

    def place_all(self, orders: Sequence[NewOrder]) -> list[Order]:
        work = self.work(order_commands.selection(orders), order_commands.balances_of(orders))
        placements = [order_commands.Placement(order=order) for order in orders]
        return self._saved(work, [order_commands.place(work, placement) for placement in placements])

    def cancel(self, order: Order, reason: str | None = None) -> Order:
        return self._command(order, lambda state, stored: order_commands.cancel(state, stored, reason))

    def end_hold(self, order: Order, reason: str = "never came") -> Order:
        return self._command(order, lambda state, stored: order_commands.end_hold(state, stored, reason))

    def apply(self, *reports: ExecutionReport) -> list[ReportResult]:
        selection = reporting.selection(reports)
        work = self.work(selection, reporting.balances_of(reports, self._load(selection).orders))
        return self._saved(work, [reporting.apply_report(work, report) for report in reports])

    def settle(self, *trades: NewTrade) -> list[SettlementResult]:
        selection = settlement.selection(trades)
        work = self.work(selection, settlement.balances_of(trades, self._load(selection).orders))
        return self._saved(work, [settlement.settle_trade(work, trade) for trade in trades])

    def settle_pending(self) -> list[SettlementResult]:
        pending = [trade for trade in self.trades.values() if trade.state is TradeState.PENDING]
        return self.settle(*sorted(pending, key=lambda trade: (trade.traded_at, trade.id)))

    def sync(self, totals: dict[str, Any], at: datetime | None = None) -> Outcome:
        told = tuple(AccountBalance(asset=asset, free=Decimal(total)) for asset, total in totals.items())
        snapshot = snapshots.AccountSnapshot(taken_at=at or self.now, balances=told)
        loaded = self._load(snapshots.selection(USER, snapshot))
        if snapshot.is_stale(self.users[USER], loaded.moved):
            return Outcome.STALE
        keys = snapshots.balances_of(USER, snapshot, self.balances.values(), loaded.orders)
        changes = snapshots.take_over(USER, snapshot, loaded.orders, self._open(keys), self.now)
        self.users[USER] = self.users[USER].patched(snapshot.patch(), self.now)
        self._save(changes)
        return Outcome.APPLIED

    # What is stored now.

    def money(self) -> dict[str, str]:
        rows = sorted(self.balances.values(), key=lambda balance: balance.asset)
        return {row.asset: f"{row.free:f} / {row.locked:f}" for row in rows if row.free or row.locked}

    def outcome(self, trade: NewTrade) -> Outcome:
        [result] = self.settle(trade)
        return result.outcome

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
        return self.orders, rows, history, journal, amounts

    def audit(self) -> list[AuditFinding]:
        settled: dict[UUID, Decimal] = {}
        for trade in self.trades.values():
            if trade.state is TradeState.SETTLED and trade.order_id is not None:
                settled[trade.order_id] = settled.get(trade.order_id, Decimal(0)) + trade.quantity
        audit = Audit(USER)
        audit.read_entries(sorted(self.entries, key=lambda entry: (entry.asset, entry.seq)))
        audit.read_orders((order, settled.get(order.id, Decimal(0))) for order in self.orders.values())
        return audit.findings(self.balances.values())

    def wait(self, seconds: int = 1) -> datetime:
        self.now += timedelta(seconds=seconds)
        return self.now

    # Loading and saving.

    def work(self, selection: Selection, keys: set[BalanceKey]) -> UnitOfWork:
        work = UnitOfWork(self._load(selection), self.now)
        work.open_balances(self._open(keys))
        return work

    def _command(self, order: NewOrder, command: Callable[[UserState, Order], Order]) -> Order:
        stored = self.orders.get((USER, order.id))
        keys = order_commands.balance_held(stored) if stored else set()
        work = self.work(order_commands.selection_by_id(USER, order.id), keys)
        return self._saved(work, command(work.state_of(USER), work.state_of(USER).order(order.id)))

    def _transfer(
        self, reason: EntryReason, asset: str, amount: Any, reference: str | None, at: datetime | None
    ) -> Outcome:
        transfer = transfers.Transfer(
            user_id=USER,
            asset=asset,
            amount=amount,
            reference=reference or f"r{self.number()}",
            reason=reason,
            occurred_at=at or self.now,
        )
        work = self.work(transfers.selection(transfer), {transfer.key})
        return self._saved(work, transfers.transfer_funds(work, transfer))

    def _load(self, selection: Selection) -> Loaded:
        named = {(user_id, name) for user_id, ids in selection.orders for name in ids.names()}
        orders = tuple(
            order
            for _, order in sorted(self.orders.items())
            if any((order.user_id, name) in named for name in order.order_ids.names())
            or (selection.holding and order.held_amount)
        )
        named |= {(order.user_id, name) for order in orders for name in order.order_ids.names()}
        sums: dict[UserOrderIds, Unsettled] = {}
        for row in self.trades.values():
            name = (row.user_id, row.order_ids.own_first())
            if row.state is not TradeState.SETTLED and name in named:
                before = sums.get(name, NOTHING_UNSETTLED)
                sums[name] = Unsettled(before.quantity + row.quantity, before.quote_quantity + row.quote_quantity)
        entries = [row for row in self.entries if (row.user_id, row.reason, row.reference) in selection.entries]
        return Loaded(
            entries=tuple(entries),
            users={user_id: self.users[user_id] for user_id in selection.users if user_id in self.users},
            orders=orders,
            trades=tuple(trade for trade in self.trades.values() if trade.key in selection.trades),
            unsettled=sums,
            moved=(after := selection.moved_after) is not None
            and any(entry.occurred_at > after and entry.reason not in HOLDING for entry in self.entries),
        )

    def _open(self, keys: set[BalanceKey]) -> list[Balance]:
        return [self.balances.setdefault(key, Balance.empty(*key, self.now)) for key in sorted(keys)]

    def _saved(self, work: UnitOfWork, results: Any) -> Any:
        self._save(work.changes())
        return results

    def _save(self, changes: Changes) -> None:
        for row, table in (
            *((row, self.orders) for row in changes.orders),
            *((row, self.trades) for row in changes.trades),
        ):
            key = row.key if isinstance(row, Order) else row.id
            before = table.get(key)
            assert (before.version if before else 0) == changes.expected_version(row)
            table[key] = row
        self.updates += changes.order_updates
        balances, entries = apply_deltas(self.balances, changes.balance_deltas, self.now)
        self.balances |= balances
        self.entries += entries
        assert self.audit() == []


@pytest.fixture
def desk() -> Desk:
    return Desk()


@pytest.fixture(scope="session")
def new_desk() -> type[Desk]:
    return Desk
