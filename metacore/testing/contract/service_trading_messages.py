"""The contract of the trading service: arguments that are none, and messages that come in odd orders."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from metacore.domain.people.users import User, UserPatch
from metacore.domain.trading.balances import EntryReason
from metacore.domain.trading.orders import NewOrder, OrderSide, OrderStatus, OrderType
from metacore.domain.trading.reconciliation import ExchangeState
from metacore.domain.trading.reports import ExecutionReport, Outcome
from metacore.domain.trading.transfers import Transfer
from metacore.errors import ConflictError, InvalidDataError
from metacore.sync.services.reconciling import Reconciler
from metacore.sync.services.trading import TradingService
from metacore.sync.storage.storage import Storage
from metacore.testing.clock import START, ManualClock
from metacore.testing.contract.samples import NOBODY
from metacore.testing.contract.service_trading import SIZE, TradingContract, fill, money, new_order, report, snapshot
from metacore.testing.runners import Runner

WRONG: tuple[Any, ...] = (None, "text", 1, {}, [])

CALLS: dict[str, Callable[[TradingService, Any], object]] = {
    "order": lambda trading, wrong: trading.place_order(wrong),
    "orders": lambda trading, wrong: trading.place_orders([wrong]),
    "report": lambda trading, wrong: trading.apply_report(wrong),
    "reports": lambda trading, wrong: trading.apply_reports([wrong]),
    "trade": lambda trading, wrong: trading.settle_trade(wrong),
    "trades": lambda trading, wrong: trading.settle_trades([wrong]),
    "snapshot": lambda trading, wrong: trading.sync_account(NOBODY, wrong),
}


class TradingMessageContract(TradingContract):
    """Of messages that come too late, too early, or are none."""

    @pytest.mark.parametrize("field", CALLS)
    def test_the_error_names_the_argument_that_is_no_model(self, trading: TradingService, field: str) -> None:
        for wrong in WRONG:
            with pytest.raises(InvalidDataError) as error:
                CALLS[field](trading, wrong)
            assert error.value.field == field

    def test_the_error_names_the_argument_that_is_no_list(self, trading: TradingService) -> None:
        methods: dict[str, Callable[[Any], object]] = {
            "orders": trading.place_orders,
            "reports": trading.apply_reports,
            "trades": trading.settle_trades,
        }
        for field, method in methods.items():
            for wrong in (None, "text", 1):
                with pytest.raises(InvalidDataError) as error:
                    method(wrong)
                assert error.value.field == field

    def test_the_error_names_the_state_that_is_none(self, storage: Storage, runner: Runner) -> None:
        reconciler = runner.service("Reconciler", storage)
        with pytest.raises(InvalidDataError) as error:
            reconciler.reconcile(None)
        assert error.value.field == "state"

    def test_an_answer_after_the_rejection_teaches_the_id_and_its_fill_counts(
        self, storage: Storage, trading: TradingService, user: User
    ) -> None:
        trading.deposit(user.id, "USDT", Decimal(1000), "all")
        order = trading.place_order(new_order(user).changed(exchange_order_id=None))
        trading.reject_unknown(user.id, order.id)
        answer = trading.apply_report(report(order, "NEW", 0, exchange_order_id="C02__1"))
        assert answer.order is not None
        assert (answer.outcome, answer.order.exchange_order_id) == (Outcome.STALE, "C02__1")
        late = fill(order, order_id=None, client_order_id=None, exchange_order_id="C02__1", quantity=SIZE)
        assert trading.settle_trade(late).outcome is Outcome.SETTLED
        assert storage.orders.get(user.id, order.id).status is OrderStatus.FILLED
        assert money(storage, user) == {"BTC": "0.02 / 0"}

    def test_a_fill_by_an_id_that_nobody_knows_yet_waits_for_the_report_that_teaches_it(
        self, storage: Storage, trading: TradingService, user: User
    ) -> None:
        trading.deposit(user.id, "USDT", Decimal(1000), "all")
        order = trading.place_order(new_order(user).changed(exchange_order_id=None))
        early = fill(order, order_id=None, client_order_id=None, exchange_order_id="C02__1", quantity=SIZE)
        assert trading.settle_trade(early).outcome is Outcome.UNKNOWN_ORDER
        pushed = report(order, "FILLED", SIZE, order_id=None, exchange_order_id="C02__1")
        assert trading.apply_report(pushed.changed(client_order_id=order.client_order_id)).outcome is Outcome.APPLIED
        assert money(storage, user) == {"USDT": "0 / 1000"}
        assert [row.outcome for row in trading.settle_pending(user.id)] == [Outcome.SETTLED]
        assert money(storage, user) == {"BTC": "0.02 / 0"}
        assert len(storage.orders.list(user.id).items) == 1

    def test_ids_that_name_two_orders_are_a_conflict(
        self, storage: Storage, trading: TradingService, user: User
    ) -> None:
        trading.deposit(user.id, "USDT", Decimal(2000), "all")
        one, two = (trading.place_order(new_order(user).changed(exchange_order_id=None)) for _ in range(2))
        trading.apply_report(report(one, "NEW", 0, exchange_order_id="C02__1"))
        with pytest.raises(ConflictError):
            trading.apply_report(report(two, "NEW", 0, exchange_order_id="C02__1"))
        with pytest.raises(ConflictError):
            trading.apply_report(report(one, "NEW", 0, exchange_order_id="C02__2"))
        assert storage.orders.get(user.id, two.id) == two

    def test_a_trade_sent_with_the_wrong_side_and_then_with_the_right_one_is_a_conflict(
        self, storage: Storage, trading: TradingService, user: User, order: NewOrder
    ) -> None:
        wrong = fill(order, side=OrderSide.SELL)
        right = fill(order, exchange_trade_id=wrong.exchange_trade_id)
        assert [row.outcome for row in trading.settle_trades([wrong, right])] == [Outcome.MISMATCH, Outcome.CONFLICT]
        assert trading.reject_unknown(user.id, order.id).status is OrderStatus.REJECTED
        assert money(storage, user) == {"USDT": "1000 / 0"}

    def test_a_withdrawal_that_the_exchange_tells_of_is_no_command(
        self, storage: Storage, runner: Runner, trading: TradingService, user: User, clock: ManualClock
    ) -> None:
        trading.sync_account(user.id, snapshot(START, USDT=100))
        trading.sync_account(user.id, snapshot(clock.advance(minutes=1), USDT=90))
        storage.users.update(user.id, UserPatch(can_withdraw=False))
        fields = {"user_id": user.id, "asset": "USDT", "amount": Decimal(10), "reference": "w"}
        moved = Transfer(reason=EntryReason.WITHDRAWAL, occurred_at=START + timedelta(seconds=30), **fields)
        reconciler: Reconciler = runner.service("Reconciler", storage)
        done = reconciler.reconcile(ExchangeState(user_id=user.id, withdrawals=(moved,)))
        assert (done.errors, [row.result and row.result.outcome for row in done.transfers]) == ((), [Outcome.COVERED])
        assert storage.balances.list(user.id, unexplained=True) == ()

    def test_the_tolerance_of_a_reconciler(
        self, storage: Storage, runner: Runner, trading: TradingService, user: User, clock: ManualClock
    ) -> None:
        trading.sync_account(user.id, snapshot(START, USDT=100))
        trading.sync_account(user.id, snapshot(clock.advance(minutes=1), USDT=100))
        fields = {"user_id": user.id, "asset": "USDT", "amount": Decimal(10), "reference": "d"}
        moved = Transfer(reason=EntryReason.DEPOSIT, occurred_at=clock.now - timedelta(seconds=20), **fields)
        reconciler: Reconciler = runner.service("Reconciler", storage, snapshot_tolerance=timedelta(seconds=30))
        done = reconciler.reconcile(ExchangeState(user_id=user.id, deposits=(moved,)))
        assert [row.result and row.result.outcome for row in done.transfers] == [Outcome.APPLIED]
        assert money(storage, user) == {"USDT": "110 / 0"}

    def test_a_market_buy_by_quote_is_filled_by_its_report_alone(
        self, storage: Storage, trading: TradingService, user: User
    ) -> None:
        trading.deposit(user.id, "USDT", Decimal(1000), "all")
        market = {"type": OrderType.MARKET, "price": None, "quantity": None, "quote_quantity": Decimal(1000)}
        order = trading.place_order(new_order(user).changed(**market))
        trading.settle_trade(fill(order, quote_quantity=Decimal(990)))
        assert money(storage, user) == {"BTC": "0.01 / 0", "USDT": "0 / 10"}
        fields = {"user_id": user.id, "order_id": order.id, "occurred_at": START}
        trading.apply_report(ExecutionReport(status=OrderStatus.FILLED, executed_quantity=SIZE / 2, **fields))
        assert money(storage, user) == {"BTC": "0.01 / 0", "USDT": "10 / 0"}
