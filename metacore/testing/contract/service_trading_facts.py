"""The contract of the trading service: reports and trades."""

from __future__ import annotations

from decimal import Decimal

import pytest

from metacore.domain.people.users import User
from metacore.domain.trading.orders import Order, OrderStatus
from metacore.domain.trading.reports import ExecutionReport, Outcome
from metacore.domain.trading.trades import TradeState
from metacore.errors import (
    ConflictError,
    InvalidDataError,
    InvalidTransitionError,
    NotFoundError,
)
from metacore.sync.services.trading import TradingService
from metacore.sync.storage.storage import Storage
from metacore.testing.clock import START
from metacore.testing.contract.samples import NOBODY
from metacore.testing.contract.service_trading import (
    PRICE,
    SIZE,
    TradingContract,
    fill,
    money,
    new_order,
    report,
)


class TradingFactContract(TradingContract):
    """Of `apply_report`, `settle_trade` and `settle_pending`."""

    def test_apply_report_moves_the_order(
        self, storage: Storage, trading: TradingService, user: User, order: Order
    ) -> None:
        partial_fill = report(
            order, "PARTIALLY_FILLED", SIZE / 2, executed_quote_quantity=Decimal(490), raw={"a": ["b"]}
        )
        result = trading.apply_report(partial_fill)
        assert (result.outcome, result.error) == (Outcome.APPLIED, None)
        assert result.order == storage.orders.get(user.id, order.id)
        update = storage.order_updates.list(user.id, order.id)[-1]
        assert (update.seq, update.status, update.raw) == (2, "PARTIALLY_FILLED", {"a": ("b",)})
        assert trading.apply_report(partial_fill).outcome is Outcome.DUPLICATE
        assert trading.apply_report(report(order, "NEW", 0)).outcome is Outcome.STALE
        assert storage.orders.get(user.id, order.id) == result.order
        assert [row.outcome for row in storage.order_updates.list(user.id, order.id)] == ["APPLIED", "APPLIED", "STALE"]

    def test_apply_report_raises_what_fits_nowhere(
        self, storage: Storage, trading: TradingService, user: User, order: Order
    ) -> None:
        filled = trading.apply_report(report(order, "FILLED", SIZE)).order
        with pytest.raises(InvalidTransitionError) as error:
            trading.apply_report(report(order, "CANCELED", SIZE))
        assert (error.value.previous, error.value.requested) == ("FILLED", "PARTIALLY_CANCELED")
        assert storage.orders.get(user.id, order.id) == filled
        assert len(storage.order_updates.list(user.id, order.id)) == 2

    def test_apply_report_finds_an_order_on_the_exchange(
        self, storage: Storage, trading: TradingService, user: User
    ) -> None:
        new = new_order(user)
        fields = {"user_id": user.id, "exchange_order_id": new.exchange_order_id, "occurred_at": START}
        unknown = ExecutionReport(status=OrderStatus.NEW, **fields)
        assert trading.apply_report(unknown).outcome is Outcome.UNKNOWN_ORDER
        trading.deposit(user.id, "USDT", Decimal(600), "not all")
        result = trading.apply_report(unknown.changed(order=new))
        assert (result.outcome, result.order) == (Outcome.APPLIED, storage.orders.get(user.id, new.id))
        assert trading.apply_report(unknown).outcome is Outcome.DUPLICATE
        assert money(storage, user) == {"USDT": "0 / 600"}

    def test_settle_trade_stores_the_trade_and_moves_all_at_once(
        self, storage: Storage, trading: TradingService, user: User, order: Order
    ) -> None:
        trade = fill(order, price=Decimal(49_000), commission=Decimal("0.00001"), commission_asset="BTC")
        result = trading.settle_trade(trade)
        assert (result.outcome, result.missing, result.error) == (Outcome.SETTLED, (), None)
        assert result.trade == storage.trades.get(user.id, trade.id)
        stored = storage.orders.get(user.id, order.id)
        assert result.order == stored
        assert (stored.status, stored.settled_quantity) == ("PARTIALLY_FILLED", SIZE / 2)
        assert money(storage, user) == {"USDT": "10 / 500", "BTC": "0.00999 / 0"}
        again = trading.settle_trade(trade)
        assert (again.outcome, again.trade, again.order) == (Outcome.DUPLICATE, result.trade, result.order)

    def test_settle_trade_raises_a_conflict_and_what_is_invalid(
        self, storage: Storage, trading: TradingService, user: User, order: Order
    ) -> None:
        trade = fill(order)
        trading.settle_trade(trade)
        before = money(storage, user)
        for change, kind in (
            ({"price": PRICE - 1}, ConflictError),
            ({"exchange_trade_id": "another"}, ConflictError),
            ({"user_id": NOBODY}, NotFoundError),
        ):
            with pytest.raises(kind):
                trading.settle_trade(trade.model_copy(update=change))
        assert money(storage, user) == before
        assert len(storage.trades.list(user.id).items) == 1

    def test_a_trade_short_of_funds_waits_until_they_are_there(
        self, storage: Storage, trading: TradingService, user: User, order: Order
    ) -> None:
        trade = fill(order, commission=Decimal("0.5"), commission_asset="USDT")
        result = trading.settle_trade(trade)
        assert (result.outcome, result.trade and result.trade.state) == (Outcome.PENDING, TradeState.PENDING)
        assert [(row.asset, row.amount) for row in result.missing] == [("USDT", Decimal("0.5"))]
        assert storage.trades.list_pending(user.id) == (result.trade,)
        assert [row.outcome for row in trading.settle_pending(user.id)] == [Outcome.PENDING]
        assert storage.trades.list_pending(user.id) == (result.trade,)
        trading.deposit(user.id, "USDT", Decimal("0.5"), "the rest")
        (settled,) = trading.settle_pending(user.id)
        assert (settled.outcome, settled.trade) == (Outcome.SETTLED, storage.trades.get(user.id, trade.id))
        assert trading.settle_pending(user.id) == ()
        with pytest.raises(NotFoundError):
            trading.settle_pending(NOBODY)

    def test_a_trade_of_an_unknown_order_waits_for_it(
        self, storage: Storage, trading: TradingService, user: User
    ) -> None:
        new = new_order(user)
        trade = fill(new, order_id=None)
        result = trading.settle_trade(trade)
        assert (result.outcome, result.order) == (Outcome.UNKNOWN_ORDER, None)
        stored = storage.trades.get(user.id, trade.id)
        assert (result.trade, stored.state) == (stored, TradeState.PENDING)
        assert trading.settle_trade(trade).outcome is Outcome.UNKNOWN_ORDER
        trading.deposit(user.id, "USDT", Decimal(1000), "all")
        order = trading.place_order(new)
        (settled,) = trading.settle_pending(user.id)
        stored = storage.trades.get(user.id, trade.id)
        assert (settled.outcome, settled.trade, stored.order_id) == (Outcome.SETTLED, stored, order.id)
        assert settled.order == storage.orders.get(user.id, order.id)

    def test_a_recorded_trade_is_settled_when_it_is_sent(
        self, storage: Storage, trading: TradingService, user: User, order: Order
    ) -> None:
        trade = fill(order)
        recorded = storage.trades.create(trade)
        assert money(storage, user) == {"USDT": "0 / 1000"}
        result = trading.settle_trade(trade.changed(id=NOBODY))
        stored = storage.trades.get(user.id, recorded.id)
        assert (result.outcome, result.trade, stored.version) == (Outcome.SETTLED, stored, 2)

    def test_a_settled_trade_is_found_by_all_the_ids_it_was_sent_with(
        self, storage: Storage, trading: TradingService, user: User
    ) -> None:
        trading.deposit(user.id, "USDT", Decimal(1000), "all")
        order = trading.place_order(new_order(user, exchange_order_id=None, client_order_id=None))
        trade = fill(order)
        assert storage.trades.create_many([trade]).inserted == 1
        trading.apply_report(report(order, "NEW", 0, exchange_order_id="learned"))
        settled = trading.settle_trade(trade)
        assert settled.outcome is Outcome.SETTLED
        assert settled.trade is not None
        assert settled.trade.exchange_order_id == "learned"
        again = storage.trades.create_many([trade, trade.changed(id=NOBODY)])
        assert (again.inserted, again.duplicates) == (0, 2)
        assert storage.trades.list(user.id).items == (settled.trade,)

    def test_a_shortfall_may_have_more_digits_than_an_amount(
        self, storage: Storage, trading: TradingService, user: User, order: Order
    ) -> None:
        most = Decimal("9" * 38)
        trading.release_hold(user.id, order.id, "wanted")
        short = fill(order, exchange_trade_id="A", quote_quantity=most, commission=most, commission_asset="USDT")
        good = fill(order, exchange_trade_id="B", commission=Decimal(0), price=Decimal(1))
        results = trading.settle_trades([short, good])
        assert [row.outcome for row in results] == [Outcome.PENDING, Outcome.SETTLED]
        assert [(row.asset, row.amount) for row in results[0].missing] == [("USDT", Decimal(2 * int(most) - 1000))]
        assert type(results[0]).model_validate_json(results[0].model_dump_json()).missing == results[0].missing

    def test_more_than_38_digits_are_never_executed(
        self, storage: Storage, trading: TradingService, user: User, order: Order
    ) -> None:
        for name in "AB":
            storage.trades.create(
                fill(order, exchange_trade_id=name, quantity=Decimal(10**38 - 1), quote_quantity=Decimal(1))
            )
        reports = [report(order, "PARTIALLY_FILLED", SIZE / 2), report(new_order(user), "NEW", 0)]
        results = trading.apply_reports(reports)
        assert [row.outcome for row in results] == [Outcome.INVALID, Outcome.UNKNOWN_ORDER]
        assert isinstance(results[0].error, InvalidDataError)
        assert storage.orders.get(user.id, order.id) == order
