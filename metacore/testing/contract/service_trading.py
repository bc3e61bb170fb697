"""What the tests of the trading service have in common."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from decimal import Decimal
from typing import Any

import pytest

from metacore.domain.people.users import User
from metacore.domain.trading.balances import AccountBalance
from metacore.domain.trading.orders import NewOrder, Order, OrderStatus
from metacore.domain.trading.reports import ExecutionReport
from metacore.domain.trading.snapshots import AccountSnapshot
from metacore.domain.trading.trades import NewTrade
from metacore.sync.services.trading import TradingService
from metacore.sync.storage.storage import Storage
from metacore.testing.contract.base import Contract
from metacore.testing.factories import ExecutionReportFactory, NewOrderFactory, NewTradeFactory
from metacore.testing.runners import Runner

PRICE, SIZE = Decimal(50_000), Decimal("0.02")


class TradingContract(Contract):
    """Base of the tests of `metacore.services.trading.TradingService`."""

    @pytest.fixture
    def trading(self, runner: Runner, storage: Storage) -> TradingService:
        trading: TradingService = runner.service("TradingService", storage)
        return trading

    @pytest.fixture
    def order(self, trading: TradingService, user: User) -> Order:
        """A BUY of 0.02 BTC at 50,000 USDT that holds all there is."""
        trading.deposit(user.id, "USDT", Decimal(1000), "all")
        return trading.place_order(new_order(user))

    @pytest.fixture(autouse=True)
    def audited(self, storage: Storage, user: User) -> Iterator[None]:
        """Whatever a test does, all that is always true of money is true at its end."""
        yield
        assert not storage.balances.audit(user.id)


def new_order(user: User, **values: Any) -> NewOrder:
    order: NewOrder = NewOrderFactory.build(user_id=user.id, **values)
    return order


def fill(order: NewOrder, **values: Any) -> NewTrade:
    """A trade of half of `order`, free of commission."""
    fields = {"quantity": SIZE / 2, "price": PRICE, "commission": Decimal(0), "commission_asset": None, **values}
    trade: NewTrade = NewTradeFactory.build(of=order, **fields)
    return trade


def report(order: NewOrder, status: str, executed: Any = None, **values: Any) -> ExecutionReport:
    fields = {"status": OrderStatus(status), "executed_quantity": executed, "executed_quote_quantity": None, **values}
    made: ExecutionReport = ExecutionReportFactory.build(of=order, **fields)
    return made


def snapshot(taken_at: datetime, **totals: Any) -> AccountSnapshot:
    balances = tuple(AccountBalance(asset=asset, free=Decimal(total)) for asset, total in totals.items())
    return AccountSnapshot(taken_at=taken_at, balances=balances)


def money(storage: Storage, user: User) -> dict[str, str]:
    """What the user has of each asset, "free / locked"."""
    return {row.asset: f"{row.free:f} / {row.locked:f}" for row in storage.balances.list(user.id, nonzero=True)}
