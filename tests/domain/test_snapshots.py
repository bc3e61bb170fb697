"""Account snapshots: totals as told, the split by the holds."""

from datetime import UTC, datetime
from decimal import Decimal
from uuid import UUID

import pytest
from pydantic import ValidationError

from metacore.domain.trading.balances import AccountBalance
from metacore.domain.trading.snapshots import AccountSnapshot


def test_totals_are_as_told_and_locked_is_what_is_held(day):
    day.buy(2000)
    day.deposit("BTC", 1)
    day.deposit("MX", 1)
    day.wait()
    assert day.sync({"USDT": 1500, "BTC": 2, "ETH": 3}) == "APPLIED"
    assert day.money() == {"USDT": "500 / 1000", "BTC": "2 / 0", "ETH": "3 / 0"}
    told = [entry for entry in day.entries if entry.reason == "SNAPSHOT"]
    assert {(entry.asset, entry.delta_free, entry.delta_locked, entry.occurred_at) for entry in told} == {
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
    day.wait()
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
    day.wait()
    day.sync({"USDT": 600})
    assert (day.stored(older).held_amount, day.stored(newer).held_amount) == (500, 100)


def test_orders_of_one_moment_are_cut_by_id(day):
    day.deposit("USDT", 1000)
    first, second = day.order(price=100, quantity=5), day.order(price=100, quantity=5)
    assert first.id < second.id
    day.place_all([second, first])
    day.wait()
    day.sync({"USDT": 600})
    assert (day.stored(first).held_amount, day.stored(second).held_amount) == (500, 100)


def test_a_closed_order_keeps_its_hold_over_a_snapshot(day):
    order = day.buy()
    day.apply(day.report(order, "FILLED", 10))
    day.wait()
    day.sync({"USDT": 1500})
    assert day.money() == {"USDT": "500 / 1000"}


def test_a_snapshot_repairs_what_somebody_else_wrote_to_locked(day):
    order = day.buy()
    key = (order.user_id, "USDT")
    day.balances[key] = day.balances[key].changed(free=Decimal(700), locked=Decimal(300))
    day.entries[-1] = day.entries[-1].changed(
        free_after=Decimal(700), locked_after=Decimal(300), delta_free=Decimal(-300), delta_locked=Decimal(300)
    )
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


def test_a_snapshot_older_than_a_movement_of_money_is_stale(day):
    taken_at = day.now
    day.deposit("USDT", 1000, at=day.wait())
    assert day.sync({"USDT": 0}, at=taken_at) == "STALE"
    assert day.sync({"USDT": 900}, at=day.now) == "APPLIED"


def test_holds_and_releases_make_no_snapshot_stale(day):
    day.deposit("USDT", 1000)
    taken_at = day.now
    day.wait()
    order = day.place(day.order(price=100, quantity=4))
    day.apply(day.report(order, "CANCELED", 0))
    assert day.sync({"USDT": 900}, at=taken_at) == "APPLIED"
    assert day.money() == {"USDT": "900 / 0"}


def test_a_snapshot_tells_the_flags_of_its_user(day):
    snapshot = AccountSnapshot(
        taken_at=day.now, balances=(), can_trade=False, account_type="MARGIN", permissions=("SPOT", "NEWEST")
    )
    [user] = day.users.values()
    changed = user.patched(snapshot.patch(), day.now)
    assert (changed.balances_as_of, changed.can_trade, changed.can_withdraw) == (day.now, False, True)
    assert (changed.account_type, changed.permissions) == ("MARGIN", ("SPOT", "NEWEST"))


def test_a_snapshot_lists_each_asset_once(day):
    twice = tuple(AccountBalance(asset="USDT", free=Decimal(free)) for free in (1, 2))
    with pytest.raises(ValueError, match="twice"):
        AccountSnapshot(taken_at=day.now, balances=twice)


def test_a_total_fits_20_digits():
    most = Decimal(10**38 - 1)
    with pytest.raises(ValidationError):
        AccountSnapshot(taken_at=datetime.now(UTC), balances=(AccountBalance(asset="A", free=most, locked=most),))
