"""Trades and account snapshots: what a snapshot has told already moves no total again."""

from decimal import Decimal

import pytest


def test_a_covered_trade_releases_its_share_only(day):
    order = day.buy()
    traded_at = day.wait()
    day.wait()
    day.sync({"USDT": 640, "BTC": 4})
    assert day.money() == {"USDT": "0 / 640", "BTC": "4 / 0"}
    trade = day.trade(order, 4, 90, traded_at=traded_at, commission="0.1", commission_asset="BTC")
    [result] = day.settle(trade)
    assert (result.outcome, result.order.held_amount, result.order.settled_quote_quantity) == ("COVERED", 240, 360)
    assert day.lines(trade.id) == [("USDT", "RELEASE", "400", "-400")]
    assert day.settle(trade)[0].outcome == "DUPLICATE"


@pytest.mark.parametrize(("seconds", "expected"), [(0, "COVERED"), (1, "SETTLED")])
def test_a_trade_of_the_very_moment_of_the_snapshot_is_covered(day, seconds, expected):
    order = day.buy()
    day.wait()
    day.sync({"USDT": 1000})
    assert day.outcome(day.trade(order, 4, 100, traded_at=day.wait(seconds))) == expected


def test_a_covered_trade_sets_free_no_more_than_is_locked(day):
    order = day.buy()
    traded_at = day.wait()
    day.sync({"USDT": 1000})
    day.audit = list  # somebody else wrote `locked`
    key = (order.user_id, "USDT")
    day.balances[key] = day.balances[key].changed(locked=Decimal(300))
    [result] = day.settle(day.trade(order, 4, 100, traded_at=traded_at))
    assert (result.outcome, result.order.held_amount) == ("COVERED", 600)
    assert day.money() == {"USDT": "300 / 0"}


def test_a_covered_trade_that_closes_the_order_releases_the_rest(day):
    order = day.buy(1010, 1010)
    traded_at = day.wait()
    day.wait()
    day.sync({"USDT": 1010})
    [result] = day.settle(day.trade(order, 10, 100, traded_at=traded_at))
    assert (result.outcome, result.order.status, result.order.held_amount) == ("COVERED", "FILLED", 0)
    assert day.money() == {"USDT": "1010 / 0"}


def test_a_trade_after_the_snapshot_moves_money(day):
    order = day.buy()
    day.sync({"USDT": 1000})
    day.wait()
    assert day.outcome(day.trade(order, 4, 100)) == "SETTLED"
    assert day.money() == {"USDT": "0 / 600", "BTC": "4 / 0"}


def test_a_waiting_trade_that_a_snapshot_tells_is_covered(day):
    order = day.buy()
    day.settle(day.trade(order, 4, 100, commission=1, commission_asset="MX"))
    day.wait()
    day.sync({"USDT": 600, "BTC": 4})
    [result] = day.settle_pending()
    assert result.outcome == "COVERED"
    assert day.money() == {"USDT": "400 / 200", "BTC": "4 / 0"}
