"""The contract of the trading service: what exchanges do that nobody would think of."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

import pytest

from metacore.domain.people.users import User, UserPatch
from metacore.domain.trading.decisions import Changes
from metacore.domain.trading.orders import NewOrder, Order, OrderSide, OrderStatus, OrderType
from metacore.domain.trading.reports import ExecutionReport, Outcome
from metacore.domain.trading.trades import NewTrade, TradeState
from metacore.errors import InvalidDataError, InvalidTransitionError, NotAllowedError, NotFoundError
from metacore.sync.services.trading import TradingService
from metacore.sync.storage.storage import Storage
from metacore.testing.clock import START, ManualClock
from metacore.testing.contract.samples import NOBODY
from metacore.testing.contract.service_trading import SIZE, TradingContract, fill, money, new_order, report, snapshot


def buy_one(user: User) -> NewOrder:
    """A BUY of 1 A at 10 USDT, without a client_order_id."""
    return NewOrder(
        user_id=user.id,
        symbol="AUSDT",
        base_asset="A",
        quote_asset="USDT",
        side=OrderSide.BUY,
        type=OrderType.LIMIT,
        price=Decimal(10),
        quantity=Decimal(1),
    )


class TradingExchangeContract(TradingContract):
    """Of ids that are learnt late, trades of renamed symbols, flags, and orders that the exchange never got."""

    def test_an_answer_after_a_cancel_teaches_the_id_that_is_reported_later(
        self, storage: Storage, trading: TradingService, user: User
    ) -> None:
        trading.deposit(user.id, "USDT", Decimal(100), "all")
        order = trading.place_order(buy_one(user))
        trading.cancel_order(user.id, order.id)
        answer = report(order, "NEW", 0, exchange_order_id="C02__1")
        assert [trading.apply_report(answer).outcome for _ in range(3)] == [Outcome.STALE] * 3
        stored = storage.orders.get(user.id, order.id)
        assert (stored.status, stored.exchange_order_id) == (OrderStatus.PENDING_CANCEL, "C02__1")
        assert [row.seq for row in storage.order_updates.list(user.id, order.id)] == [1, 2, 3]
        named = {"user_id": user.id, "exchange_order_id": "C02__1", "occurred_at": START}
        closed = trading.apply_report(ExecutionReport(status=OrderStatus.CANCELED, **named))
        assert (closed.outcome, closed.order) == (Outcome.APPLIED, storage.orders.get(user.id, order.id))
        (only,) = storage.orders.list(user.id).items
        assert (only.status, money(storage, user)) == (OrderStatus.CANCELED, {"USDT": "100 / 0"})

    def test_a_push_that_overtakes_the_answer_names_the_order_by_its_own_id(
        self, storage: Storage, trading: TradingService, user: User
    ) -> None:
        trading.deposit(user.id, "USDT", Decimal(10), "all")
        new = buy_one(user)
        order = trading.place_order(new)
        assert order.client_order_id == new.id.hex
        pushed = {"user_id": user.id, "client_order_id": order.client_order_id, "exchange_order_id": "C02__1"}
        trading.apply_report(ExecutionReport(status=OrderStatus.NEW, occurred_at=START, **pushed))
        deal = NewTrade(
            exchange_trade_id="1X1",
            symbol="AUSDT",
            side=OrderSide.BUY,
            price=Decimal(10),
            quantity=Decimal(1),
            traded_at=START,
            **pushed,
        )
        assert trading.settle_trade(deal).outcome is Outcome.SETTLED
        answer = report(order, "NEW", 0, exchange_order_id="C02__1")
        assert trading.apply_report(answer).outcome is Outcome.STALE
        assert trading.place_order(new) == storage.orders.get(user.id, order.id)
        assert len(storage.orders.list(user.id).items) == 1
        assert money(storage, user) == {"A": "1 / 0"}

    @pytest.mark.parametrize("change", [{"symbol": "NEWAUSDT"}, {"side": OrderSide.SELL}], ids=["symbol", "side"])
    def test_a_trade_that_is_not_as_its_order_waits_and_does_not_count(
        self, storage: Storage, trading: TradingService, user: User, change: dict[str, str]
    ) -> None:
        trading.deposit(user.id, "USDT", Decimal(10), "all")
        order = trading.place_order(buy_one(user).changed(exchange_order_id="C02__1"))
        named = fill(order, order_id=None, exchange_order_id="C02__1", price=Decimal(10), quantity=Decimal(1))
        trade = named.changed(commission=Decimal(0), **change)
        (result, nobodys) = trading.settle_trades([trade, trade.changed(user_id=NOBODY)])
        assert (result.outcome, result.error, result.order) == (Outcome.MISMATCH, None, order)
        assert nobodys.outcome is Outcome.INVALID
        stored = storage.trades.get(user.id, trade.id)
        assert (result.trade, stored.state, stored.order_id) == (stored, TradeState.PENDING, None)
        assert storage.trades.list_pending(user.id) == (stored,)
        assert trading.settle_trade(trade).outcome is Outcome.MISMATCH
        assert [row.outcome for row in trading.settle_pending(user.id)] == [Outcome.MISMATCH]
        assert storage.trades.list_pending(user.id) == (stored,)
        assert storage.orders.get(user.id, order.id) == order
        closed = trading.apply_report(report(order, "CANCELED", 0)).order
        assert closed is not None
        assert closed.status is OrderStatus.CANCELED
        assert (closed.executed_quantity, closed.held_amount) == (Decimal(0), Decimal(0))
        assert money(storage, user) == {"USDT": "10 / 0"}
        assert not storage.balances.audit(user.id)

    def test_a_trade_that_was_not_as_its_order_settles_once_that_says_the_same(
        self, storage: Storage, trading: TradingService, user: User
    ) -> None:
        trading.deposit(user.id, "USDT", Decimal(10), "all")
        order = trading.place_order(buy_one(user).changed(exchange_order_id="C02__1"))
        named = fill(order, order_id=None, exchange_order_id="C02__1", price=Decimal(10), quantity=Decimal(1))
        trade = named.changed(symbol="NEWAUSDT", commission=Decimal(0))
        assert trading.settle_trade(trade).outcome is Outcome.MISMATCH
        trading.release_hold(user.id, order.id, "renamed")
        storage.orders.delete(user.id, order.id)
        renamed = buy_one(user).changed(symbol="NEWAUSDT", exchange_order_id="C02__1")
        found = ExecutionReport(user_id=user.id, status=OrderStatus.FILLED, order=renamed, occurred_at=START)
        trading.apply_report(found)
        (settled,) = trading.settle_pending(user.id)
        assert (settled.outcome, settled.trade) == (Outcome.SETTLED, storage.trades.get(user.id, trade.id))
        assert money(storage, user) == {"A": "1 / 0"}
        assert not storage.balances.audit(user.id)

    def test_an_order_that_the_exchange_never_got_is_rejected(
        self, storage: Storage, trading: TradingService, user: User, order: Order
    ) -> None:
        rejected = trading.reject_unknown(user.id, order.id)
        assert rejected == storage.orders.get(user.id, order.id)
        assert (rejected.status, money(storage, user)) == (OrderStatus.REJECTED, {"USDT": "1000 / 0"})
        assert trading.reject_unknown(user.id, order.id) == rejected
        assert [row.status for row in storage.order_updates.list(user.id, order.id)] == ["PENDING_NEW", "REJECTED"]
        assert trading.settle_trade(fill(order, commission=Decimal(0))).outcome is Outcome.SETTLED
        late = storage.orders.get(user.id, order.id)
        assert (late.status, late.settled_quantity) == (OrderStatus.PARTIALLY_CANCELED, SIZE / 2)

    @pytest.mark.parametrize("closing", ["reject", "cancel", "release", "fill", "delete"])
    def test_an_order_whose_hold_a_snapshot_has_cut_ends_like_any_other(
        self, storage: Storage, trading: TradingService, user: User, order: Order, clock: ManualClock, closing: str
    ) -> None:
        trading.sync_account(user.id, snapshot(clock.advance(minutes=1), USDT=0))
        assert storage.orders.get(user.id, order.id).held_amount == 0
        if closing == "reject":
            assert trading.reject_unknown(user.id, order.id).status is OrderStatus.REJECTED
        elif closing == "cancel":
            trading.cancel_order(user.id, order.id)
            assert trading.apply_report(report(order, "CANCELED", 0)).outcome is Outcome.APPLIED
        elif closing == "release":
            assert trading.release_hold(user.id, order.id, "cut").held_amount == 0
        elif closing == "fill":
            assert trading.settle_trade(fill(order, traded_at=START, quantity=SIZE)).outcome is Outcome.COVERED
        else:
            storage.orders.delete(user.id, order.id)
        assert [held for held in storage.orders.list(user.id).items if held.held_amount] == []
        assert money(storage, user) == {}
        trading.sync_account(user.id, snapshot(clock.advance(minutes=1), USDT=1000))
        assert money(storage, user) == {"USDT": "1000 / 0"}

    def test_an_order_that_was_stored_with_an_odd_hold_is_covered(
        self, storage: Storage, trading: TradingService, user: User, clock: ManualClock
    ) -> None:
        trading.deposit(user.id, "MX", Decimal(5), "all", START)
        stored = storage.orders.create(new_order(user))
        odd = stored.changed(held_asset="MX", held_amount=Decimal(5), version=2)
        with storage.transaction() as tx:
            tx.save(Changes(orders=(odd,)))
        trading.sync_account(user.id, snapshot(clock.advance(minutes=1), MX=5))
        assert trading.settle_trade(fill(stored, traded_at=START, quantity=SIZE)).outcome is Outcome.COVERED
        assert money(storage, user) == {"MX": "5 / 0"}

    def test_an_order_that_the_exchange_has_acknowledged_is_not_rejected(
        self, storage: Storage, trading: TradingService, user: User, order: Order
    ) -> None:
        acknowledged = trading.apply_report(report(order, "NEW", 0)).order
        with pytest.raises(InvalidTransitionError) as error:
            trading.reject_unknown(user.id, order.id)
        assert (error.value.previous, error.value.requested) == ("NEW", "REJECTED")
        assert storage.orders.get(user.id, order.id) == acknowledged
        with pytest.raises(NotFoundError):
            trading.reject_unknown(user.id, NOBODY)

    @pytest.mark.parametrize("flag", ["is_active", "can_trade"])
    def test_a_flag_refuses_new_orders_and_no_fact(
        self, storage: Storage, trading: TradingService, user: User, order: Order, flag: str
    ) -> None:
        trading.deposit(user.id, "USDT", Decimal(1000), "more")
        storage.users.update(user.id, UserPatch.model_validate({flag: False}))
        again = NewOrder(**{name: getattr(order, name) for name in NewOrder.model_fields})
        for call in (
            lambda: trading.place_order(new_order(user)),
            lambda: trading.place_orders([again, new_order(user)]),
        ):
            with pytest.raises(NotAllowedError) as error:
                call()
            assert (error.value.user, error.value.flag) == (user.id, flag)
        assert storage.orders.list(user.id).items == (order,)
        assert money(storage, user) == {"USDT": "1000 / 1000"}
        assert trading.place_order(again) == order
        assert trading.settle_trade(fill(order)).outcome is Outcome.SETTLED
        assert trading.withdraw(user.id, "USDT", Decimal(1), "one").outcome is Outcome.APPLIED
        found = ExecutionReport(user_id=user.id, status=OrderStatus.NEW, order=new_order(user), occurred_at=START)
        assert trading.apply_report(found).outcome is Outcome.APPLIED
        assert trading.cancel_order(user.id, order.id).status is OrderStatus.PENDING_CANCEL

    def test_a_flag_refuses_withdrawals_and_no_deposit(
        self, storage: Storage, trading: TradingService, user: User
    ) -> None:
        trading.deposit(user.id, "USDT", Decimal(2), "all")
        done = trading.withdraw(user.id, "USDT", Decimal(1), "one")
        storage.users.update(user.id, UserPatch(can_withdraw=False, can_deposit=False))
        with pytest.raises(NotAllowedError) as error:
            trading.withdraw(user.id, "USDT", Decimal(1), "two")
        assert (error.value.user, error.value.flag) == (user.id, "can_withdraw")
        assert money(storage, user) == {"USDT": "1 / 0"}
        again = trading.withdraw(user.id, "USDT", Decimal(1), "one")
        assert (again.outcome, again.balance) == (Outcome.DUPLICATE, done.balance)
        assert trading.deposit(user.id, "USDT", Decimal(1), "more").outcome is Outcome.APPLIED

    def test_an_asset_keeps_the_name_that_it_has(
        self, storage: Storage, trading: TradingService, user: User, order: Order
    ) -> None:
        before = storage.balances.list(user.id)
        for call in (
            lambda: trading.deposit(user.id, "usdt", Decimal(1), "one"),
            lambda: trading.withdraw(user.id, "usdt", Decimal(1), "one"),
            lambda: trading.place_order(new_order(user).changed(quote_asset="usdt")),
            lambda: trading.sync_account(user.id, snapshot(START + timedelta(minutes=1), usdt=1)),
        ):
            with pytest.raises(InvalidDataError, match="USDT") as error:
                call()
            assert error.value.field == "asset"
        assert storage.balances.list(user.id) == before
        misnamed = fill(order, commission=Decimal(1), commission_asset="usdt")
        wrong, good = trading.settle_trades([misnamed, fill(order)])
        assert (wrong.outcome, good.outcome) == (Outcome.INVALID, Outcome.SETTLED)
        orders = [new_order(user).changed(quote_asset="usdt"), new_order(user)]
        fields = {"user_id": user.id, "status": OrderStatus.NEW, "occurred_at": START}
        results = trading.apply_reports([ExecutionReport(order=new, **fields) for new in orders])
        assert [row.outcome for row in results] == [Outcome.INVALID, Outcome.APPLIED]
        assert [row.asset for row in storage.balances.list(user.id)] == ["BTC", "USDT"]

    def test_a_market_buy_keeps_its_hold_until_somebody_tells_what_it_cost(
        self, storage: Storage, trading: TradingService, user: User
    ) -> None:
        trading.deposit(user.id, "USDT", Decimal(1000), "all")
        market = {"type": OrderType.MARKET, "price": None, "quantity": None, "quote_quantity": Decimal(1000)}
        order = trading.place_order(new_order(user).changed(**market))
        trading.apply_report(report(order, "FILLED", SIZE))
        assert money(storage, user) == {"USDT": "0 / 1000"}
        trade = fill(order, quantity=SIZE, price=Decimal(49_000), commission=Decimal(0))
        assert trading.settle_trade(trade).outcome is Outcome.SETTLED
        assert money(storage, user) == {"USDT": "20 / 0", "BTC": "0.02 / 0"}
