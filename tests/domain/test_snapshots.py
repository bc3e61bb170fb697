"""Account snapshots: totals as told, the split by the holds."""

from datetime import UTC, datetime
from decimal import Decimal
from uuid import UUID

import pytest
from pydantic import ValidationError

from metacore.domain.trading.balances import AccountBalance
from metacore.domain.trading.snapshots import AccountSnapshot


def test_totals_are_as_told_and_locked_is_what_is_held(desk):
    desk.buy(2000)
    desk.deposit("BTC", 1)
    desk.deposit("MX", 1)
    desk.wait()
    assert desk.sync({"USDT": 1500, "BTC": 2, "ETH": 3}) == "APPLIED"
    assert desk.money() == {"USDT": "500 / 1000", "BTC": "2 / 0", "ETH": "3 / 0"}
    told = [entry for entry in desk.entries if entry.reason == "SNAPSHOT"]
    assert {(entry.asset, entry.delta_free, entry.delta_locked, entry.occurred_at) for entry in told} == {
        ("USDT", -500, 0, desk.now),
        ("BTC", 1, 0, desk.now),
        ("ETH", 3, 0, desk.now),
        ("MX", -1, 0, desk.now),
    }


def test_how_the_exchange_splits_a_total_plays_no_part(desk):
    desk.buy(2000)
    split = AccountBalance(asset="USDT", free=Decimal(100), locked=Decimal(1900))
    assert split.total == 2000
    desk.wait()
    desk.sync({"USDT": split.total})
    assert desk.money() == {"USDT": "1000 / 1000"}


def test_holds_above_the_total_are_cut_newest_order_first(desk):
    desk.deposit("USDT", 1000)
    orders = []
    for quantity in (5, 3, 2):
        desk.wait()
        orders.append(desk.place(desk.order(price=100, quantity=quantity)))
    desk.wait()
    desk.sync({"USDT": 650})
    assert [desk.stored(order).held_amount for order in orders] == [500, 150, 0]
    assert [desk.stored(order).version for order in orders] == [1, 2, 2]
    assert desk.money() == {"USDT": "0 / 650"}


def test_the_newest_order_is_that_placed_last_whatever_its_id(desk):
    desk.deposit("USDT", 1000)
    older, newer = desk.order(price=100, quantity=5), desk.order(price=100, quantity=5, id=UUID(int=9))
    desk.place(older)
    desk.wait()
    desk.place(newer)
    desk.wait()
    desk.sync({"USDT": 600})
    assert (desk.stored(older).held_amount, desk.stored(newer).held_amount) == (500, 100)


def test_orders_of_one_moment_are_cut_by_id(desk):
    desk.deposit("USDT", 1000)
    first, second = desk.order(price=100, quantity=5), desk.order(price=100, quantity=5)
    assert first.id < second.id
    desk.place_all([second, first])
    desk.wait()
    desk.sync({"USDT": 600})
    assert (desk.stored(first).held_amount, desk.stored(second).held_amount) == (500, 100)


def test_a_closed_order_keeps_its_hold_over_a_snapshot(desk):
    order = desk.buy()
    desk.apply(desk.report(order, "FILLED", 10))
    desk.wait()
    desk.sync({"USDT": 1500})
    assert desk.money() == {"USDT": "500 / 1000"}


def test_a_snapshot_repairs_what_somebody_else_wrote_to_locked(desk):
    order = desk.buy()
    key = (order.user_id, "USDT")
    desk.balances[key] = desk.balances[key].changed(free=Decimal(700), locked=Decimal(300))
    desk.entries[-1] = desk.entries[-1].changed(
        free_after=Decimal(700), locked_after=Decimal(300), delta_free=Decimal(-300), delta_locked=Decimal(300)
    )
    assert [finding.rule for finding in desk.audit()] == ["LOCKED_IS_HOLDS"]
    desk.wait()
    desk.sync({"USDT": 1000})
    assert desk.money() == {"USDT": "0 / 1000"}


@pytest.mark.parametrize("seconds", [0, -1])
def test_a_snapshot_that_is_not_newer_is_stale(desk, seconds):
    moment = desk.wait(10)
    desk.sync({"USDT": 700})
    before = desk.state()
    taken_at = moment.replace(second=moment.second + seconds)
    assert desk.sync({"USDT": 900}, at=taken_at) == "STALE"
    assert desk.state() == before
    assert desk.users[next(iter(desk.users))].balances_as_of == moment


def test_a_snapshot_older_than_a_movement_of_money_is_stale(desk):
    taken_at = desk.now
    desk.deposit("USDT", 1000, at=desk.wait())
    assert desk.sync({"USDT": 0}, at=taken_at) == "STALE"
    assert desk.sync({"USDT": 900}, at=desk.now) == "APPLIED"


def test_holds_and_releases_make_no_snapshot_stale(desk):
    desk.deposit("USDT", 1000)
    taken_at = desk.now
    desk.wait()
    order = desk.place(desk.order(price=100, quantity=4))
    desk.apply(desk.report(order, "CANCELED", 0))
    assert desk.sync({"USDT": 900}, at=taken_at) == "APPLIED"
    assert desk.money() == {"USDT": "900 / 0"}


def test_a_snapshot_tells_the_flags_of_its_user(desk):
    snapshot = AccountSnapshot(
        taken_at=desk.now, balances=(), can_trade=False, account_type="MARGIN", permissions=("SPOT", "NEWEST")
    )
    [user] = desk.users.values()
    changed = user.patched(snapshot.patch(), desk.now)
    assert (changed.balances_as_of, changed.can_trade, changed.can_withdraw) == (desk.now, False, True)
    assert (changed.account_type, changed.permissions) == ("MARGIN", ("SPOT", "NEWEST"))


def test_a_snapshot_lists_each_asset_once(desk):
    twice = tuple(AccountBalance(asset="USDT", free=Decimal(free)) for free in (1, 2))
    with pytest.raises(ValueError, match="twice"):
        AccountSnapshot(taken_at=desk.now, balances=twice)


def test_a_total_fits_20_digits():
    most = Decimal(10**20 - 1)
    with pytest.raises(ValidationError):
        AccountSnapshot(taken_at=datetime.now(UTC), balances=(AccountBalance(asset="A", free=most, locked=most),))
