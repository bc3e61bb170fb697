"""Reports in batches, and of orders found on the exchange."""

from decimal import Decimal
from uuid import UUID

import pytest

from metacore.errors import ConflictError, InvalidTransitionError, NotFoundError


def found(day, status="NEW", executed=0, **values):
    new = day.order(**{"price": 100, "quantity": 10, "exchange_order_id": "x1", **values})
    return day.report(None, status, executed, exchange_order_id="x1", order=new)


def test_a_closing_report_releases_the_hold(day):
    order = day.buy()
    [result] = day.apply(day.report(order, "CANCELED", 0))
    assert (result.outcome, result.order.held_amount) == ("APPLIED", 0)
    assert day.lines(order.id) == [("USDT", "HOLD", "-1000", "1000"), ("USDT", "RELEASE", "1000", "-1000")]


def test_a_closing_report_keeps_what_outstanding_trades_need(day):
    order = day.buy(1010, 1010)
    [result] = day.apply(day.report(order, "CANCELED", 6))
    assert (result.order.status, result.order.held_amount) == ("PARTIALLY_CANCELED", 600)
    assert day.money() == {"USDT": "410 / 600"}


def test_a_closing_report_sets_free_no_more_than_is_locked(day):
    order = day.buy()
    day.audit = list  # somebody else wrote `locked`
    key = (order.user_id, "USDT")
    day.balances[key] = day.balances[key].changed(locked=Decimal(300))
    [result] = day.apply(day.report(order, "CANCELED", 0))
    assert (result.order.held_amount, day.money()) == (0, {"USDT": "300 / 0"})


def test_an_open_order_releases_nothing(day):
    order = day.buy()
    day.apply(day.report(order, "PARTIALLY_FILLED", 6))
    assert day.money() == {"USDT": "0 / 1000"}


@pytest.mark.parametrize("name", ["order_id", "exchange_order_id", "client_order_id"])
def test_a_report_names_its_order_by_any_id(day, name):
    order = day.buy(exchange_order_id="x1", client_order_id="mine")
    ids = {"order_id": order.id, "exchange_order_id": "x1", "client_order_id": "mine"}
    [result] = day.apply(day.report(None, "NEW", 0, **{name: ids[name]}))
    assert (result.outcome, result.order.id) == ("APPLIED", order.id)


def test_ids_of_two_orders_are_a_conflict(day):
    first = day.buy(exchange_order_id="x1", client_order_id="a")
    second = day.buy(exchange_order_id="x2", client_order_id="b")
    before = day.state()
    reports = [
        day.report(first, "NEW", 0, exchange_order_id="x2"),
        day.report(first, "NEW", 0, client_order_id="b"),
        day.report(first, "NEW", 0, exchange_order_id="x3"),
        day.report(None, "NEW", 0, order_id=UUID(int=9), exchange_order_id="x1"),
        day.report(None, "NEW", 0, exchange_order_id="x1", order=day.order(id=second.id, price=1, quantity=1)),
        day.report(
            None, "NEW", 0, exchange_order_id="x9", order=day.order(price=1, quantity=1, exchange_order_id="x8")
        ),
        day.report(None, "NEW", 0, order_id=UUID(int=9), order=day.order(price=1, quantity=1)),
    ]
    results = day.apply(*reports)
    assert [result.outcome for result in results] == ["CONFLICT"] * len(reports)
    assert {type(result.error) for result in results} == {ConflictError}
    assert day.state() == before


def test_a_strange_client_order_id_does_not_count_beside_another_id(day):
    order = day.buy(client_order_id="mine")
    [result] = day.apply(day.report(order, "CANCELED", 0, client_order_id="of the cancel request"))
    assert (result.outcome, result.order.client_order_id) == ("APPLIED", "mine")


