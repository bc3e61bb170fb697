"""The examples A to E of the law of money, to the digit."""

from datetime import timedelta
from decimal import Decimal
from uuid import UUID

import pytest

ATTO = "0.000000000000000001"


@pytest.fixture
def buy(day):
    """Example A: 1000 USDT, and a BUY of 0.02 BTC at 50000."""
    day.deposit("USDT", 1000)
    return day.place(day.order(price=50000, quantity="0.02"))


def test_a_buy_holds_what_it_needs(day, buy):
    assert day.money() == {"USDT": "0 / 1000"}


def test_a_fill_below_the_price_gives_the_rest_of_its_share_back(day, buy):
    trade = day.trade(buy, "0.01", 49000, commission="0.00001", commission_asset="BTC")
    assert [result.outcome for result in day.settle(trade)] == ["SETTLED"]
    assert day.money() == {"USDT": "10 / 500", "BTC": "0.00999 / 0"}


def test_a_fill_short_of_its_commission_waits(day, buy):
    [result] = day.settle(day.trade(buy, "0.01", 50000, commission="0.5", commission_asset="USDT"))
    assert (result.outcome, result.trade.state) == ("PENDING", "PENDING")
    assert [(row.asset, str(row.amount)) for row in result.missing] == [("USDT", "0.5")]
    assert day.money() == {"USDT": "0 / 1000"}


def test_a_raised_hold_pays_the_commission(day):
    day.deposit("USDT", 1001)
    order = day.place(day.order(price=50000, quantity="0.02"), hold=1001)
    [result] = day.settle(day.trade(order, "0.01", 50000, commission="0.5", commission_asset="USDT"))
    assert result.outcome == "SETTLED"
    assert day.money() == {"USDT": "0 / 500.5", "BTC": "0.01 / 0"}


@pytest.fixture
def sell(day):
    """Example B up to the report: 0.4 of a SELL of 1 BTC settled, 0.6 executed."""
    day.deposit("BTC", 1)
    order = day.place(day.order("SELL", price=100, quantity=1))
    assert day.money() == {"BTC": "0 / 1"}
    day.settle(day.trade(order, "0.4", 100))
    assert day.money() == {"BTC": "0 / 0.6", "USDT": "40 / 0"}
    day.apply(day.report(order, "PARTIALLY_CANCELED", "0.6"))
    assert day.money() == {"BTC": "0.4 / 0.2", "USDT": "40 / 0"}
    return order


def test_b_the_last_trade_of_a_cancelled_order_takes_what_was_kept_for_it(day, sell):
    [result] = day.settle(day.trade(sell, "0.2", 100))
    assert day.money() == {"BTC": "0.4 / 0", "USDT": "60 / 0"}
    assert str(result.order.settled_quantity) == "0.6"


def test_b_a_hold_whose_trade_never_comes_is_ended(day, sell):
    day.end_hold(sell)
    assert day.money() == {"BTC": "0.6 / 0", "USDT": "40 / 0"}


@pytest.fixture
def held(day):
    """Example C before its second snapshot: 500 of 1000 USDT held by a BUY of 0.01 BTC."""
    day.sync({"USDT": 1000})
    day.wait(60)
    order = day.place(day.order(price=50000, quantity="0.01"))
    assert day.money() == {"USDT": "500 / 500"}
    return order


def test_c_a_trade_that_the_snapshot_includes_moves_no_total(day, held):
    traded_at = day.wait(60)
    day.wait(10)
    assert day.sync({"USDT": 500, "BTC": "0.01"}) == "APPLIED"
    assert day.money() == {"USDT": "0 / 500", "BTC": "0.01 / 0"}
    assert day.unexplained() == {"USDT": -500, "BTC": Decimal("0.01")}
    [result] = day.settle(day.trade(held, "0.01", 50000, traded_at=traded_at))
    assert (result.outcome, result.trade.state) == ("COVERED", "SETTLED")
    assert day.money() == {"USDT": "500 / 0", "BTC": "0.01 / 0"}
    assert day.unexplained() == {}


def test_c_a_cancel_after_the_snapshot_gives_all_back(day, held):
    day.wait(10)
    day.sync({"USDT": 1000})
    assert day.money() == {"USDT": "500 / 500"}
    day.apply(day.report(held, "CANCELED", 0))
    assert day.money() == {"USDT": "1000 / 0"}


def test_c_a_trade_dated_in_whole_seconds_of_an_order_placed_after_the_snapshot_settles(day):
    taken_at = day.now + timedelta(milliseconds=300)
    day.now = taken_at + timedelta(milliseconds=50)
    day.sync({"USDT": 1000}, at=taken_at)
    day.now += timedelta(milliseconds=50)
    order = day.place(day.order(price=50000, quantity="0.01"))
    whole_second = taken_at.replace(microsecond=0)
    day.wait(1)
    assert day.outcome(day.trade(order, "0.01", 50000, traded_at=whole_second)) == "SETTLED"
    assert (day.money(), day.unexplained()) == ({"USDT": "500 / 0", "BTC": "0.01 / 0"}, {})


def test_d_nothing_stays_locked_however_the_costs_were_rounded(day):
    day.deposit("USDT", f"{ATTO[:-1]}2")
    order = day.place(day.order(price="0.1", quantity=f"{ATTO[:-2]}15"))
    assert day.money() == {"USDT": "0 / 0.000000000000000002"}
    locked = []
    for cost in (ATTO, "0", ATTO):
        [result] = day.settle(day.trade(order, f"{ATTO[:-1]}5", "0.1", quote_quantity=cost))
        assert result.outcome == "SETTLED"
        locked.append(f"{result.order.held_amount:f}")
    assert locked == [ATTO, ATTO, "0"]
    assert day.money() == {"BTC": "0.000000000000000015 / 0"}


def test_e_the_same_trade_again_is_a_duplicate(day, buy):
    trade = day.trade(buy, "0.01", 50000)
    again = trade.model_copy(update={"id": UUID(int=9), "is_maker": True})
    assert [result.outcome for result in day.settle(trade, again, trade)] == ["SETTLED", "DUPLICATE", "DUPLICATE"]
    assert [result.outcome for result in day.settle(*[again] * 16)] == ["DUPLICATE"] * 16
    assert day.money() == {"USDT": "0 / 500", "BTC": "0.01 / 0"}
