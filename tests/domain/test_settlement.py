"""What trades make of their orders, early, late and too many."""

from decimal import Decimal
from uuid import UUID

import pytest

from metacore.domain.trading.commands import AT_ONCE
from metacore.domain.trading.fills import balances_of
from metacore.domain.trading.orders import OrderSide


def test_partial_then_cancel(day):
    order = day.buy()
    day.settle(day.trade(order, 4, 100))
    day.apply(day.report(order, "CANCELED", 4))
    assert day.stored(order).status == "PARTIALLY_CANCELED"
    assert day.money() == {"USDT": "600 / 0", "BTC": "4 / 0"}


def test_report_before_trade_and_trade_before_report_end_alike(day, new_day):
    other = new_day()
    for place, report_first in ((day, True), (other, False)):
        order = place.buy()
        report = place.report(order, "FILLED", 10, executed_quote_quantity=990)
        trade = place.trade(order, 10, 99)
        for fact in (report, trade) if report_first else (trade, report):
            (place.apply if fact is report else place.settle)(fact)
    mine, theirs = list(day.orders.values()), list(other.orders.values())
    assert [(row.status, row.executed_quantity, row.settled_quantity, row.held_amount) for row in mine] == [
        (row.status, row.executed_quantity, row.settled_quantity, row.held_amount) for row in theirs
    ]
    assert day.money() == other.money() == {"USDT": "10 / 0", "BTC": "10 / 0"}


def test_a_trade_that_a_report_announced_leaves_no_second_line_in_the_history(day):
    order = day.buy()
    day.apply(day.report(order, "PARTIALLY_FILLED", 4))
    [result] = day.settle(day.trade(order, 4, 100))
    assert [(update.status, update.executed_quantity) for update in day.history(order)] == [
        ("PENDING_NEW", 0),
        ("PARTIALLY_FILLED", 4),
    ]
    assert result.order.settled_quantity == 4


def test_a_trade_is_a_line_of_the_history(day):
    order = day.buy()
    trade = day.trade(order, 4, 90)
    day.settle(trade)
    update = day.history(order)[-1]
    assert (update.previous_status, update.status) == ("PENDING_NEW", "PARTIALLY_FILLED")
    assert (update.executed_quantity, update.executed_quote_quantity) == (4, 360)
    assert (update.outcome, update.source, update.occurred_at) == ("APPLIED", "LOCAL", trade.traded_at)
    assert update.reason == f"trade {trade.exchange_trade_id}"


def test_a_late_fill_after_a_cancel_takes_from_what_is_free(day):
    order = day.buy()
    day.apply(day.report(order, "CANCELED", 0))
    assert day.money() == {"USDT": "1000 / 0"}
    [result] = day.settle(day.trade(order, 4, 100))
    assert (result.outcome, result.order.status) == ("SETTLED", "PARTIALLY_CANCELED")
    assert day.money() == {"USDT": "600 / 0", "BTC": "4 / 0"}


def test_a_late_fill_takes_what_hold_is_left_and_then_free(day):
    order = day.buy()
    day.apply(day.report(order, "PARTIALLY_CANCELED", 2))
    assert day.money() == {"USDT": "800 / 200"}
    trade = day.trade(order, 3, 100)
    [result] = day.settle(trade)
    assert (result.order.executed_quantity, result.order.held_amount) == (3, 0)
    assert ("USDT", "TRADE", "-100", "-200") in day.lines(trade.id)
    assert day.money() == {"USDT": "700 / 0", "BTC": "3 / 0"}


def test_one_late_fill_leaves_the_hold_of_the_next(day):
    order = day.buy()
    day.apply(day.report(order, "PARTIALLY_CANCELED", 6))
    day.settle(day.trade(order, 2, 100, commission=1, commission_asset="USDT"))
    assert day.money() == {"USDT": "399 / 400", "BTC": "2 / 0"}
    day.settle(day.trade(order, 4, 90))
    assert day.money() == {"USDT": "439 / 0", "BTC": "6 / 0"}


