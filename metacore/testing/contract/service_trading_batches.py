"""The contract of the trading service: batches, and callers at the same time."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from decimal import Decimal
from functools import partial
from typing import Any
from uuid import UUID

import pytest

from metacore.domain.people.users import User
from metacore.domain.trading.orders import Order, OrderStatus
from metacore.domain.trading.reports import ExecutionReport, Outcome
from metacore.errors import ConflictError, InvalidTransitionError
from metacore.sync.services.trading import TradingService
from metacore.sync.storage.storage import Storage
from metacore.testing.clock import START, ManualClock
from metacore.testing.contract.samples import NOBODY
from metacore.testing.contract.service_trading import (
    PRICE,
    SIZE,
    TradingContract,
    fill,
    money,
    new_order,
    report,
    snapshot,
)
from metacore.testing.runners import Runner

CALLERS = 16


class TradingBatchContract(TradingContract):
    """Of `place_orders`, `apply_reports` and `settle_trades`."""

    def test_one_bad_trade_in_two_hundred_spoils_no_other(
        self, storage: Storage, trading: TradingService, user: User
    ) -> None:
        trading.deposit(user.id, "USDT", PRICE * 200, "all")
        order = trading.place_order(new_order(user, quantity=Decimal(200)))
        trades = [fill(order, quantity=Decimal(1)) for _ in range(200)]
        trades[100] = trades[99].model_copy(update={"id": UUID(int=1), "price": PRICE - 1})
        results = trading.settle_trades(trades)
        assert [place for place, row in enumerate(results) if row.outcome is not Outcome.SETTLED] == [100]
        assert (results[100].outcome, type(results[100].error)) == (Outcome.CONFLICT, ConflictError)
        assert [row.order and row.order.executed_quantity for row in results[:3]] == [1, 2, 3]
        stored = storage.orders.get(user.id, order.id)
        assert results[-1].order == stored
        assert (stored.version, stored.settled_quantity) == (200, Decimal(199))
        assert [row.seq for row in storage.order_updates.list(user.id, order.id)] == list(range(1, 201))
        assert money(storage, user) == {"BTC": "199 / 0", "USDT": "0 / 50000"}

    def test_one_bad_report_spoils_no_other(
        self, storage: Storage, trading: TradingService, user: User, order: Order
    ) -> None:
        new = new_order(user, price=Decimal(1))
        found = {"exchange_order_id": new.exchange_order_id, "user_id": user.id, "occurred_at": START}
        reports = [
            ExecutionReport(status=OrderStatus.NEW, **found),
            report(order, "FILLED", SIZE),
            report(order, "CANCELED", SIZE),
            ExecutionReport(status=OrderStatus.NEW, order=new, **found),
            ExecutionReport(status=OrderStatus.CANCELED, **found),
        ]
        results = trading.apply_reports(iter(reports))
        assert [row.outcome for row in results] == ["UNKNOWN_ORDER", "APPLIED", "CONFLICT", "APPLIED", "APPLIED"]
        assert isinstance(results[2].error, InvalidTransitionError)
        assert results[4].order == storage.orders.get(user.id, new.id)
        assert len(storage.order_updates.list(user.id, new.id)) == 2

    def test_a_batch_is_of_many_users(
        self, storage: Storage, trading: TradingService, user: User, other: User, order: Order
    ) -> None:
        trading.deposit(other.id, "USDT", Decimal(1000), "all")
        theirs = trading.place_order(new_order(other, id=order.id, exchange_order_id=order.exchange_order_id))
        shared = {"exchange_trade_id": "one", "id": UUID(int=1)}
        mine_first = fill(order, **shared), fill(theirs, price=PRICE - 1, **shared)
        assert [row.outcome for row in trading.settle_trades([*mine_first, *mine_first])] == [
            Outcome.SETTLED,
            Outcome.SETTLED,
            Outcome.DUPLICATE,
            Outcome.DUPLICATE,
        ]
        assert money(storage, user) == {"BTC": "0.01 / 0", "USDT": "0 / 500"}
        assert money(storage, other) == {"BTC": "0.01 / 0", "USDT": "0.01 / 500"}
        assert not storage.balances.audit(other.id)

    def test_facts_of_nobody_spoil_no_others(
        self, trading: TradingService, user: User, other: User, order: Order
    ) -> None:
        trade = fill(order)
        trades = [trade.changed(user_id=owner) for owner in (NOBODY, other.id, user.id, NOBODY)]
        assert [row.outcome for row in trading.settle_trades(trades)] == [
            Outcome.INVALID,
            Outcome.UNKNOWN_ORDER,
            Outcome.SETTLED,
            Outcome.INVALID,
        ]
        reports = [report(order, "FILLED", SIZE).changed(user_id=owner) for owner in (other.id, NOBODY, user.id)]
        assert [row.outcome for row in trading.apply_reports(reports)] == [
            Outcome.UNKNOWN_ORDER,
            Outcome.INVALID,
            Outcome.APPLIED,
        ]

    def test_nothing_is_done_for_nothing(self, trading: TradingService) -> None:
        assert (
            list(trading.settle_trades([])) == list(trading.apply_reports([])) == list(trading.place_orders([])) == []
        )

    @pytest.mark.parametrize("size", [1, 50])
    def test_a_batch_is_a_fixed_number_of_operations(
        self, storage: Storage, trading: TradingService, user: User, size: int
    ) -> None:
        trading.deposit(user.id, "USDT", PRICE * SIZE * size, "all")

        def operations(call: Callable[[], Any]) -> dict[str, int]:
            before = Counter(storage.stats().operations)
            call()
            return dict(Counter(storage.stats().operations) - before)

        orders = [new_order(user) for _ in range(size)]
        opened, once = {"load": 1, "save": 1}, {"load": 2, "save": 1}
        assert operations(lambda: trading.place_orders(orders)) == opened
        placed = [storage.orders.get(user.id, order.id) for order in orders]
        assert operations(lambda: trading.settle_trades([fill(order) for order in placed])) == once
        assert (
            operations(lambda: trading.apply_reports([report(order, "CANCELED", SIZE / 2) for order in placed])) == once
        )
        assert operations(lambda: trading.apply_reports([report(order, "NEW", 0) for order in placed])) == opened


class TradingRaceContract(TradingContract):
    """Of the trading service called by many at the same time."""

    def test_the_same_trade_settles_once(
        self, storage: Storage, runner: Runner, trading: TradingService, user: User, order: Order
    ) -> None:
        trade = fill(order)
        calls = [partial(trading.settle_trade, trade.changed(id=UUID(int=n + 1))) for n in range(CALLERS)]
        outcomes = Counter(row.outcome for row in results_of(runner, calls))
        assert outcomes == {Outcome.SETTLED: 1, Outcome.DUPLICATE: CALLERS - 1}
        assert money(storage, user) == {"BTC": "0.01 / 0", "USDT": "0 / 500"}

    def test_the_same_trade_of_an_unknown_order_is_stored_once(
        self, storage: Storage, runner: Runner, trading: TradingService, user: User
    ) -> None:
        trade = fill(new_order(user), order_id=None)
        other_name = trade.changed(exchange_order_id=None, client_order_id="mine")
        calls = [
            partial(trading.settle_trade, (trade, other_name)[n % 2].changed(id=UUID(int=n + 1)))
            for n in range(CALLERS)
        ]
        assert {row.outcome for row in results_of(runner, calls)} == {Outcome.UNKNOWN_ORDER}
        (stored,) = storage.trades.list_pending(user.id)
        assert (stored.exchange_order_id, stored.client_order_id) == (trade.exchange_order_id, "mine")

    def test_the_same_order_is_placed_and_held_once(
        self, storage: Storage, runner: Runner, trading: TradingService, user: User
    ) -> None:
        trading.deposit(user.id, "USDT", Decimal(1500), "all")
        new = new_order(user, client_order_id="mine", exchange_order_id=None)
        calls = [partial(trading.place_order, new.changed(id=UUID(int=n % 3 + 1))) for n in range(CALLERS)]
        placed = {order.id for order in results_of(runner, calls)}
        assert placed == {order.id for order in storage.orders.list(user.id).items}
        assert len(placed) == 1
        assert money(storage, user) == {"USDT": "500 / 1000"}

    def test_the_same_order_is_found_once(
        self, storage: Storage, runner: Runner, trading: TradingService, user: User
    ) -> None:
        trading.deposit(user.id, "USDT", Decimal(1500), "all")
        new = new_order(user, client_order_id=None)
        found = ExecutionReport(user_id=user.id, status=OrderStatus.NEW, order=new, occurred_at=START)
        calls = [
            partial(trading.apply_report, found.changed(order=new.changed(id=UUID(int=n + 1)))) for n in range(CALLERS)
        ]
        outcomes = Counter(row.outcome for row in results_of(runner, calls))
        assert outcomes == {Outcome.APPLIED: 1, Outcome.DUPLICATE: CALLERS - 1}
        assert money(storage, user) == {"USDT": "500 / 1000"}

    def test_the_same_deposit_counts_once(
        self, storage: Storage, runner: Runner, trading: TradingService, user: User
    ) -> None:
        calls = [lambda: trading.deposit(user.id, "USDT", Decimal(1000), "one")] * CALLERS
        outcomes = Counter(row.outcome for row in results_of(runner, calls))
        assert outcomes == {Outcome.APPLIED: 1, Outcome.DUPLICATE: CALLERS - 1}
        assert money(storage, user) == {"USDT": "1000 / 0"}

    def test_the_same_withdrawal_counts_once(
        self, storage: Storage, runner: Runner, trading: TradingService, user: User
    ) -> None:
        trading.deposit(user.id, "USDT", Decimal(1500), "all")
        calls = [lambda: trading.withdraw(user.id, "USDT", Decimal(1000), "one")] * CALLERS
        outcomes = Counter(row.outcome for row in results_of(runner, calls))
        assert outcomes == {Outcome.APPLIED: 1, Outcome.DUPLICATE: CALLERS - 1}
        assert money(storage, user) == {"USDT": "500 / 0"}

    def test_whatever_is_done_together_ends_as_done_in_some_order(
        self, storage: Storage, runner: Runner, trading: TradingService, clock: ManualClock, user: User
    ) -> None:
        trading.deposit(user.id, "USDT", Decimal(10_000), "all")
        orders = trading.place_orders([new_order(user) for _ in range(6)])
        taken_at = clock.advance()
        calls: list[Callable[[], Any]] = [
            lambda: trading.sync_account(user.id, snapshot(taken_at, USDT=9_000, BTC=5)),
            lambda: trading.settle_trades([fill(order, traded_at=clock.now) for order in orders]),
            lambda: trading.settle_trades([fill(order, traded_at=clock.now) for order in reversed(orders)]),
            lambda: trading.settle_pending(user.id),
            lambda: trading.apply_reports([report(order, "CANCELED", SIZE / 2) for order in orders]),
        ]
        calls += [partial(trading.cancel_order, user.id, order.id) for order in orders[:3]]
        calls += [partial(trading.deposit, user.id, "BTC", Decimal(1), f"b{n}", clock.now) for n in range(4)]
        for result in runner.together(*calls):
            assert not isinstance(result, Exception) or isinstance(result, InvalidTransitionError)
        stored = [storage.orders.get(user.id, order.id) for order in orders]
        assert {order.settled_quantity for order in stored} == {SIZE}
        assert {order.held_amount for order in stored} == {0}


def results_of(runner: Runner, calls: Sequence[Callable[[], Any]]) -> list[Any]:
    """What `calls` return when they run at the same time; none of them may fail."""
    results = runner.together(*calls)
    for result in results:
        if isinstance(result, Exception):
            raise result
    return results
