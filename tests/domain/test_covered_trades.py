"""Trades and account snapshots: what a snapshot has told already moves no total again."""

from decimal import Decimal

import pytest


def test_a_covered_trade_releases_its_share_only(desk):
    order = desk.buy()
    traded_at = desk.wait()
    desk.wait()
    desk.sync({"USDT": 640, "BTC": 4})
    assert desk.money() == {"USDT": "0 / 640", "BTC": "4 / 0"}
    trade = desk.trade(order, 4, 90, traded_at=traded_at, commission="0.1", commission_asset="BTC")
    [result] = desk.settle(trade)
    assert (result.outcome, result.order.held_amount, result.order.settled_quote_quantity) == ("COVERED", 240, 360)
    assert desk.lines(trade.id) == [("USDT", "RELEASE", "400", "-400")]
    assert desk.settle(trade)[0].outcome == "DUPLICATE"


@pytest.mark.parametrize(("seconds", "expected"), [(0, "COVERED"), (1, "SETTLED")])
def test_a_trade_of_the_very_moment_of_the_snapshot_is_covered(desk, seconds, expected):
    order = desk.buy()
    desk.wait()
    desk.sync({"USDT": 1000})
    assert desk.outcome(desk.trade(order, 4, 100, traded_at=desk.wait(seconds))) == expected


def test_a_covered_trade_sets_free_no_more_than_is_locked(desk):
    order = desk.buy()
    traded_at = desk.wait()
    desk.sync({"USDT": 1000})
    desk.audit = list  # somebody else wrote `locked`
    key = (order.user_id, "USDT")
    desk.balances[key] = desk.balances[key].changed(locked=Decimal(300))
    [result] = desk.settle(desk.trade(order, 4, 100, traded_at=traded_at))
    assert (result.outcome, result.order.held_amount) == ("COVERED", 600)
    assert desk.money() == {"USDT": "300 / 0"}


def test_a_covered_trade_that_closes_the_order_releases_the_rest(desk):
    order = desk.buy(1010, 1010)
    traded_at = desk.wait()
    desk.wait()
    desk.sync({"USDT": 1010})
    [result] = desk.settle(desk.trade(order, 10, 100, traded_at=traded_at))
    assert (result.outcome, result.order.status, result.order.held_amount) == ("COVERED", "FILLED", 0)
    assert desk.money() == {"USDT": "1010 / 0"}


def test_a_trade_after_the_snapshot_moves_money(desk):
    order = desk.buy()
    desk.sync({"USDT": 1000})
    desk.wait()
    assert desk.outcome(desk.trade(order, 4, 100)) == "SETTLED"
    assert desk.money() == {"USDT": "0 / 600", "BTC": "4 / 0"}


def test_a_waiting_trade_that_a_snapshot_tells_is_covered(desk):
    order = desk.buy()
    desk.settle(desk.trade(order, 4, 100, commission=1, commission_asset="MX"))
    desk.wait()
    desk.sync({"USDT": 600, "BTC": 4})
    [result] = desk.settle_pending()
    assert result.outcome == "COVERED"
    assert desk.money() == {"USDT": "400 / 200", "BTC": "4 / 0"}
