"""The contract of the reconciler: whatever was lost, doubled or shuffled, the books come to the exchange's state."""

from __future__ import annotations

import random
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from metacore.domain.people.users import User
from metacore.domain.trading.orders import Order, OrderFilter, OrderStatus
from metacore.domain.trading.reconciliation import ExchangeState, Reconciliation
from metacore.domain.trading.reports import Outcome
from metacore.domain.trading.trades import TradeState
from metacore.errors import ConflictError, InsufficientFundsError, NotFoundError
from metacore.exchanges import mexc
from metacore.sync.services.reconciling import Reconciler
from metacore.sync.services.trading import TradingService
from metacore.sync.storage.storage import Storage
from metacore.testing.clock import START, ManualClock
from metacore.testing.contract.samples import NOBODY
from metacore.testing.contract.service_trading import TradingContract, money, new_order
from metacore.testing.runners import Runner

SYMBOLS = mexc.Symbols({"BTCUSDT": ("BTC", "USDT"), "MXUSDT": ("MX", "USDT")})
HOUR = timedelta(hours=1)


def milliseconds(time: datetime) -> int:
    return (time - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(milliseconds=1)


def listed_order(order_id: str, status: str, executed: str = "0", cost: str = "0", **values: Any) -> dict[str, Any]:
    """An order of 0.02 BTC at 50,000, as the exchange lists it."""
    return {
        "symbol": "BTCUSDT",
        "orderId": order_id,
        "clientOrderId": None,
        "price": "50000",
        "origQty": "0.02",
        "executedQty": executed,
        "cummulativeQuoteQty": cost,
        "status": status,
        "type": "LIMIT",
        "side": "BUY",
        "time": milliseconds(START),
        "updateTime": milliseconds(START + HOUR),
        **values,
    }


def listed_trade(trade_id: str, order_id: str, quantity: str, cost: str, **values: Any) -> dict[str, Any]:
    return {
        "symbol": "BTCUSDT",
        "id": trade_id,
        "orderId": order_id,
        "price": "50000",
        "qty": quantity,
        "quoteQty": cost,
        "commission": "0",
        "commissionAsset": "BTC",
        "time": milliseconds(START + HOUR),
        "isBuyer": True,
        "isMaker": False,
        "clientOrderId": None,
        **values,
    }


def listed_account(**totals: str) -> dict[str, Any]:
    rows = [{"asset": asset, "free": total, "locked": "0"} for asset, total in totals.items()]
    return {"canTrade": True, "updateTime": None, "balances": rows}


def listed_deposit(transaction: str, asset: str, amount: str, **values: Any) -> dict[str, Any]:
    fields = {"coin": asset, "amount": amount, "network": "N", "txId": transaction, "status": 5, "address": "a"}
    return fields | {"insertTime": milliseconds(START + HOUR)} | values


def listed_withdrawal(withdrawal_id: str, asset: str, amount: str) -> dict[str, Any]:
    fields = {"id": withdrawal_id, "coin": asset, "amount": amount, "status": 7}
    return fields | {"applyTime": milliseconds(START + HOUR)}


class ReconcilerContract(TradingContract):
    """Of `metacore.services.reconciling.Reconciler`, with the payloads of MEXC."""

    @pytest.fixture
    def reconciler(self, runner: Runner, storage: Storage) -> Reconciler:
        reconciler: Reconciler = runner.service("Reconciler", storage)
        return reconciler

    @pytest.fixture
    def placed(self, trading: TradingService, user: User, clock: ManualClock) -> Order:
        """An order that went out with the client order id c-1, before the process died."""
        trading.deposit(user.id, "USDT", Decimal(1000), "all", START)
        order = trading.place_order(new_order(user, client_order_id="c-1", exchange_order_id=None))
        clock.now = START + 2 * HOUR
        return order

    def state(self, user: User, *payloads: Any, **values: Any) -> ExchangeState:
        options = {"taken_at": START + 2 * HOUR, **values}
        return mexc.exchange_state(payloads, user_id=user.id, symbols=SYMBOLS, **options)

    LOST: Sequence[Any] = (
        [listed_order("C02__1", "FILLED", "0.02", "1000", clientOrderId="c-1")],
        [listed_trade("t1", "C02__1", "0.005", "250"), listed_trade("t2", "C02__1", "0.015", "750")],
        [listed_order("C02__2", "PARTIALLY_FILLED", "0.01", "500", time=milliseconds(START + HOUR))],
        [listed_trade("t3", "C02__2", "0.01", "500")],
        [
            listed_deposit("x", "USDT", "2000"),
            listed_deposit("x", "USDT", "3"),
            listed_deposit("y", "USDT", "9", status=4),
        ],
        [listed_withdrawal("w", "BTC", "0.001")],
        listed_account(USDT="1503", BTC="0.029"),
    )
    """What happened while the process was down: two orders, one of them not ours, three fills, money in and out."""

    def check(self, storage: Storage, user: User, placed: Order) -> None:
        totals = {row.asset: row.total for row in storage.balances.list(user.id, nonzero=True)}
        assert totals == {"BTC": Decimal("0.029"), "USDT": 1503}
        (found,) = [order for order in storage.orders.list(user.id).items if order.id != placed.id]
        ours = storage.orders.get(user.id, placed.id)
        assert (ours.status, ours.exchange_order_id, ours.settled_quantity) == ("FILLED", "C02__1", Decimal("0.02"))
        assert found.status is OrderStatus.PARTIALLY_FILLED
        trades = storage.trades.list(user.id).items
        assert [trade.state for trade in trades] == [TradeState.SETTLED] * 3

    def test_what_was_lost_is_found_and_found_again_changes_nothing(
        self, storage: Storage, reconciler: Reconciler, user: User, placed: Order
    ) -> None:
        first = reconciler.reconcile(self.state(user, *self.LOST))
        self.check(storage, user, placed)
        assert money(storage, user) == {"BTC": "0.029 / 0", "USDT": "1003 / 500"}
        assert [result.outcome for result in first.reports] == [Outcome.APPLIED, Outcome.APPLIED]
        assert [outcome.result.outcome for outcome in first.transfers if outcome.result] == [Outcome.APPLIED] * 3
        assert (first.errors, first.bad, first.unseen, first.pending) == ((), (), (), ())
        assert first.snapshot is not None
        assert first.snapshot.outcome is Outcome.APPLIED
        before = self.books(storage, user)
        again = reconciler.reconcile(self.state(user, *self.LOST))
        assert {result.outcome for result in again.reports} == {Outcome.DUPLICATE}
        assert {result.outcome for result in again.trades} == {Outcome.DUPLICATE}
        assert {outcome.result.outcome for outcome in again.transfers if outcome.result} == {Outcome.DUPLICATE}
        assert again.snapshot is not None
        assert again.snapshot.outcome is Outcome.STALE
        assert self.books(storage, user) == before

    @pytest.mark.parametrize("seed", range(8))
    def test_shuffled_and_doubled_payloads_come_to_the_same(
        self, storage: Storage, reconciler: Reconciler, user: User, placed: Order, seed: int
    ) -> None:
        chance = random.Random(seed)  # noqa: S311
        payloads = [
            payload[::-1] if isinstance(payload, list) and chance.random() < 0.5 else payload for payload in self.LOST
        ]
        payloads += chance.sample(payloads, 4)
        earlier = listed_order("C02__1", "NEW", clientOrderId="c-1", updateTime=milliseconds(START))
        payloads += [[earlier], {"symbol": "BTCUSDT", "orderId": "C02__1", "newClientOrderId": "c-1"}]
        chance.shuffle(payloads)
        if chance.random() < 0.5:
            some = [payload for payload in payloads[:5] if "balances" not in payload]
            reconciler.reconcile(self.state(user, *some))
        reconciler.reconcile(self.state(user, *payloads))
        self.check(storage, user, placed)

    def test_bad_items_stop_nothing(self, storage: Storage, reconciler: Reconciler, user: User, placed: Order) -> None:
        orders, *others = self.LOST
        odd = [
            listed_order("C02__8", "NEW", symbol="OLDUSDT"),
            *orders,
            listed_order("C02__9", "NEW", type="OCO_LIMIT"),
        ]
        result = reconciler.reconcile(self.state(user, b"\x00garbage", odd, {"code": 429, "msg": "slow down"}, *others))
        self.check(storage, user, placed)
        assert [(bad.payload, bad.index, bad.field) for bad in result.bad] == [
            (0, None, ""),
            (1, 0, "symbol"),
            (1, 2, "type"),
            (2, None, "code"),
        ]

    def test_a_balance_that_cannot_be_read_is_left_alone(
        self, storage: Storage, reconciler: Reconciler, trading: TradingService, user: User, placed: Order
    ) -> None:
        trading.deposit(user.id, "MX", Decimal(5), "mx", START)
        account = listed_account(USDT="900", MX="-1")
        result = reconciler.reconcile(self.state(user, account))
        assert money(storage, user) == {"MX": "5 / 0", "USDT": "0 / 900"}
        assert [(bad.payload, bad.index, bad.field) for bad in result.bad] == [(0, 1, "free")]

    def test_open_orders_that_no_payload_names_are_unseen(
        self, reconciler: Reconciler, user: User, placed: Order
    ) -> None:
        result = reconciler.reconcile(self.state(user, [listed_order("C02__7", "CANCELED")]))
        assert [order.id for order in result.unseen] == [placed.id]

    def test_a_trade_whose_order_is_listed_too_waits_for_nothing(
        self, storage: Storage, reconciler: Reconciler, trading: TradingService, user: User, placed: Order
    ) -> None:
        early = reconciler.reconcile(self.state(user, [listed_trade("t1", "C02__1", "0.02", "1000")]))
        assert [(result.outcome, result.missing) for result in early.trades] == [(Outcome.UNKNOWN_ORDER, ())]
        late = reconciler.reconcile(self.state(user, self.LOST[0]))
        assert [result.outcome for result in late.pending] == [Outcome.SETTLED]
        assert money(storage, user) == {"BTC": "0.02 / 0"}

    def test_transfers_that_cannot_be_booked_are_errors_and_stop_nothing(
        self, storage: Storage, reconciler: Reconciler, trading: TradingService, user: User, placed: Order
    ) -> None:
        (deposit,) = self.state(user, listed_deposit("x", "MX", "2")).deposits
        trading.deposit(user.id, "USDT", Decimal(7), deposit.reference)
        payloads = [[listed_deposit("x", "MX", "2")], [listed_withdrawal("w", "MX", "9")], *self.LOST[:2]]
        result = reconciler.reconcile(self.state(user, *payloads))
        assert [type(error) for error in result.errors] == [ConflictError, InsufficientFundsError]
        assert money(storage, user) == {"BTC": "0.02 / 0", "USDT": "7 / 0"}

    def test_a_withdrawal_that_the_account_explains_is_taken_after_it(
        self, storage: Storage, reconciler: Reconciler, user: User, placed: Order
    ) -> None:
        payloads = [[listed_withdrawal("w", "MX", "9")], listed_account(USDT="1000", MX="1")]
        result = reconciler.reconcile(self.state(user, *payloads))
        assert [outcome.result.outcome for outcome in result.transfers if outcome.result] == [Outcome.COVERED]
        assert money(storage, user) == {"MX": "1 / 0", "USDT": "0 / 1000"}

    def test_a_trade_that_waits_for_what_the_account_explains_is_settled_after_it(
        self, storage: Storage, reconciler: Reconciler, user: User, placed: Order
    ) -> None:
        trade = listed_trade("t1", "C02__1", "0.02", "1000", commission="0.5", commissionAsset="MX")
        result = reconciler.reconcile(self.state(user, self.LOST[0], [trade], listed_account(BTC="0.02", MX="1")))
        assert [each.outcome for each in result.trades] == [Outcome.PENDING]
        assert [each.outcome for each in result.pending] == [Outcome.COVERED]
        assert money(storage, user) == {"BTC": "0.02 / 0", "MX": "1 / 0"}

    def test_a_user_who_does_not_exist(self, reconciler: Reconciler, user: User) -> None:
        nobody = mexc.exchange_state([], user_id=NOBODY, symbols=SYMBOLS)
        with pytest.raises(NotFoundError):
            reconciler.reconcile(nobody)
        nothing: Reconciliation = reconciler.reconcile(self.state(user))
        assert (nothing.reports, nothing.trades, nothing.snapshot) == ((), (), None)

    def books(self, storage: Storage, user: User) -> Any:
        """All that is stored of the user."""
        orders = storage.orders.list(user.id, OrderFilter()).items
        updates = [storage.order_updates.list(user.id, order.id) for order in orders]
        return orders, updates, storage.trades.list(user.id).items, storage.balances.entries(user.id).items
