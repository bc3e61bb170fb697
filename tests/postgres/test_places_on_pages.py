"""An order keeps its place on its page, and in all indexes, while reports and fills leave it open and holding."""

from collections.abc import Iterator
from decimal import Decimal

import psycopg
import pytest

from metacore.config import Settings
from metacore.domain.trading.orders import OrderStatus
from metacore.postgres.client.statement import Statement
from metacore.sync import ExecutionReport, Storage, TradingService, connect
from metacore.testing.factories import NewOrderFactory, NewTradeFactory, NewUserFactory

from .blocks import FLUSH

MOVES = "SELECT n_tup_upd, n_tup_hot_upd FROM pg_stat_user_tables WHERE schemaname = 'metacore' AND relname = 'orders'"


@pytest.fixture
def storage(metacore_database_url: str) -> Iterator[Storage]:
    with connect(metacore_database_url, settings=Settings(pool_max_size=1)) as storage:
        yield storage


def test_an_order_that_stays_open_changes_no_index(storage: Storage, metacore_database_url: str) -> None:
    trading = TradingService(storage)
    user = storage.users.create(NewUserFactory.build())
    trading.deposit(user.id, "USDT", Decimal(10**6), "opening")
    new = NewOrderFactory.build(user_id=user.id, side="BUY", price=Decimal(1), quantity=Decimal(10))
    order = trading.place_order(new)

    def report(status: OrderStatus, executed: int) -> None:
        trading.apply_report(
            ExecutionReport(
                user_id=user.id, order_id=order.id, status=status, executed_quantity=executed, occurred_at=storage.now()
            )
        )

    def moves() -> tuple[int, int]:
        storage._session.fetch(Statement("flush", FLUSH), {})
        row = admin.execute(MOVES).fetchone()
        assert row is not None
        return row

    with psycopg.connect(metacore_database_url, autocommit=True) as admin:
        assert moves() == (0, 0)
        report(OrderStatus.NEW, 0)
        assert moves() == (1, 1)
        for number in range(1, 4):
            trade = NewTradeFactory.build(of=order, price=Decimal(1), quantity=Decimal(1), commission=Decimal(0))
            trading.settle_trade(trade)
            report(OrderStatus.PARTIALLY_FILLED, number)
        assert moves() == (4, 4)
        report(OrderStatus.CANCELED, 3)
        assert moves() == (5, 4)
