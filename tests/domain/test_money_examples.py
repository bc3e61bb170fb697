"""The examples A to D of the law of money, to the digit."""

from uuid import UUID

import pytest

ATTO = "0.000000000000000001"


@pytest.fixture
def buy(desk):
    """Example A: 1000 USDT, and a BUY of 0.02 BTC at 50000."""
    desk.deposit("USDT", 1000)
    return desk.place(desk.order(price=50000, quantity="0.02"))


def test_a_buy_holds_what_it_needs(desk, buy):
    assert desk.money() == {"USDT": "0 / 1000"}


def test_a_fill_below_the_price_gives_the_rest_of_its_share_back(desk, buy):
    trade = desk.trade(buy, "0.01", 49000, commission="0.00001", commission_asset="BTC")
    assert [result.outcome for result in desk.settle(trade)] == ["SETTLED"]
    assert desk.money() == {"USDT": "10 / 500", "BTC": "0.00999 / 0"}


def test_a_fill_short_of_its_commission_waits(desk, buy):
    [result] = desk.settle(desk.trade(buy, "0.01", 50000, commission="0.5", commission_asset="USDT"))
    assert (result.outcome, result.trade.state) == ("PENDING", "PENDING")
    assert [(row.asset, str(row.amount)) for row in result.missing] == [("USDT", "0.5")]
    assert desk.money() == {"USDT": "0 / 1000"}


def test_a_raised_hold_pays_the_commission(desk):
    desk.deposit("USDT", 1001)
    order = desk.place(desk.order(price=50000, quantity="0.02"), hold=1001)
    [result] = desk.settle(desk.trade(order, "0.01", 50000, commission="0.5", commission_asset="USDT"))
    assert result.outcome == "SETTLED"
    assert desk.money() == {"USDT": "0 / 500.5", "BTC": "0.01 / 0"}


@pytest.fixture
def sell(desk):
    """Example B up to the report: 0.4 of a SELL of 1 BTC settled, 0.6 executed."""
    desk.deposit("BTC", 1)
    order = desk.place(desk.order("SELL", price=100, quantity=1))
    assert desk.money() == {"BTC": "0 / 1"}
    desk.settle(desk.trade(order, "0.4", 100))
    assert desk.money() == {"BTC": "0 / 0.6", "USDT": "40 / 0"}
    desk.apply(desk.report(order, "PARTIALLY_CANCELED", "0.6"))
    assert desk.money() == {"BTC": "0.4 / 0.2", "USDT": "40 / 0"}
    return order


def test_b_the_last_trade_of_a_cancelled_order_takes_what_was_kept_for_it(desk, sell):
    [result] = desk.settle(desk.trade(sell, "0.2", 100))
    assert desk.money() == {"BTC": "0.4 / 0", "USDT": "60 / 0"}
    assert str(result.order.settled_quantity) == "0.6"


def test_b_a_hold_whose_trade_never_comes_is_ended(desk, sell):
    desk.end_hold(sell)
    assert desk.money() == {"BTC": "0.6 / 0", "USDT": "40 / 0"}


@pytest.fixture
def held(desk):
    """Example C before the snapshot: 500 of 1000 USDT held by a BUY of 0.01 BTC."""
    desk.deposit("USDT", 1000)
    order = desk.place(desk.order(price=50000, quantity="0.01"))
    assert desk.money() == {"USDT": "500 / 500"}
    return order


def test_c_a_trade_that_the_snapshot_told_moves_no_total(desk, held):
    traded_at = desk.wait()
    desk.wait()
    assert desk.sync({"USDT": 500, "BTC": "0.01"}) == "APPLIED"
    assert desk.money() == {"USDT": "0 / 500", "BTC": "0.01 / 0"}
    [result] = desk.settle(desk.trade(held, "0.01", 50000, traded_at=traded_at))
    assert (result.outcome, result.trade.state) == ("COVERED", "SETTLED")
    assert desk.money() == {"USDT": "500 / 0", "BTC": "0.01 / 0"}


def test_c_a_cancel_after_the_snapshot_gives_all_back(desk, held):
    desk.wait()
    desk.sync({"USDT": 1000})
    assert desk.money() == {"USDT": "500 / 500"}
    desk.apply(desk.report(held, "CANCELED", 0))
    assert desk.money() == {"USDT": "1000 / 0"}


def test_d_nothing_stays_locked_however_the_costs_were_rounded(desk):
    desk.deposit("USDT", f"{ATTO[:-1]}2")
    order = desk.place(desk.order(price="0.1", quantity=f"{ATTO[:-2]}15"))
    assert desk.money() == {"USDT": "0 / 0.000000000000000002"}
    locked = []
    for cost in (ATTO, "0", ATTO):
        [result] = desk.settle(desk.trade(order, f"{ATTO[:-1]}5", "0.1", quote_quantity=cost))
        assert result.outcome == "SETTLED"
        locked.append(f"{result.order.held_amount:f}")
    assert locked == [ATTO, ATTO, "0"]
    assert desk.money() == {"BTC": "0.000000000000000015 / 0"}


def test_e_the_same_trade_again_is_a_duplicate(desk, buy):
    trade = desk.trade(buy, "0.01", 50000)
    again = trade.model_copy(update={"id": UUID(int=9), "is_maker": True})
    assert [result.outcome for result in desk.settle(trade, again, trade)] == ["SETTLED", "DUPLICATE", "DUPLICATE"]
    assert [result.outcome for result in desk.settle(*[again] * 16)] == ["DUPLICATE"] * 16
    assert desk.money() == {"USDT": "0 / 500", "BTC": "0.01 / 0"}