def test_an_unknown_order_is_an_outcome_and_no_error(day):
    [result] = day.apply(day.report(None, "NEW", 0, exchange_order_id="x1"))
    assert (result.outcome, result.order, result.error) == ("UNKNOWN_ORDER", None, None)
    assert day.orders == {}


def test_a_report_of_nobody_is_invalid(day):
    [result] = day.apply(day.report(None, "NEW", 0, exchange_order_id="x1", user_id=UUID(int=99)))
    assert (result.outcome, type(result.error)) == ("INVALID", NotFoundError)


@pytest.mark.parametrize(
    ("free", "status", "executed", "values", "money"),
    [
        (1000, "NEW", 0, {}, "0 / 1000"),
        (300, "NEW", 0, {}, "0 / 300"),
        (1000, "PARTIALLY_FILLED", 4, {}, "0 / 1000"),
        (1000, "FILLED", 10, {}, "0 / 1000"),
        (1000, "CANCELED", 4, {}, "600 / 400"),
        (1000, "CANCELED", 0, {}, "1000 / 0"),
        (1000, "REJECTED", 0, {}, "1000 / 0"),
        (1000, "NEW", 0, {"type": "MARKET", "price": None, "quantity": None, "quote_quantity": 500}, "500 / 500"),
        (1000, "NEW", 0, {"type": "MARKET", "price": None}, "1000 / 0"),
    ],
)
def test_an_order_found_on_the_exchange_holds_as_far_as_free_reaches(day, free, status, executed, values, money):
    day.deposit("USDT", free)
    [result] = day.apply(found(day, status, executed, **values))
    assert result.outcome == "APPLIED"
    assert day.money() == {"USDT": money}


def test_an_order_found_with_no_funds_at_all_holds_nothing(day):
    [result] = day.apply(found(day))
    assert (result.outcome, result.order.held_amount) == ("APPLIED", 0)


def test_an_order_is_found_once(day):
    day.deposit("USDT", 1000)
    report, again = found(day), found(day)
    results = day.apply(report, again)
    assert [result.outcome for result in results] == ["APPLIED", "DUPLICATE"]
    assert results[1].order.id == report.order.id
    assert day.money() == {"USDT": "0 / 1000"}


def test_later_reports_of_a_batch_see_the_order_that_an_earlier_one_found(day):
    day.deposit("USDT", 1000)
    report = found(day)
    batch = (
        day.report(None, "PARTIALLY_FILLED", 4, exchange_order_id="x1"),
        report,
        day.report(None, "PARTIALLY_FILLED", 4, exchange_order_id="x1"),
        day.report(report.order, "CANCELED", 4),
    )
    results = day.apply(*batch)
    assert [result.outcome for result in results] == ["UNKNOWN_ORDER", "APPLIED", "APPLIED", "APPLIED"]
    stored = day.stored(report.order)
    assert (stored.status, stored.version) == ("PARTIALLY_CANCELED", 3)
    assert [update.previous_status for update in day.history(stored)] == [None, "NEW", "PARTIALLY_FILLED"]
    assert day.money() == {"USDT": "600 / 400"}


def test_one_bad_report_spoils_no_other(day):
    first, second = day.buy(), day.buy()
    day.apply(day.report(first, "FILLED", 10))
    results = day.apply(
        day.report(first, "CANCELED", 10), day.report(second, "NEW", 0), day.report(first, "FILLED", 10)
    )
    assert [result.outcome for result in results] == ["CONFLICT", "APPLIED", "DUPLICATE"]
    assert isinstance(results[0].error, InvalidTransitionError)


def test_a_stale_report_is_the_next_line_of_the_history(day):
    order = day.buy()
    day.apply(day.report(order, "PARTIALLY_FILLED", 4))
    before = day.stored(order)
    [result] = day.apply(day.report(order, "NEW", 0))
    assert (result.outcome, result.order, day.stored(order)) == ("STALE", before, before)
    assert [update.outcome for update in day.history(order)] == ["APPLIED", "APPLIED", "STALE"]


