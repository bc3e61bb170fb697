"""Reports in batches, and of orders found on the exchange."""

from decimal import Decimal
from uuid import UUID

import pytest

from metacore.errors import ConflictError, InvalidTransitionError, NotFoundError


def found(desk, status="NEW", executed=0, **values):
    new = desk.order(**{"price": 100, "quantity": 10, "exchange_order_id": "x1", **values})
    return desk.report(None, status, executed, exchange_order_id="x1", order=new)


def test_a_closing_report_releases_the_hold(desk):
    order = desk.buy()
    [result] = desk.apply(desk.report(order, "CANCELED", 0))
    assert (result.outcome, result.order.held_amount) == ("APPLIED", 0)
    assert desk.lines(order.id) == [("USDT", "HOLD", "-1000", "1000"), ("USDT", "RELEASE", "1000", "-1000")]


def test_a_closing_report_keeps_what_outstanding_trades_need(desk):
    order = desk.buy(1010, 1010)
    [result] = desk.apply(desk.report(order, "CANCELED", 6))
    assert (result.order.status, result.order.held_amount) == ("PARTIALLY_CANCELED", 600)
    assert desk.money() == {"USDT": "410 / 600"}


def test_a_closing_report_sets_free_no_more_than_is_locked(desk):
    order = desk.buy()
    desk.audit = list  # somebody else wrote `locked`
    key = (order.user_id, "USDT")
    desk.balances[key] = desk.balances[key].changed(locked=Decimal(300))
    [result] = desk.apply(desk.report(order, "CANCELED", 0))
    assert (result.order.held_amount, desk.money()) == (0, {"USDT": "300 / 0"})


def test_an_open_order_releases_nothing(desk):
    order = desk.buy()
    desk.apply(desk.report(order, "PARTIALLY_FILLED", 6))
    assert desk.money() == {"USDT": "0 / 1000"}


@pytest.mark.parametrize("name", ["order_id", "exchange_order_id", "client_order_id"])
def test_a_report_names_its_order_by_any_id(desk, name):
    order = desk.buy(exchange_order_id="x1", client_order_id="mine")
    told = {"order_id": order.id, "exchange_order_id": "x1", "client_order_id": "mine"}
    [result] = desk.apply(desk.report(None, "NEW", 0, **{name: told[name]}))
    assert (result.outcome, result.order.id) == ("APPLIED", order.id)


def test_ids_of_two_orders_are_a_conflict(desk):
    first = desk.buy(exchange_order_id="x1", client_order_id="a")
    second = desk.buy(exchange_order_id="x2", client_order_id="b")
    before = desk.state()
    reports = [
        desk.report(first, "NEW", 0, exchange_order_id="x2"),
        desk.report(first, "NEW", 0, client_order_id="b"),
        desk.report(first, "NEW", 0, exchange_order_id="x3"),
        desk.report(None, "NEW", 0, order_id=UUID(int=9), exchange_order_id="x1"),
        desk.report(None, "NEW", 0, exchange_order_id="x1", order=desk.order(id=second.id, price=1, quantity=1)),
        desk.report(
            None, "NEW", 0, exchange_order_id="x9", order=desk.order(price=1, quantity=1, exchange_order_id="x8")
        ),
        desk.report(None, "NEW", 0, order_id=UUID(int=9), order=desk.order(price=1, quantity=1)),
    ]
    results = desk.apply(*reports)
    assert [result.outcome for result in results] == ["CONFLICT"] * len(reports)
    assert {type(result.error) for result in results} == {ConflictError}
    assert desk.state() == before


def test_a_strange_client_order_id_does_not_count_beside_another_id(desk):
    order = desk.buy(client_order_id="mine")
    [result] = desk.apply(desk.report(order, "CANCELED", 0, client_order_id="of the cancel request"))
    assert (result.outcome, result.order.client_order_id) == ("APPLIED", "mine")


def test_an_unknown_order_is_an_outcome_and_no_error(desk):
    [result] = desk.apply(desk.report(None, "NEW", 0, exchange_order_id="x1"))
    assert (result.outcome, result.order, result.error) == ("UNKNOWN_ORDER", None, None)
    assert desk.orders == {}


def test_a_report_of_nobody_is_invalid(desk):
    [result] = desk.apply(desk.report(None, "NEW", 0, exchange_order_id="x1", user_id=UUID(int=99)))
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
def test_an_order_found_on_the_exchange_holds_as_far_as_free_reaches(desk, free, status, executed, values, money):
    desk.deposit("USDT", free)
    [result] = desk.apply(found(desk, status, executed, **values))
    assert result.outcome == "APPLIED"
    assert desk.money() == {"USDT": money}


def test_an_order_found_with_no_funds_at_all_holds_nothing(desk):
    [result] = desk.apply(found(desk))
    assert (result.outcome, result.order.held_amount) == ("APPLIED", 0)


def test_an_order_is_found_once(desk):
    desk.deposit("USDT", 1000)
    report, again = found(desk), found(desk)
    results = desk.apply(report, again)
    assert [result.outcome for result in results] == ["APPLIED", "DUPLICATE"]
    assert results[1].order.id == report.order.id
    assert desk.money() == {"USDT": "0 / 1000"}


def test_later_reports_of_a_batch_see_the_order_that_an_earlier_one_found(desk):
    desk.deposit("USDT", 1000)
    report = found(desk)
    batch = (
        desk.report(None, "PARTIALLY_FILLED", 4, exchange_order_id="x1"),
        report,
        desk.report(None, "PARTIALLY_FILLED", 4, exchange_order_id="x1"),
        desk.report(report.order, "CANCELED", 4),
    )
    results = desk.apply(*batch)
    assert [result.outcome for result in results] == ["UNKNOWN_ORDER", "APPLIED", "APPLIED", "APPLIED"]
    stored = desk.stored(report.order)
    assert (stored.status, stored.version) == ("PARTIALLY_CANCELED", 3)
    assert [update.previous_status for update in desk.history(stored)] == [None, "NEW", "PARTIALLY_FILLED"]
    assert desk.money() == {"USDT": "600 / 400"}


def test_one_bad_report_spoils_no_other(desk):
    first, second = desk.buy(), desk.buy()
    desk.apply(desk.report(first, "FILLED", 10))
    results = desk.apply(
        desk.report(first, "CANCELED", 10), desk.report(second, "NEW", 0), desk.report(first, "FILLED", 10)
    )
    assert [result.outcome for result in results] == ["CONFLICT", "APPLIED", "DUPLICATE"]
    assert isinstance(results[0].error, InvalidTransitionError)


def test_a_stale_report_is_the_next_line_of_the_history(desk):
    order = desk.buy()
    desk.apply(desk.report(order, "PARTIALLY_FILLED", 4))
    before = desk.stored(order)
    [result] = desk.apply(desk.report(order, "NEW", 0))
    assert (result.outcome, result.order, desk.stored(order)) == ("STALE", before, before)
    assert [update.outcome for update in desk.history(order)] == ["APPLIED", "APPLIED", "STALE"]


def test_the_version_grows_once_for_each_report_that_changes_the_order(desk):
    order = desk.buy()
    desk.apply(
        desk.report(order, "NEW", 0),
        desk.report(order, "NEW", 0),
        desk.report(order, "PENDING_NEW", 0),
        desk.report(order, "FILLED", 10),
    )
    assert desk.stored(order).version == 3
