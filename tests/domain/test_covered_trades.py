"""Trades and account snapshots: what a snapshot has told already moves no total again."""

from decimal import Decimal

import pytest


@pytest.fixture
def opened(day):
    """A day that began with an account snapshot of 1000 USDT, ten seconds ago."""
    day.sync({"USDT": 1000})
    day.wait(10)
    return day


def buy(day, hold=None):
    return day.place(day.order(price=100, quantity=10), hold)


def test_a_covered_trade_releases_its_share_and_explains_the_snapshot(opened):
    day, order = opened, buy(opened)
    traded_at = day.wait()
    day.wait(10)
    day.sync({"USDT": 640, "BTC": "3.9"})
    assert day.money() == {"USDT": "0 / 640", "BTC": "3.9 / 0"}
    assert day.unexplained() == {"USDT": -360, "BTC": Decimal("3.9")}
    trade = day.trade(order, 4, 90, traded_at=traded_at, commission="0.1", commission_asset="BTC")
    [result] = day.settle(trade)
    assert (result.outcome, result.order.held_amount, result.order.settled_quote_quantity) == ("COVERED", 240, 360)
    assert day.money() == {"USDT": "400 / 240", "BTC": "3.9 / 0"}
    assert day.unexplained() == {}
    assert day.lines(trade.id) == [
        ("USDT", "RELEASE", "400", "-400"),
        ("BTC", "TRADE", "4", "0"),
        ("BTC", "SNAPSHOT", "-4", "0"),
        ("USDT", "SNAPSHOT", "360", "0"),
        ("USDT", "TRADE", "-360", "0"),
        ("BTC", "SNAPSHOT", "0.1", "0"),
        ("BTC", "COMMISSION", "-0.1", "0"),
    ]
    assert day.settle(trade)[0].outcome == "DUPLICATE"


def test_a_covered_trade_sets_free_no_more_than_is_locked(opened):
    day, order = opened, buy(opened)
    traded_at = day.wait()
    day.wait(10)
    day.sync({"USDT": 1000})
    day.audit = list  # somebody else wrote `locked`
    key = (order.user_id, "USDT")
    day.balances[key] = day.balances[key].changed(locked=Decimal(300))
    [result] = day.settle(day.trade(order, 4, 100, traded_at=traded_at))
    assert (result.outcome, result.order.held_amount) == ("COVERED", 600)
    assert day.money() == {"USDT": "300 / 0"}


def test_a_covered_trade_that_closes_the_order_releases_the_rest(day):
    day.sync({"USDT": 1010})
    day.wait(10)
    order = buy(day, 1010)
    traded_at = day.wait()
    day.wait(10)
    day.sync({"USDT": 1010})
    [result] = day.settle(day.trade(order, 10, 100, traded_at=traded_at))
    assert (result.outcome, result.order.status, result.order.held_amount) == ("COVERED", "FILLED", 0)
    assert day.money() == {"USDT": "1010 / 0"}
    # The exchange told of no such trade: that is for somebody to look at.
    assert day.unexplained() == {"USDT": 1000, "BTC": -10}


def test_a_trade_well_after_the_snapshot_moves_money(opened):
    day, order = opened, buy(opened)
    day.wait(10)
    day.sync({"USDT": 1000})
    day.wait(6)
    assert day.outcome(day.trade(order, 4, 100)) == "SETTLED"
    assert day.money() == {"USDT": "0 / 600", "BTC": "4 / 0"}
    assert day.unexplained() == {}


def test_a_waiting_trade_that_a_snapshot_tells_is_covered(opened):
    day, order = opened, buy(opened)
    day.settle(day.trade(order, 4, 100, commission=1, commission_asset="MX"))
    day.wait(10)
    day.sync({"USDT": 600, "BTC": 4})
    [result] = day.settle_pending()
    assert result.outcome == "COVERED"
    assert day.money() == {"USDT": "400 / 200", "BTC": "4 / 0"}
    assert day.unexplained() == {"MX": 1}