def test_the_version_grows_once_for_each_report_that_changes_the_order(day):
    order = day.buy()
    day.apply(
        day.report(order, "NEW", 0),
        day.report(order, "NEW", 0),
        day.report(order, "PENDING_NEW", 0),
        day.report(order, "FILLED", 10),
    )
    assert day.stored(order).version == 3


def test_an_equal_older_report_adds_no_second_row(day):
    order = day.buy()
    day.cancel(order)
    late = day.report(order, "NEW", 0, exchange_order_id="x1")
    results = [*day.apply(late, late, late), *day.apply(late), *day.apply(late)]
    assert {row.outcome for row in results} == {"STALE"}
    assert [row.outcome for row in day.history(order)] == ["APPLIED", "APPLIED", "STALE"]
    assert day.stored(order).exchange_order_id == "x1"
    day.wait()
    day.apply(day.report(order, "NEW", 0), day.report(order, "PENDING_NEW", 0))
    day.apply(late)
    assert [row.status for row in day.history(order)[2:]] == ["NEW", "NEW", "PENDING_NEW"]


def test_a_late_answer_teaches_the_id_that_the_next_report_names(day):
    day.deposit("USDT", 100)
    order = day.place(day.order(price=10, quantity=1))
    day.cancel(order)
    [late] = day.apply(day.report(order, "NEW", 0, exchange_order_id="C02__1"))
    assert (late.outcome, late.order.exchange_order_id) == ("STALE", "C02__1")
    [closed] = day.apply(day.report(None, "CANCELED", 0, exchange_order_id="C02__1"))
    assert (closed.outcome, closed.order.id, closed.order.status) == ("APPLIED", order.id, "CANCELED")
    assert (len(day.orders), day.money()) == (1, {"USDT": "100 / 0"})


REPORT, FIRST, SECOND = "report", "first", "second"


@pytest.mark.parametrize(
    "steps", [(REPORT, FIRST, SECOND), (FIRST, REPORT, SECOND), (FIRST, SECOND, REPORT), (SECOND, REPORT, FIRST)]
)
@pytest.mark.parametrize("cost", [{}, {"executed_quote_quantity": 990}])
@pytest.mark.parametrize("status", ["FILLED", "PARTIALLY_CANCELED", "CANCELED", "EXPIRED", "REJECTED"])
def test_a_market_buy_keeps_what_its_trades_may_still_need(day, status, cost, steps):
    day.deposit("USDT", 1000)
    order = day.place(day.order(type="MARKET", quote_quantity=1000))
    trades = {FIRST: day.trade(order, 4, 100), SECOND: day.trade(order, 6, "98.333", quote_quantity=590)}
    for step in steps:
        if step == REPORT:
            [result] = day.apply(day.report(order, status, 10, **cost))
            assert result.outcome == "APPLIED"
            # Whoever spends what is free takes nothing that the trades need.
            if free := day.balances[order.user_id, "USDT"].free:
                day.withdraw("USDT", free)
        else:
            assert day.outcome(trades[step]) == "SETTLED"
    stored = day.stored(order)
    assert (stored.settled_quantity, stored.executed_quote_quantity, stored.held_amount) == (10, 990, 0)
    assert day.balances[order.user_id, "BTC"].free == 10


def test_a_market_buy_whose_cost_is_known_later_releases_the_rest(day):
    day.deposit("USDT", 1000)
    order = day.place(day.order(type="MARKET", quote_quantity=1000))
    day.apply(day.report(order, "FILLED", 10))
    assert day.money() == {"USDT": "0 / 1000"}
    [repeated] = day.apply(day.report(order, "FILLED", 10, executed_quote_quantity=990))
    assert (repeated.outcome, day.money()) == ("DUPLICATE", {"USDT": "10 / 990"})


