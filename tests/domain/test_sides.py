"""Facts too close to an account snapshot to tell which came first: the books choose."""

from datetime import timedelta
from decimal import Decimal

import pytest

from metacore.domain.trading.reports import Outcome


@pytest.fixture
def opened(day):
    """A day that began with an account snapshot of 1000 USDT, a minute ago."""
    day.sync({"USDT": 1000})
    day.wait(60)
    return day


def total_and_unexplained(day):
    """What is there of USDT, and unexplained of it."""
    row = day.balances[day.user_id, "USDT"]
    return row.total, row.unexplained


def test_a_fact_near_the_snapshot_is_before_it_if_what_it_moves_is_unexplained(opened):
    opened.sync({"USDT": 1070})
    assert opened.deposit("USDT", 70, at=opened.wait(3)) == "COVERED"
    assert total_and_unexplained(opened) == (1070, 0)


def test_a_fact_near_the_snapshot_is_after_it_if_nothing_is_unexplained(opened):
    opened.sync({"USDT": 1000})
    assert opened.deposit("USDT", 70, at=opened.now - timedelta(seconds=3)) == "APPLIED"
    assert total_and_unexplained(opened) == (1070, 0)


@pytest.mark.parametrize(("snapshot_total", "expected"), [(1069, (1139, 69)), (930, (1000, -70))])
def test_it_is_after_if_less_is_unexplained_or_the_other_way(opened, snapshot_total, expected):
    opened.sync({"USDT": snapshot_total})
    assert opened.deposit("USDT", 70, at=opened.now) == "APPLIED"
    assert total_and_unexplained(opened) == expected


def test_amounts_are_compared_to_the_last_digit(opened):
    large = Decimal("100000000000000000000000000000")
    opened.sync({"USDT": large + 1000})
    more = Decimal("100000000000000000000000000000.000000000000000001")
    assert opened.deposit("USDT", more, at=opened.now) == "APPLIED"


def test_more_unexplained_than_it_moves_leaves_the_rest(opened):
    opened.sync({"USDT": 1100})
    assert opened.deposit("USDT", 70, at=opened.now) == "COVERED"
    assert total_and_unexplained(opened) == (1100, 30)


def test_a_trade_is_before_only_if_all_that_it_moves_is_unexplained(opened):
    order = opened.place(opened.order(price=100, quantity=4))
    opened.wait(10)
    opened.sync({"USDT": 600})
    assert opened.outcome(opened.trade(order, 4, 100)) == "SETTLED"
    assert opened.unexplained() == {"USDT": -400}


def test_around_the_first_snapshot_all_is_after(day):
    day.sync({"USDT": 1000})
    assert day.deposit("USDT", 70, at=day.now - timedelta(seconds=5)) == "APPLIED"
    assert day.deposit("USDT", 70, at=day.now - timedelta(seconds=6)) == "COVERED"
    assert total_and_unexplained(day) == (1070, 0)


def test_a_fact_dated_before_changes_sides_when_the_snapshot_cannot_have_known_of_it(opened):
    """A deposit booked a second before the snapshot by its time, of which the snapshot knew nothing."""
    opened.deposit("USDT", 70, "late", at=opened.now)
    opened.wait(1)
    result = opened.take({"USDT": 1000})
    assert result.differences == {"USDT": -70}
    # The books chose: it came after the snapshot.
    assert total_and_unexplained(opened) == (1070, 0)
    assert opened.users[opened.user_id].balances_contrary == ("DEPOSIT:late",)


def test_a_fact_booked_as_after_changes_sides_when_the_next_one_explains_the_rest(opened):
    """Both are in the snapshot; the first one told moves more than is unexplained together with the other."""
    opened.sync({"USDT": 1040})
    assert opened.deposit("USDT", 70, "d", at=opened.now) == "APPLIED"
    assert total_and_unexplained(opened) == (1110, 40)
    assert opened.withdraw("USDT", 30, "w", at=opened.now) == "APPLIED"
    assert total_and_unexplained(opened) == (1040, 0)
    assert opened.users[opened.user_id].balances_contrary == ()
    entries = [(entry.reason, entry.reference, entry.delta_free) for entry in opened.entries][-2:]
    assert sorted(entries) == [("SNAPSHOT", "d", -70), ("SNAPSHOT", "w", 30)]


def test_of_several_sets_the_smallest_with_the_earliest_facts_changes_sides(opened):
    for number, seconds in enumerate((3, 2, 1)):
        opened.deposit("USDT", 10, f"d{number}", at=opened.now + timedelta(seconds=seconds))
    opened.wait(1)
    opened.sync({"USDT": 1010}, at=opened.now - timedelta(seconds=1))
    assert total_and_unexplained(opened) == (1030, 0)
    assert opened.users[opened.user_id].balances_contrary == ("DEPOSIT:d2",)


def test_nothing_changes_sides_where_no_set_explains_all(opened):
    opened.deposit("USDT", 70, at=opened.now)
    before = len(opened.entries)
    opened.sync({"USDT": 1001})
    assert total_and_unexplained(opened) == (1001, -69)
    assert len(opened.entries) == before + 1