@pytest.mark.parametrize(("quantity", "status"), [(4, "PENDING_CANCEL"), (10, "FILLED")])
def test_a_fill_while_a_cancel_is_pending(day, quantity, status):
    order = day.buy()
    day.cancel(order)
    [result] = day.settle(day.trade(order, quantity, 100))
    assert (result.outcome, result.order.status) == ("SETTLED", status)


@pytest.mark.parametrize(("quantity", "status"), [(4, "PARTIALLY_CANCELED"), (10, "FILLED")])
def test_a_fill_on_a_rejected_order(day, quantity, status):
    order = day.buy()
    day.apply(day.report(order, "REJECTED", 0))
    [result] = day.settle(day.trade(order, quantity, 100))
    assert (result.outcome, result.order.status) == ("SETTLED", status)


@pytest.mark.parametrize("side", ["BUY", "SELL"])
def test_more_filled_than_ordered(day, side):
    day.deposit("USDT", 1100)
    day.deposit("BTC", 11)
    order = day.place(day.order(side, price=100, quantity=10))
    assert day.outcome(day.trade(order, 9, 100)) == "SETTLED"
    [result] = day.settle(day.trade(order, 2, 100))
    assert (result.outcome, result.order.status, result.order.executed_quantity) == ("SETTLED", "FILLED", 11)
    bought, sold = {"BTC": "22 / 0"}, {"USDT": "2200 / 0"}
    assert day.money() == (bought if side == "BUY" else sold)


def test_one_bad_trade_in_a_thousand_spoils_no_other(day):
    order = day.buy(deposit=100_000, quantity=1000)
    trades = [day.trade(order, 1, 100) for _ in range(1000)]
    trades[500] = trades[499].model_copy(update={"id": UUID(int=9), "price": Decimal(99)})
    results = day.settle(*trades)
    assert [index for index, row in enumerate(results) if row.outcome != "SETTLED"] == [500]
    assert (results[500].outcome, results[500].trade) == ("CONFLICT", None)
    assert [row.order.executed_quantity for row in results[:3]] == [1, 2, 3]
    assert (day.stored(order).executed_quantity, day.stored(order).version) == (999, 1000)
    assert day.money() == {"USDT": "0 / 100", "BTC": "999 / 0"}


def test_a_trade_is_sent_again_in_a_later_part_of_its_batch(day):
    order, selling = day.buy(deposit=100_000, quantity=1000), day.sell(deposit=10)
    short = day.trade(order, 1, 100, commission=90, commission_asset="BTC")
    others = [day.trade(order, 1, 100) for _ in range(AT_ONCE)]
    results = day.settle(short, *others, short, short, day.trade(selling, 1, 100))
    assert [row.outcome for row in results[:2]] == ["PENDING", "SETTLED"]
    assert [(row.outcome, row.trade.version) for row in results[-3:]] == [
        ("SETTLED", 2),
        ("DUPLICATE", 2),
        ("SETTLED", 1),
    ]
    assert day.stored(order).executed_quantity == AT_ONCE + 1


def test_a_trade_opens_the_balances_of_no_order_that_it_cannot_settle(day):
    order = day.buy(client_order_id="mine")
    good = day.trade(order, 1, 100, commission=1, commission_asset="MX")
    bad = [good.changed(side=OrderSide.SELL), good.changed(symbol="ETHUSDT"), good.changed(order_id=UUID(int=9))]
    assert balances_of(bad, [order]) == set()
    assert {asset for _, asset in balances_of([*bad, good], [order])} == {"BTC", "USDT", "MX"}


def test_a_trade_opens_the_balances_of_an_order_whose_name_another_tells(day):
    order = day.buy(client_order_id="mine")
    first = day.trade(order, 1, 100, order_id=None, client_order_id="mine", exchange_order_id="x1")
    second = day.trade(order, 1, 100, order_id=None, exchange_order_id="x1", commission=1, commission_asset="MX")
    assert {asset for _, asset in balances_of([first, second], [order])} == {"BTC", "USDT", "MX"}
