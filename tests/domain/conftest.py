"""A day of trading: one user, times that only move on by hand, the commands of a service over dictionaries."""

from collections.abc import Sequence
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, TypeVar
from uuid import UUID

import pytest

from metacore.domain.people.users import User
from metacore.domain.trading.balances import AccountBalance, EntryReason
from metacore.domain.trading.commands import Command
from metacore.domain.trading.orders import NewOrder, Order, OrderSide, OrderStatus, OrderType
from metacore.domain.trading.placing import CancelOrder, Placement, PlaceOrders, RejectUnknown, ReleaseHold, Remark
from metacore.domain.trading.reporting import ApplyReports
from metacore.domain.trading.reports import ExecutionReport, Outcome, ReportResult
from metacore.domain.trading.settlement import SettlementResult
from metacore.domain.trading.settling import SettlePending, SettleTrades
from metacore.domain.trading.snapshots import AccountSnapshot, SnapshotResult, SyncAccount
from metacore.domain.trading.trades import NewTrade, TradeState
from metacore.domain.trading.transfers import Transfer, TransferFunds
from metacore.sync.services.commands import execute

from .rows import Holder, Rows

USER = UUID(int=1)
START = datetime(2026, 1, 1, tzinfo=UTC)

R = TypeVar("R")


class Day(Rows):
    """What happens at an exchange in a day, and the commands that it is told to a service by."""

    def __init__(self) -> None:
        super().__init__(User(id=USER, created_at=START, updated_at=START))
        self.serial = 0

    def number(self) -> int:
        self.serial += 1
        return self.serial

    def execute(self, command: Command[R]) -> R:
        return execute(Holder(self), command)

    # Orders, trades and reports, with what is left out filled in.

    def order(self, side: str = "BUY", **values: Any) -> NewOrder:
        fields = {
            "id": UUID(int=1000 + self.number()),
            "user_id": USER,
            "symbol": "BTCUSDT",
            "base_asset": "BTC",
            "quote_asset": "USDT",
            "type": OrderType.LIMIT,
        }
        return NewOrder(**{**fields, "side": OrderSide(side), **values})

    def trade(self, order: NewOrder, quantity: Any, price: Any, **values: Any) -> NewTrade:
        number = self.number()
        fields = {
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
        return NewTrade(**{**fields, **values})

    def report(self, of: NewOrder | None, status: str, executed: Any = None, **values: Any) -> ExecutionReport:
        fields = {"user_id": USER, "executed_quantity": executed, "occurred_at": self.now}
        if of is not None:
            fields["order_id"] = of.id
        return ExecutionReport(**{**fields, "status": OrderStatus(status), **values})

    # The commands.

    def deposit(self, asset: str, amount: Any, reference: str | None = None, at: datetime | None = None) -> Outcome:
        return self._transfer(EntryReason.DEPOSIT, asset, amount, reference, at)

    def withdraw(self, asset: str, amount: Any, reference: str | None = None, at: datetime | None = None) -> Outcome:
        return self._transfer(EntryReason.WITHDRAWAL, asset, amount, reference, at)

    def place(self, order: NewOrder, hold: Any = None) -> Order:
        [placed] = self.execute(PlaceOrders([Placement(order=order, hold=hold)]))
        return placed

    def place_all(self, orders: Sequence[NewOrder]) -> list[Order]:
        return list(self.execute(PlaceOrders([Placement(order=order) for order in orders])))

    def buy(self, deposit: Any = 1000, hold: Any = None, **values: Any) -> Order:
        """A BUY of 10 BTC at 100 USDT, with USDT deposited for it."""
        self.deposit("USDT", deposit)
        return self.place(self.order(**{"price": 100, "quantity": 10, **values}), hold)

    def sell(self, deposit: Any = 10, hold: Any = None) -> Order:
        """A SELL of 10 BTC at 100 USDT, with BTC deposited for it."""
        self.deposit("BTC", deposit)
        return self.place(self.order("SELL", price=100, quantity=10), hold)

    def cancel(self, order: NewOrder, reason: str | None = None) -> Order:
        return self.execute(CancelOrder(USER, order.id, Remark(reason=reason)))

    def reject_unknown(self, order: NewOrder) -> Order:
        return self.execute(RejectUnknown(USER, order.id))

    def end_hold(self, order: NewOrder, reason: str = "never came") -> Order:
        return self.execute(ReleaseHold(USER, order.id, Remark(reason=reason)))

    def apply(self, *reports: ExecutionReport) -> list[ReportResult]:
        return list(self.execute(ApplyReports(reports)))

    def settle(self, *trades: NewTrade) -> list[SettlementResult]:
        return list(self.execute(SettleTrades(trades)))

    def settle_pending(self) -> list[SettlementResult]:
        pending = [trade for trade in self.trades.values() if trade.state is TradeState.PENDING]
        pending.sort(key=lambda trade: (trade.traded_at, trade.id))
        return list(self.execute(SettlePending(USER, pending)))

    def outcome(self, trade: NewTrade) -> Outcome:
        [result] = self.settle(trade)
        return result.outcome

    def sync(self, totals: dict[str, Any], at: datetime | None = None) -> Outcome:
        return self.take(totals, at).outcome

    def take(self, totals: dict[str, Any], at: datetime | None = None, is_partial: bool = False) -> SnapshotResult:
        balances = tuple(AccountBalance(asset=asset, free=Decimal(total)) for asset, total in totals.items())
        snapshot = AccountSnapshot(taken_at=at or self.now, balances=balances, is_partial=is_partial)
        return self.execute(SyncAccount(USER, snapshot))

    def _transfer(
        self, reason: EntryReason, asset: str, amount: Any, reference: str | None, at: datetime | None
    ) -> Outcome:
        transfer = Transfer(
            user_id=USER,
            asset=asset,
            amount=amount,
            reference=reference or f"r{self.number()}",
            reason=reason,
            occurred_at=at or self.now,
        )
        [result] = self.execute(TransferFunds([transfer]))
        return result.outcome


@pytest.fixture
def day() -> Day:
    return Day()


@pytest.fixture(scope="session")
def new_day() -> type[Day]:
    return Day