def test_facts_further_away_than_the_tolerance_keep_their_sides(opened):
    opened.deposit("USDT", 70, at=opened.now)
    opened.wait(6)
    opened.sync({"USDT": 1000})
    assert total_and_unexplained(opened) == (1000, -70)


def test_a_trade_of_an_order_placed_after_the_snapshot_is_after_whatever_is_unexplained(opened):
    opened.sync({"USDT": 600, "BTC": 4})
    opened.wait(1)
    order = opened.place(opened.order(price=100, quantity=4))
    trade = opened.trade(order, 4, 100, traded_at=opened.now - timedelta(seconds=30))
    assert opened.outcome(trade) == "SETTLED"
    assert opened.money() == {"USDT": "200 / 0", "BTC": "8 / 0"}
    assert opened.unexplained() == {"USDT": -400, "BTC": 4}


def test_a_trade_of_an_order_that_is_gone_stays_on_its_side(opened):
    order = opened.place(opened.order(price=100, quantity=4))
    opened.settle(opened.trade(order, 4, 100))
    del opened.orders[order.key]
    opened.wait(1)
    opened.sync({"USDT": 1000})
    assert opened.unexplained() == {"USDT": 400, "BTC": -4}


def test_a_covered_fact_dated_after_the_next_snapshot_stays_covered(opened):
    opened.sync({"USDT": 1070})
    assert opened.deposit("USDT", 70, "d", at=opened.now + timedelta(seconds=4)) == "COVERED"
    result = opened.take({"USDT": 1070}, at=opened.now + timedelta(seconds=2))
    assert (result.outcome, result.differences) == ("APPLIED", {})
    assert total_and_unexplained(opened) == (1070, 0)
    assert opened.users[opened.user_id].balances_contrary == ("DEPOSIT:d",)


def test_money_taken_back_that_is_held_cuts_the_newest_holds(opened):
    opened.sync({"USDT": 1040})
    opened.deposit("USDT", 70, at=opened.now)
    older = opened.place(opened.order(price=100, quantity=10))
    newer = opened.place(opened.order(price=100, quantity="0.75"))
    assert opened.withdraw("USDT", 30, at=opened.now) == "APPLIED"
    assert [opened.stored(order).held_amount for order in (older, newer)] == [1000, 40]
    assert (opened.money(), opened.unexplained()) == ({"USDT": "0 / 1040"}, {})


def test_a_deposit_and_a_withdrawal_of_one_reference_are_two_facts(opened):
    opened.deposit("USDT", 70, "r", at=opened.now)
    opened.withdraw("USDT", 50, "r", at=opened.now)
    opened.sync({"USDT": 950})
    assert opened.users[opened.user_id].balances_contrary == ("DEPOSIT:r",)
    assert total_and_unexplained(opened) == (1020, 0)


@pytest.mark.parametrize("outcome", [Outcome.COVERED])
def test_sides_survive_a_fact_that_is_sent_twice(opened, outcome):
    opened.sync({"USDT": 1070})
    moment = opened.now
    assert opened.deposit("USDT", 70, "d", at=moment) == outcome
    assert opened.deposit("USDT", 70, "d", at=moment) == "DUPLICATE"
    assert total_and_unexplained(opened) == (1070, 0)


def test_the_last_digit_of_an_amount_counts(opened):
    tiny = Decimal("0.000000000000000001")
    opened.sync({"USDT": 1000 + tiny})
    assert opened.deposit("USDT", tiny * 2, "more", at=opened.now) == "APPLIED"
    assert opened.unexplained() == {"USDT": tiny}
    assert opened.deposit("USDT", tiny, "same", at=opened.now) == "COVERED"
    assert opened.unexplained() == {}


def test_an_order_placed_in_the_moment_of_a_snapshot_is_not_sure_to_be_after_it(day):
    day.sync({"USDT": 1000})
    day.wait(60)
    day.sync({"USDT": 900, "BTC": 1})
    order = day.place(day.order(price=100, quantity=1))
    assert day.outcome(day.trade(order, 1, 100)) == "COVERED"
    assert day.money() == {"BTC": "1 / 0", "USDT": "900 / 0"}


def test_what_would_take_a_total_below_zero_changes_no_side(day):
    day.sync({})
    day.wait(60)
    day.sync({"USDT": 10})
    day.wait(1)
    near = day.now
    assert day.deposit("USDT", 12, at=near) == "APPLIED"
    day.wait(60)
    day.withdraw("USDT", 20)
    assert day.money() == {"USDT": "2 / 0"}
    # The deposit and this one together explain it, but what they moved is spent.
    assert day.withdraw("USDT", 2, at=near) == "APPLIED"
    assert (day.money(), day.unexplained()) == ({}, {"USDT": 10})


def test_of_more_facts_than_may_take_part_the_nearest_ones_do(day):
    day.sync({})
    day.wait(60)
    for _ in range(24):
        day.deposit("USDT", 100)
    day.wait(3)
    day.deposit("USDT", 7)
    day.wait(1)
    day.sync({"USDT": 2400})
    assert (day.money(), day.unexplained()) == ({"USDT": "2407 / 0"}, {})