def test_an_older_report_fills_in_the_cost_and_releases_nothing(day):
    day.deposit("USDT", 1000)
    order = day.place(day.order(type="MARKET", quote_quantity=1000))
    day.apply(day.report(order, "FILLED", 10))
    [older] = day.apply(day.report(order, "PARTIALLY_FILLED", 10, executed_quote_quantity=990))
    assert (older.outcome, older.order.executed_quote_quantity, older.order.held_amount) == ("STALE", 990, 1000)
    assert day.money() == {"USDT": "0 / 1000"}
    assert day.outcome(day.trade(order, 10, 99)) == "SETTLED"
    assert day.money() == {"BTC": "10 / 0", "USDT": "10 / 0"}


def test_the_cost_of_less_than_was_executed_does_not_cut_the_hold(day):
    day.deposit("USDT", 1000)
    order = day.place(day.order(type="MARKET", quote_quantity=1000))
    day.apply(day.report(order, "PARTIALLY_FILLED", 5, executed_quote_quantity=500), day.report(order, "FILLED", 10))
    assert day.money() == {"USDT": "0 / 1000"}
    assert [row.outcome for row in day.settle(day.trade(order, 3, 100), day.trade(order, 7, 99))] == ["SETTLED"] * 2
    assert day.money() == {"BTC": "10 / 0", "USDT": "7 / 0"}


def test_a_closing_report_of_less_than_was_executed_does_not_cut_the_hold(day):
    day.deposit("USDT", 1000)
    order = day.place(day.order(type="MARKET", quote_quantity=1000))
    day.apply(day.report(order, "PARTIALLY_FILLED", 6))
    [closed] = day.apply(day.report(order, "CANCELED", 4, executed_quote_quantity=400))
    assert (closed.order.status, closed.order.executed_quantity) == ("PARTIALLY_CANCELED", 6)
    assert day.money() == {"USDT": "0 / 1000"}
    assert day.outcome(day.trade(order, 6, 99)) == "SETTLED"
    assert day.money() == {"BTC": "6 / 0", "USDT": "406 / 0"}


def test_a_market_buy_that_waits_for_a_commission_keeps_what_others_need(day):
    day.deposit("USDT", 1000)
    order = day.place(day.order(type="MARKET", quote_quantity=1000))
    day.apply(day.report(order, "FILLED", 10))
    short = day.trade(order, 4, 100, commission=1, commission_asset="MX")
    assert [row.outcome for row in day.settle(short, day.trade(order, 6, 98))] == ["PENDING", "SETTLED"]
    assert day.stored(order).held_amount == 400
    day.deposit("MX", 1)
    assert [row.outcome for row in day.settle_pending()] == ["SETTLED"]
    assert day.money() == {"BTC": "10 / 0", "USDT": "12 / 0"}


def test_a_market_buy_whose_trades_never_come_is_released(day):
    day.deposit("USDT", 1000)
    order = day.place(day.order(type="MARKET", quote_quantity=1000))
    day.apply(day.report(order, "FILLED"))
    assert day.money() == {"USDT": "0 / 1000"}
    day.end_hold(order)
    assert day.money() == {"USDT": "1000 / 0"}


@pytest.mark.parametrize("executed", [0, None])
@pytest.mark.parametrize("status", ["CANCELED", "REJECTED", "EXPIRED"])
def test_a_market_buy_closed_with_nothing_executed_keeps_nothing(day, status, executed):
    day.deposit("USDT", 1000)
    order = day.place(day.order(type="MARKET", quote_quantity=1000))
    day.apply(day.report(order, status, executed))
    assert day.money() == {"USDT": "1000 / 0"}


def test_a_market_buy_found_filled_without_its_cost_holds_all_it_may_need(day):
    day.deposit("USDT", 1000)
    market = {"type": "MARKET", "price": None, "quantity": None, "quote_quantity": 800}
    day.apply(found(day, "FILLED", 8, **market))
    assert day.money() == {"USDT": "200 / 800"}
