"""How a fill moves money: what pays, in which order, and what the journal says of it."""

from decimal import Decimal

import pytest

from metacore.domain.trading.balances import EntryReason

MONEY = [
    # side, deposited, hold; price, quantity, told quote, commission; money after
    pytest.param("BUY", 1000, None, 90, 4, None, None, {"USDT": "40 / 600", "BTC": "4 / 0"}, id="price improvement"),
    pytest.param("BUY", 1000, None, 100, 4, "399.5", None, {"USDT": "0.5 / 600", "BTC": "4 / 0"}, id="cost as told"),
    pytest.param("BUY", 1000, None, 100, 4, None, ("0.1", "BTC"), {"USDT": "0 / 600", "BTC": "3.9 / 0"}, id="in base"),
    pytest.param(
        "BUY", 1001, None, 100, 4, None, (1, "USDT"), {"USDT": "0 / 600", "BTC": "4 / 0"}, id="in quote, free"
    ),
    pytest.param(
        "BUY", 1001, 1001, 100, 4, None, (1, "USDT"), {"USDT": "0 / 600", "BTC": "4 / 0"}, id="in quote, held"
    ),
    pytest.param(
        "BUY", 1005, 1001, 100, 4, None, (3, "USDT"), {"USDT": "2 / 600", "BTC": "4 / 0"}, id="in quote, held and free"
    ),
    pytest.param(
        "BUY", 1000, None, 99, 4, None, (3, "USDT"), {"USDT": "1 / 600", "BTC": "4 / 0"}, id="from the surplus"
    ),
    pytest.param(
        "BUY", 1000, None, 99, 4, None, (4, "USDT"), {"USDT": "0 / 600", "BTC": "4 / 0"}, id="all the surplus"
    ),
    pytest.param(
        "BUY", 1001, None, 99, 4, None, (5, "USDT"), {"USDT": "0 / 600", "BTC": "4 / 0"}, id="surplus and free"
    ),
    pytest.param("BUY", 1000, None, 100, 4, None, (-1, "USDT"), {"USDT": "1 / 600", "BTC": "4 / 0"}, id="quote rebate"),
    pytest.param("BUY", 1000, None, 100, 4, None, (-1, "BTC"), {"USDT": "0 / 600", "BTC": "5 / 0"}, id="base rebate"),
    pytest.param(
        "BUY",
        1000,
        None,
        100,
        4,
        None,
        (-1, "MX"),
        {"USDT": "0 / 600", "BTC": "4 / 0", "MX": "1 / 0"},
        id="rebate, third",
    ),
    pytest.param("BUY", 1000, None, 101, 4, "404", (-4, "USDT"), {"USDT": "0 / 600", "BTC": "4 / 0"}, id="rebate pays"),
    pytest.param("SELL", 10, None, 110, 4, None, None, {"BTC": "0 / 6", "USDT": "440 / 0"}, id="sell"),
    pytest.param("SELL", 10, None, 100, 4, None, (1, "USDT"), {"BTC": "0 / 6", "USDT": "399 / 0"}, id="sell, in quote"),
    pytest.param(
        "SELL", 11, None, 100, 4, None, (1, "BTC"), {"BTC": "0 / 6", "USDT": "400 / 0"}, id="sell, base, free"
    ),
    pytest.param("SELL", 11, 11, 100, 4, None, (1, "BTC"), {"BTC": "0 / 6", "USDT": "400 / 0"}, id="sell, base, held"),
    pytest.param(
        "SELL", 10, None, 100, 4, None, (-1, "BTC"), {"BTC": "1 / 6", "USDT": "400 / 0"}, id="sell, base rebate"
    ),
]


@pytest.mark.parametrize(("side", "deposit", "hold", "price", "quantity", "cost", "fee", "money"), MONEY)
def test_a_fill_moves_money(day, side, deposit, hold, price, quantity, cost, fee, money):
    order = day.buy(deposit, hold) if side == "BUY" else day.sell(deposit, hold)
    commission, asset = fee or (0, None)
    trade = day.trade(order, quantity, price, quote_quantity=cost, commission=commission, commission_asset=asset)
    assert day.outcome(trade) == "SETTLED"
    assert day.money() == money


def test_a_commission_in_a_third_asset_is_paid_from_what_is_free(day):
    order = day.buy()
    day.deposit("MX", 2)
    assert day.outcome(day.trade(order, 4, 100, commission="1.5", commission_asset="MX")) == "SETTLED"
    assert day.money() == {"USDT": "0 / 600", "BTC": "4 / 0", "MX": "0.5 / 0"}


