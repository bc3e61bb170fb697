"""Account snapshots: totals as told, the split by the holds."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from uuid import UUID

import pytest
from pydantic import ValidationError

from metacore.domain.trading.balances import AccountBalance
from metacore.domain.trading.snapshots import AccountSnapshot, SyncAccount
from metacore.errors import InvalidDataError
from metacore.testing.contract.balances_chain import rechained


def test_totals_are_the_snapshots_and_locked_is_what_is_held(day):
    day.buy(2000)
    day.deposit("BTC", 1)
    day.deposit("MX", 1)
    day.wait(10)
    assert day.sync({"USDT": 1500, "BTC": 2, "ETH": 3}) == "APPLIED"
    assert day.money() == {"USDT": "500 / 1000", "BTC": "2 / 0", "ETH": "3 / 0"}
    corrections = [entry for entry in day.entries if entry.reason == "SNAPSHOT"]
    assert {(entry.asset, entry.delta_free, entry.delta_locked, entry.occurred_at) for entry in corrections} == {
        ("USDT", -500, 0, day.now),
        ("BTC", 1, 0, day.now),
        ("ETH", 3, 0, day.now),
        ("MX", -1, 0, day.now),
    }


def test_how_the_exchange_splits_a_total_plays_no_part(day):
    day.buy(2000)
    split = AccountBalance(asset="USDT", free=Decimal(100), locked=Decimal(1900))
    assert split.total == 2000
    day.wait()
    day.sync({"USDT": split.total})
    assert day.money() == {"USDT": "1000 / 1000"}


def test_holds_above_the_total_are_cut_newest_order_first(day):
    day.deposit("USDT", 1000)
    orders = []
    for quantity in (5, 3, 2):
        day.wait()
        orders.append(day.place(day.order(price=100, quantity=quantity)))
    day.wait(10)
    day.sync({"USDT": 650})
    assert [day.stored(order).held_amount for order in orders] == [500, 150, 0]
    assert [day.stored(order).version for order in orders] == [1, 2, 2]
    assert day.money() == {"USDT": "0 / 650"}


def test_the_newest_order_is_that_placed_last_whatever_its_id(day):
    day.deposit("USDT", 1000)
    older, newer = day.order(price=100, quantity=5), day.order(price=100, quantity=5, id=UUID(int=9))
    day.place(older)
    day.wait()
    day.place(newer)
    day.wait(10)
    day.sync({"USDT": 600})
    assert (day.stored(older).held_amount, day.stored(newer).held_amount) == (500, 100)


def test_orders_of_one_moment_are_cut_by_id(day):
    day.deposit("USDT", 1000)
    first, second = day.order(price=100, quantity=5), day.order(price=100, quantity=5)
    assert first.id < second.id
    day.place_all([second, first])
    day.wait(10)
    day.sync({"USDT": 600})
    assert (day.stored(first).held_amount, day.stored(second).held_amount) == (500, 100)


def test_a_closed_order_keeps_its_hold_over_a_snapshot(day):
    order = day.buy()
    day.apply(day.report(order, "FILLED", 10))
    day.wait(10)
    day.sync({"USDT": 1500})
    assert day.money() == {"USDT": "500 / 1000"}


def test_a_snapshot_repairs_what_somebody_else_wrote_to_locked(day):
    order = day.buy()
    key = (order.user_id, "USDT")
    opening, entry = day.entries
    entry = entry.changed(
        free_after=Decimal(700), locked_after=Decimal(300), delta_free=Decimal(-300), delta_locked=Decimal(300)
    )
    head = rechained(entry, opening.hash)
    day.entries[-1] = entry.changed(hash=head)
    day.balances[key] = day.balances[key].changed(free=Decimal(700), locked=Decimal(300), head=head)
    assert [finding.rule for finding in day.audit()] == ["LOCKED_IS_HOLDS"]
    day.wait()
    day.sync({"USDT": 1000})
    assert day.money() == {"USDT": "0 / 1000"}


@pytest.mark.parametrize("seconds", [0, -1])
def test_a_snapshot_that_is_not_newer_is_stale(day, seconds):
    moment = day.wait(10)
    day.sync({"USDT": 700})
    before = day.state()
    taken_at = moment.replace(second=moment.second + seconds)
    assert day.sync({"USDT": 900}, at=taken_at) == "STALE"
    assert day.state() == before
    assert day.users[next(iter(day.users))].balances_as_of == moment


def test_a_first_snapshot_that_differs_close_to_a_fact_is_stale(day):
    day.deposit("USDT", 1000)
    for seconds in (-5, 0, 5):
        result = day.take({"USDT": 900}, at=day.now + timedelta(seconds=seconds))
        assert (result.outcome, dict(result.differences)) == ("STALE", {})
        assert "take another" in result.reason
    assert day.users[day.user_id].balances_as_of is None
    day.wait(6)
    assert day.take({"USDT": 900}).differences == {"USDT": -100}
    assert (day.money(), day.unexplained()) == ({"USDT": "900 / 0"}, {})


def test_a_first_snapshot_that_tells_the_same_may_be_close_to_a_fact(day):
    day.deposit("USDT", 1000)
    assert day.sync({"USDT": 1000}) == "APPLIED"


def test_facts_after_a_snapshot_are_added_to_its_totals(day):
    day.deposit("USDT", 1000)
    taken_at = day.wait(10)
    day.deposit("USDT", 50, at=day.wait(10))
    order = day.place(day.order(price=100, quantity=4))
    day.settle(day.trade(order, 4, 100, traded_at=day.wait(1)))
    assert day.take({"USDT": 900}, at=taken_at).differences == {"USDT": -100}
    assert day.money() == {"USDT": "550 / 0", "BTC": "4 / 0"}
    user = day.users[day.user_id]
    assert (user.balances_as_of, user.balances_since, user.balances_synced_at) == (taken_at, taken_at, day.now)


def test_no_total_goes_below_zero(day):
    day.sync({"USDT": 100})
    taken_at = day.wait(10)
    day.wait(10)
    day.withdraw("USDT", 80)
    assert day.take({}, at=taken_at).differences == {"USDT": -100}
    assert (day.money(), day.unexplained()) == ({}, {"USDT": -20})


def test_what_a_snapshot_tells_beyond_the_facts_is_unexplained(day):
    day.sync({"USDT": 700})
    assert day.unexplained() == {}
    day.wait(10)
    assert day.take({"USDT": 650, "ETH": 2}).differences == {"USDT": -50, "ETH": 2}
    assert day.unexplained() == {"USDT": -50, "ETH": 2}
    day.wait(10)
    assert day.take({"USDT": 650, "ETH": 2}).differences == {}
    assert day.unexplained() == {"USDT": -50, "ETH": 2}
    day.wait(10)
    assert day.take({"USDT": 700, "ETH": 2}).differences == {"USDT": 50}
    assert day.unexplained() == {"ETH": 2}


def test_a_snapshot_tells_the_flags_of_its_user(day):
    flags = {"can_trade": False, "account_type": "MARGIN", "permissions": ("SPOT", "NEWEST")}
    day.execute(SyncAccount(day.user_id, AccountSnapshot(taken_at=day.now, balances=(), **flags)))
    user = day.users[day.user_id]
    assert (user.balances_as_of, user.can_trade, user.can_withdraw) == (day.now, False, True)
    assert (user.account_type, user.permissions) == ("MARGIN", ("SPOT", "NEWEST"))


@pytest.mark.parametrize(("minutes", "possible"), [(5, True), (5.001, False), (10**6, False)])
def test_a_snapshot_of_the_future_is_refused(day, minutes, possible):
    moment = day.now + timedelta(minutes=minutes)
    if possible:
        assert day.sync({}, at=moment) == "APPLIED"
    else:
        with pytest.raises(InvalidDataError) as error:
            day.sync({}, at=moment)
        assert error.value.field == "taken_at"


def test_a_snapshot_lists_each_asset_once(day):
    twice = tuple(AccountBalance(asset="USDT", free=Decimal(free)) for free in (1, 2))
    with pytest.raises(ValueError, match="twice"):
        AccountSnapshot(taken_at=day.now, balances=twice)


def test_a_total_fits_38_digits():
    most = Decimal(10**38 - 1)
    with pytest.raises(ValidationError):
        AccountSnapshot(taken_at=datetime.now(UTC), balances=(AccountBalance(asset="A", free=most, locked=most),))


def test_a_partial_snapshot_tells_nothing_of_what_was_moved_after_it_and_is_not_in_it(day):
    day.deposit("USDT", 100)
    day.deposit("BTC", 1)
    day.wait(60)
    taken_at = day.now
    day.wait(60)
    day.deposit("BTC", 2)
    result = day.take({"USDT": 90}, taken_at, is_partial=True)
    assert (result.outcome, result.differences) == ("APPLIED", {"USDT": -10})
    assert day.money() == {"BTC": "3 / 0", "USDT": "90 / 0"}
