"""What trades make of their orders, early, late and too many."""

from decimal import Decimal
from uuid import UUID

import pytest

from metacore.domain.trading.orders import OrderSide
from metacore.domain.trading.settlement import balances_of


def test_partial_then_cancel(desk):
    order = desk.buy()
    desk.settle(desk.trade(order, 4, 100))
    desk.apply(desk.report(order, "CANCELED", 4))
    assert desk.stored(order).status == "PARTIALLY_CANCELED"
    assert desk.money() == {"USDT": "600 / 0", "BTC": "4 / 0"}


def test_report_before_trade_and_trade_before_report_end_alike(desk, new_desk):
    other = new_desk()
    for place, report_first in ((desk, True), (other, False)):
        order = place.buy()
        report = place.report(order, "FILLED", 10, executed_quote_quantity=990)
        trade = place.trade(order, 10, 99)
        for fact in (report, trade) if report_first else (trade, report):
            (place.apply if fact is report else place.settle)(fact)
    mine, theirs = list(desk.orders.values()), list(other.orders.values())
    assert [(row.status, row.executed_quantity, row.settled_quantity, row.held_amount) for row in mine] == [
        (row.status, row.executed_quantity, row.settled_quantity, row.held_amount) for row in theirs
    ]
    assert desk.money() == other.money() == {"USDT": "10 / 0", "BTC": "10 / 0"}


def test_a_trade_that_a_report_told_leaves_no_second_line_in_the_history(desk):
    order = desk.buy()
    desk.apply(desk.report(order, "PARTIALLY_FILLED", 4))
    [result] = desk.settle(desk.trade(order, 4, 100))
    assert [(update.status, update.executed_quantity) for update in desk.history(order)] == [
        ("PENDING_NEW", 0),
        ("PARTIALLY_FILLED", 4),
    ]
    assert result.order.settled_quantity == 4


def test_a_trade_is_a_line_of_the_history(desk):
    order = desk.buy()
    trade = desk.trade(order, 4, 90)
    desk.settle(trade)
    update = desk.history(order)[-1]
    assert (update.previous_status, update.status) == ("PENDING_NEW", "PARTIALLY_FILLED")
    assert (update.executed_quantity, update.executed_quote_quantity) == (4, 360)
    assert (update.outcome, update.source, update.occurred_at) == ("APPLIED", "LOCAL", trade.traded_at)
    assert update.reason == f"trade {trade.exchange_trade_id}"


def test_a_late_fill_after_a_cancel_takes_from_what_is_free(desk):
    order = desk.buy()
    desk.apply(desk.report(order, "CANCELED", 0))
    assert desk.money() == {"USDT": "1000 / 0"}
    [result] = desk.settle(desk.trade(order, 4, 100))
    assert (result.outcome, result.order.status) == ("SETTLED", "PARTIALLY_CANCELED")
    assert desk.money() == {"USDT": "600 / 0", "BTC": "4 / 0"}


def test_a_late_fill_takes_what_hold_is_left_and_then_free(desk):
    order = desk.buy()
    desk.apply(desk.report(order, "PARTIALLY_CANCELED", 2))
    assert desk.money() == {"USDT": "800 / 200"}
    trade = desk.trade(order, 3, 100)
    [result] = desk.settle(trade)
    assert (result.order.executed_quantity, result.order.held_amount) == (3, 0)
    assert ("USDT", "TRADE", "-100", "-200") in desk.lines(trade.id)
    assert desk.money() == {"USDT": "700 / 0", "BTC": "3 / 0"}


def test_one_late_fill_leaves_the_hold_of_the_next(desk):
    order = desk.buy()
    desk.apply(desk.report(order, "PARTIALLY_CANCELED", 6))
    desk.settle(desk.trade(order, 2, 100, commission=1, commission_asset="USDT"))
    assert desk.money() == {"USDT": "399 / 400", "BTC": "2 / 0"}
    desk.settle(desk.trade(order, 4, 90))
    assert desk.money() == {"USDT": "439 / 0", "BTC": "6 / 0"}


@pytest.mark.parametrize(("quantity", "status"), [(4, "PENDING_CANCEL"), (10, "FILLED")])
def test_a_fill_while_a_cancel_is_pending(desk, quantity, status):
    order = desk.buy()
    desk.cancel(order)
    [result] = desk.settle(desk.trade(order, quantity, 100))
    assert (result.outcome, result.order.status) == ("SETTLED", status)


@pytest.mark.parametrize(("quantity", "status"), [(4, "PARTIALLY_CANCELED"), (10, "FILLED")])
def test_a_fill_on_a_rejected_order(desk, quantity, status):
    order = desk.buy()
    desk.apply(desk.report(order, "REJECTED", 0))
    [result] = desk.settle(desk.trade(order, quantity, 100))
    assert (result.outcome, result.order.status) == ("SETTLED", status)


@pytest.mark.parametrize("side", ["BUY", "SELL"])
def test_more_filled_than_ordered(desk, side):
    desk.deposit("USDT", 1100)
    desk.deposit("BTC", 11)
    order = desk.place(desk.order(side, price=100, quantity=10))
    assert desk.outcome(desk.trade(order, 9, 100)) == "SETTLED"
    [result] = desk.settle(desk.trade(order, 2, 100))
    assert (result.outcome, result.order.status, result.order.executed_quantity) == ("SETTLED", "FILLED", 11)
    bought, sold = {"BTC": "22 / 0"}, {"USDT": "2200 / 0"}
    assert desk.money() == (bought if side == "BUY" else sold)


def test_one_bad_trade_in_a_thousand_spoils_no_other(desk):
    order = desk.buy(deposit=100_000, quantity=1000)
    trades = [desk.trade(order, 1, 100) for _ in range(1000)]
    trades[500] = trades[499].model_copy(update={"id": UUID(int=9), "price": Decimal(99)})
    results = desk.settle(*trades)
    assert [index for index, row in enumerate(results) if row.outcome != "SETTLED"] == [500]
    assert (results[500].outcome, results[500].trade) == ("CONFLICT", None)
    assert [row.order.executed_quantity for row in results[:3]] == [1, 2, 3]
    assert (desk.stored(order).executed_quantity, desk.stored(order).version) == (999, 1000)
    assert desk.money() == {"USDT": "0 / 100", "BTC": "999 / 0"}


def test_a_trade_opens_the_balances_of_no_order_that_it_cannot_settle(desk):
    order = desk.buy(client_order_id="mine")
    good = desk.trade(order, 1, 100, commission=1, commission_asset="MX")
    bad = [good.changed(side=OrderSide.SELL), good.changed(symbol="ETHUSDT"), good.changed(order_id=UUID(int=9))]
    assert balances_of(bad, [order]) == set()
    assert {asset for _, asset in balances_of([*bad, good], [order])} == {"BTC", "USDT", "MX"}


def test_a_trade_opens_the_balances_of_an_order_whose_name_another_tells(desk):
    order = desk.buy(client_order_id="mine")
    first = desk.trade(order, 1, 100, order_id=None, client_order_id="mine", exchange_order_id="x1")
    second = desk.trade(order, 1, 100, order_id=None, exchange_order_id="x1", commission=1, commission_asset="MX")
    assert {asset for _, asset in balances_of([first, second], [order])} == {"BTC", "USDT", "MX"}