def test_each_cause_has_an_entry_of_its_own(day):
    order = day.buy()
    trade = day.trade(order, 4, 90, commission="0.1", commission_asset="BTC")
    day.settle(trade)
    assert day.lines(order.id) == [("USDT", "HOLD", "-1000", "1000")]
    assert day.lines(trade.id) == [
        ("USDT", "RELEASE", "40", "-40"),
        ("USDT", "TRADE", "0", "-360"),
        ("BTC", "TRADE", "4", "0"),
        ("BTC", "COMMISSION", "-0.1", "0"),
    ]
    assert {entry.occurred_at for entry in day.entries if entry.reference == str(trade.id)} == {trade.traded_at}


def test_cost_and_commission_are_entered_apart_where_hold_and_free_pay_together(day):
    order = day.buy(1005, 1001)
    trade = day.trade(order, 4, "100.5", commission=2, commission_asset="USDT")
    day.settle(trade)
    assert day.lines(trade.id) == [
        ("USDT", "TRADE", "-1", "-401"),
        ("BTC", "TRADE", "4", "0"),
        ("USDT", "COMMISSION", "-2", "0"),
    ]
    assert day.money() == {"USDT": "1 / 600", "BTC": "4 / 0"}


def test_entries_of_a_trade_are_dated_by_it(day):
    order = day.buy()
    traded_at = day.now.replace(year=2025)
    trade = day.trade(order, 4, 90, traded_at=traded_at)
    day.settle(trade)
    of_trade = [entry for entry in day.entries if entry.reference == str(trade.id)]
    assert {entry.occurred_at for entry in of_trade} == {traded_at}
    assert EntryReason.TRADE in {entry.reason for entry in of_trade}


def test_the_fill_that_closes_an_order_gives_back_the_rest_of_its_hold(day):
    order = day.buy(1010, 1010)
    trade = day.trade(order, 10, 99)
    [result] = day.settle(trade)
    assert (result.order.status, result.order.held_amount) == ("FILLED", 0)
    assert day.money() == {"USDT": "20 / 0", "BTC": "10 / 0"}
    assert day.lines(trade.id)[0] == ("USDT", "RELEASE", "10", "-10")
    assert day.lines(order.id)[1:] == [("USDT", "RELEASE", "10", "-10")]


def test_a_market_buy_by_quote_pays_its_cost_and_is_filled_by_report(day):
    day.deposit("USDT", 1000)
    order = day.place(day.order(type="MARKET", quote_quantity=500))
    assert day.money() == {"USDT": "500 / 500"}
    [first] = day.settle(day.trade(order, 3, 100, commission="0.1", commission_asset="BTC"))
    assert (first.order.status, first.order.held_amount) == ("PARTIALLY_FILLED", 200)
    day.apply(day.report(order, "FILLED", "4.9", executed_quote_quantity="499"))
    assert day.money() == {"USDT": "501 / 199", "BTC": "2.9 / 0"}
    [last] = day.settle(day.trade(order, "1.9", "104.736842", quote_quantity=199))
    assert (last.order.status, last.order.held_amount) == ("FILLED", 0)
    assert day.money() == {"USDT": "501 / 0", "BTC": "4.8 / 0"}


def test_a_market_buy_by_quantity_pays_commissions_from_its_callers_hold(day):
    day.deposit("USDT", 1000)
    order = day.place(day.order(type="MARKET", quantity=4), hold=450)
    day.settle(day.trade(order, 3, 100, commission=3, commission_asset="USDT"))
    assert day.money() == {"USDT": "550 / 147", "BTC": "3 / 0"}
    [last] = day.settle(day.trade(order, 1, 101, commission=1, commission_asset="USDT"))
    assert last.order.status == "FILLED"
    assert day.money() == {"USDT": "595 / 0", "BTC": "4 / 0"}


def test_more_held_than_is_locked_makes_a_fill_wait(day):
    order = day.buy()
    day.audit = list  # somebody else wrote `locked`
    key = (order.user_id, "USDT")
    day.balances[key] = day.balances[key].changed(locked=Decimal(300))
    [result] = day.settle(day.trade(order, 4, 100))
    assert (result.outcome, [(row.asset, row.amount) for row in result.missing]) == ("PENDING", [("USDT", 100)])
