"""What reports and trades make of an order: one table, and a row for each sentence about it."""

from datetime import UTC, datetime
from decimal import Decimal
from itertools import product
from uuid import UUID

import pytest

from metacore.domain.trading.decisions import Unsettled
from metacore.domain.trading.order_updates import UpdateSource
from metacore.domain.trading.orders import CLOSED, OPEN, NewOrder, Order, OrderStatus, OrderType
from metacore.domain.trading.reports import ExecutionReport, Outcome
from metacore.domain.trading.states import RANK, TRANSITIONS, decide_report, status_after_trade
from metacore.errors import InvalidTransitionError
from metacore.testing.cases import each_case

USER, NOW, LATER = UUID(int=1), datetime(2026, 1, 1, tzinfo=UTC), datetime(2026, 1, 2, tzinfo=UTC)
STORED = Decimal("0.4")
NEW_ORDER = NewOrder(
    id=UUID(int=2),
    user_id=USER,
    symbol="BTCUSDT",
    base_asset="BTC",
    quote_asset="USDT",
    side="BUY",
    type="LIMIT",
    price="100",
    quantity="1",
)


def order(status="NEW", executed=0, **values):
    stored = {"status": OrderStatus(status), "executed_quantity": Decimal(executed), **values}
    return Order.created(NEW_ORDER, NOW).changed(**stored)


def report(status, executed=None, **values):
    fields = {"user_id": USER, "order_id": NEW_ORDER.id, "status": status, "executed_quantity": executed}
    return ExecutionReport(**{**fields, "occurred_at": LATER, **values})


def decide(before, new_report, **values):
    return decide_report(before, new_report, LATER, **values)


# The law's table, copied by hand: what may follow what at all.
FOLLOWS = {
    "PENDING_NEW": "NEW PARTIALLY_FILLED PENDING_CANCEL FILLED CANCELED PARTIALLY_CANCELED REJECTED EXPIRED",
    "NEW": "PARTIALLY_FILLED PENDING_CANCEL FILLED CANCELED PARTIALLY_CANCELED REJECTED EXPIRED",
    "PARTIALLY_FILLED": "PARTIALLY_FILLED PENDING_CANCEL FILLED PARTIALLY_CANCELED EXPIRED",
    "PENDING_CANCEL": "PENDING_CANCEL NEW PARTIALLY_FILLED FILLED CANCELED PARTIALLY_CANCELED REJECTED EXPIRED",
    "FILLED": "PARTIALLY_CANCELED FILLED",
    "CANCELED": "PARTIALLY_CANCELED FILLED",
    "PARTIALLY_CANCELED": "PARTIALLY_CANCELED FILLED",
    "REJECTED": "PARTIALLY_CANCELED FILLED",
    "EXPIRED": "PARTIALLY_CANCELED FILLED",
}


def test_the_table_is_the_law():
    assert {status: set(following) for status, following in TRANSITIONS.items() if status} == {
        status: set(following.split()) for status, following in FOLLOWS.items()
    }
    assert TRANSITIONS[None] == set(OrderStatus)


def test_ranks_order_the_statuses():
    ranked = sorted(OPEN, key=RANK.__getitem__)
    assert ranked == ["PENDING_NEW", "NEW", "PARTIALLY_FILLED", "PENDING_CANCEL"]
    assert {RANK[status] for status in CLOSED} == {4}


APPLIED = [
    # stored status, executed; told status, executed; what it becomes
    ("PENDING_NEW", 0, "NEW", 0, "NEW", "0"),
    ("PENDING_NEW", 0, "PARTIALLY_FILLED", "0.1", "PARTIALLY_FILLED", "0.1"),
    ("PENDING_NEW", 0, "REJECTED", 0, "REJECTED", "0"),
    ("PENDING_NEW", 0, "FILLED", 1, "FILLED", "1"),
    ("NEW", 0, "PENDING_CANCEL", 0, "PENDING_CANCEL", "0"),
    ("NEW", 0, "PENDING_CANCEL", None, "PENDING_CANCEL", "0"),
    ("NEW", 0, "CANCELED", 0, "CANCELED", "0"),
    ("NEW", 0, "EXPIRED", "0.2", "EXPIRED", "0.2"),
    ("PARTIALLY_FILLED", "0.4", "PARTIALLY_FILLED", "0.5", "PARTIALLY_FILLED", "0.5"),
    ("PARTIALLY_FILLED", "0.4", "PENDING_CANCEL", "0.4", "PENDING_CANCEL", "0.4"),
    ("PENDING_CANCEL", "0.4", "PENDING_CANCEL", "0.5", "PENDING_CANCEL", "0.5"),
    ("PENDING_CANCEL", 0, "CANCELED", 0, "CANCELED", "0"),
    # A closing report always closes an open order, with the larger executed.
    ("PARTIALLY_FILLED", "0.4", "CANCELED", "0.1", "PARTIALLY_CANCELED", "0.4"),
    ("PARTIALLY_FILLED", "0.4", "EXPIRED", 0, "EXPIRED", "0.4"),
    ("PARTIALLY_FILLED", "0.4", "FILLED", 1, "FILLED", "1"),
    ("PARTIALLY_FILLED", "0.4", "REJECTED", 0, "PARTIALLY_CANCELED", "0.4"),
    ("PARTIALLY_FILLED", 0, "CANCELED", 0, "PARTIALLY_CANCELED", "0"),
    ("PENDING_CANCEL", "0.4", "PARTIALLY_CANCELED", "0.3", "PARTIALLY_CANCELED", "0.4"),
    # CANCELED or REJECTED with something executed is PARTIALLY_CANCELED.
    ("PENDING_NEW", 0, "REJECTED", "0.4", "PARTIALLY_CANCELED", "0.4"),
    ("NEW", 0, "REJECTED", "1", "PARTIALLY_CANCELED", "1"),
    ("PENDING_CANCEL", "0.4", "REJECTED", None, "PARTIALLY_CANCELED", "0.4"),
    ("REJECTED", 0, "REJECTED", "1", "PARTIALLY_CANCELED", "1"),
    ("NEW", 0, "CANCELED", "0.4", "PARTIALLY_CANCELED", "0.4"),
    ("PENDING_CANCEL", "0.4", "CANCELED", None, "PARTIALLY_CANCELED", "0.4"),
    # FILLED tells that all of a known quantity is executed.
    ("NEW", 0, "FILLED", None, "FILLED", "1"),
    ("PENDING_CANCEL", "1.2", "FILLED", None, "FILLED", "1.2"),
    # More executed always counts, whatever status it comes with.
    ("NEW", 0, "NEW", "0.1", "PARTIALLY_FILLED", "0.1"),
    ("PARTIALLY_FILLED", "0.4", "NEW", "0.5", "PARTIALLY_FILLED", "0.5"),
    ("PENDING_CANCEL", "0.4", "PARTIALLY_FILLED", "0.5", "PENDING_CANCEL", "0.5"),
    ("PENDING_CANCEL", "0.4", "PARTIALLY_FILLED", "1", "PENDING_CANCEL", "1"),
    # Executed may pass quantity: the exchange said so.
    ("PARTIALLY_FILLED", "0.4", "FILLED", "1.1", "FILLED", "1.1"),
    # A closed order moves by more executed only.
    ("CANCELED", 0, "PARTIALLY_CANCELED", "0.1", "PARTIALLY_CANCELED", "0.1"),
    ("CANCELED", 0, "CANCELED", "0.1", "PARTIALLY_CANCELED", "0.1"),
    ("REJECTED", 0, "PARTIALLY_FILLED", "0.1", "PARTIALLY_CANCELED", "0.1"),
    ("EXPIRED", 0, "EXPIRED", "1", "FILLED", "1"),
    ("PARTIALLY_CANCELED", "0.4", "FILLED", "0.5", "FILLED", "0.5"),
    ("FILLED", "1", "FILLED", "1.1", "FILLED", "1.1"),
    ("FILLED", "1", "PARTIALLY_CANCELED", "1.1", "PARTIALLY_CANCELED", "1.1"),
]


@each_case(("status", "executed", "reported", "reported_executed", "becomes", "then"), APPLIED)
def test_a_report_moves_the_order(status, executed, reported, reported_executed, becomes, then):
    before = order(status, executed)
    decision = decide(before, report(reported, reported_executed))
    assert decision.outcome is Outcome.APPLIED
    assert (decision.order.status, str(decision.order.executed_quantity)) == (becomes, then)
    assert decision.order.version == before.version + 1
    update = decision.update
    assert (update.previous_status, update.status, update.executed_quantity, update.outcome) == (
        status,
        becomes,
        Decimal(then),
        "APPLIED",
    )


@each_case("figure", ["stored", None])
@each_case(
    ("status", "executed"),
    [(status, STORED) for status in sorted(OrderStatus)] + [("CANCELED", Decimal(0)), ("REJECTED", Decimal(0))],
)
def test_the_same_again_is_a_duplicate(status, executed, figure):
    before = order(status, executed, quantity=STORED)
    decision = decide(before, report(status, figure and executed))
    assert (decision.outcome, decision.update, decision.error) == ("DUPLICATE", None, None)
    assert decision.order is before


def test_a_duplicate_fills_in_what_was_none():
    before = order("NEW", client_order_id="mine")
    repeated = report("NEW", 0, exchange_order_id="x1", client_order_id="theirs", reason="why")
    decision = decide(before, repeated)
    assert decision.outcome is Outcome.DUPLICATE
    assert decision.order == before.changed(exchange_order_id="x1", reason="why", version=2, updated_at=LATER)
    assert decision.update is None
    again = decide(decision.order, repeated)
    assert again.order is decision.order


def test_a_duplicate_fills_in_the_cost_that_was_not_known():
    before = order("PARTIALLY_FILLED", STORED)
    decision = decide(before, report("PARTIALLY_FILLED", STORED, executed_quote_quantity="40"))
    assert (decision.outcome, decision.order.executed_quote_quantity) == ("DUPLICATE", Decimal(40))


PARTIALLY_CANCELED_AGAIN = [("PARTIALLY_CANCELED", "CANCELED"), ("PARTIALLY_CANCELED", "REJECTED")]

STALE = [
    ("PARTIALLY_FILLED", "PARTIALLY_FILLED", "0.3"),
    ("PARTIALLY_FILLED", "PENDING_CANCEL", "0.3"),
    ("PARTIALLY_FILLED", "NEW", "0.4"),
    ("PARTIALLY_FILLED", "NEW", None),
    ("PARTIALLY_FILLED", "PENDING_NEW", "0.4"),
    ("PENDING_CANCEL", "PARTIALLY_FILLED", "0.4"),
    ("PENDING_CANCEL", "NEW", None),
    ("FILLED", "PARTIALLY_FILLED", "0.4"),
    ("FILLED", "CANCELED", "0.3"),
    ("CANCELED", "PENDING_CANCEL", "0.4"),
    ("EXPIRED", "NEW", "0"),
]


@each_case(("status", "reported", "executed"), STALE)
def test_an_older_report_is_noted_and_changes_nothing(status, reported, executed):
    before = order(status, STORED, executed_quote_quantity=Decimal(40))
    decision = decide(before, report(reported, executed, executed_quote_quantity="7"))
    assert (decision.outcome, decision.error) == ("STALE", None)
    assert decision.order is before
    update = decision.update
    assert (update.outcome, update.previous_status, update.status) == ("STALE", status, reported)
    assert update.executed_quantity == (STORED if executed is None else Decimal(executed))
    assert update.executed_quote_quantity == 7


@each_case(("status", "reported", "executed"), STALE)
def test_an_older_report_fills_in_what_was_none(status, reported, executed):
    before = order(status, STORED)
    ids = {"exchange_order_id": "x1", "client_order_id": "c1", "reason": "why"}
    decision = decide(before, report(reported, executed, executed_quote_quantity="7", **ids))
    assert (decision.outcome, decision.update.outcome) == ("STALE", "STALE")
    # The cost of less than is executed by now is another figure.
    cost = Decimal(7 if executed in (None, "0.4") else 0)
    filled = before.changed(**ids, executed_quote_quantity=cost, version=2, updated_at=LATER)
    assert decision.order == filled
    again = decide(filled, report(reported, executed, **ids))
    assert again.order is filled
    assert decide(filled, report(reported, executed, exchange_order_id="x2", reason="other")).order is filled


@each_case(
    ("status", "reported"),
    [
        (status, reported)
        for status, reported in product(sorted(CLOSED), sorted(CLOSED))
        if status != reported and (status, reported) not in PARTIALLY_CANCELED_AGAIN
    ],
)
def test_a_closed_order_closes_no_second_time(status, reported):
    before = order(status, STORED)
    decision = decide(before, report(reported, STORED))
    assert (decision.outcome, decision.order, decision.update) == ("CONFLICT", before, None)
    assert isinstance(decision.error, InvalidTransitionError)
    assert decision.error.previous == status


@pytest.mark.parametrize(("status", "reported"), PARTIALLY_CANCELED_AGAIN)
def test_cancelled_again_with_something_executed_is_a_duplicate(status, reported):
    decision = decide(order(status, STORED), report(reported, STORED))
    assert decision.outcome is Outcome.DUPLICATE


@pytest.mark.parametrize(
    ("executed", "reported", "reported_executed", "becomes"),
    [
        (0, "NEW", 0, "NEW"),
        (0, "NEW", None, "NEW"),
        ("0.4", "PARTIALLY_FILLED", "0.4", "PARTIALLY_FILLED"),
        ("0.4", "PARTIALLY_FILLED", "0.6", "PARTIALLY_FILLED"),
        ("0.4", "NEW", None, "PARTIALLY_FILLED"),
    ],
)
def test_a_refused_cancel_takes_the_order_back(executed, reported, reported_executed, becomes):
    decision = decide(order("PENDING_CANCEL", executed), report(reported, reported_executed, cancel_refused=True))
    assert (decision.outcome, decision.order.status) == ("APPLIED", becomes)


def test_a_refused_cancel_that_is_older_than_a_fill_is_stale():
    decision = decide(order("PENDING_CANCEL", "0.4"), report("NEW", 0, cancel_refused=True))
    assert decision.outcome is Outcome.STALE


@pytest.mark.parametrize(("reported", "outcome"), [("PENDING_CANCEL", "DUPLICATE"), ("PENDING_NEW", "STALE")])
def test_a_refused_cancel_takes_the_order_back_to_no_other_status(reported, outcome):
    decision = decide(order("PENDING_CANCEL"), report(reported, 0, cancel_refused=True))
    assert (decision.outcome, decision.order.status) == (outcome, "PENDING_CANCEL")


def test_a_refusal_says_nothing_to_an_order_whose_cancel_is_not_pending():
    assert decide(order("NEW"), report("NEW", 0, cancel_refused=True)).outcome is Outcome.DUPLICATE
    assert decide(order("FILLED", 1), report("NEW", 1, cancel_refused=True)).outcome is Outcome.STALE


def test_executed_is_the_most_that_report_and_trades_tell():
    before = order("PARTIALLY_FILLED", "0.4", settled_quantity=Decimal("0.4"), settled_quote_quantity=Decimal(40))
    stored = Unsettled(Decimal("0.3"), Decimal(30))
    decision = decide(before, report("CANCELED", "0.5", executed_quote_quantity="50"), unsettled=stored)
    assert decision.order.status is OrderStatus.PARTIALLY_CANCELED
    assert (decision.order.executed_quantity, decision.order.executed_quote_quantity) == (Decimal("0.7"), Decimal(70))


@pytest.mark.parametrize("status", ["CANCELED", "REJECTED"])
def test_a_cancelled_order_with_stored_trades_is_partially_cancelled(status):
    decision = decide(order("NEW"), report(status, 0), unsettled=Unsettled(Decimal("0.3"), Decimal(30)))
    assert (decision.order.status, decision.order.executed_quantity) == ("PARTIALLY_CANCELED", Decimal("0.3"))


def test_an_applied_report_tells_its_reason_time_and_ids():
    decision = decide(order("PENDING_NEW"), report("NEW", 0, exchange_order_id="x1", reason="ok", raw={"a": 1}))
    after, update = decision.order, decision.update
    assert (after.exchange_order_id, after.reason, after.transacted_at) == ("x1", "ok", LATER)
    assert (update.reason, update.source, update.occurred_at, update.raw) == ("ok", "REST", LATER, {"a": 1})


def test_a_local_report_tells_no_time_of_the_exchange():
    decision = decide(order("NEW"), report("PENDING_CANCEL", source=UpdateSource.LOCAL))
    assert decision.order.transacted_at is None


def test_a_report_of_an_unknown_order_writes_nothing():
    decision = decide(None, report("NEW", 0))
    assert (decision.outcome, decision.order, decision.update, decision.error) == ("UNKNOWN_ORDER", None, None, None)


@each_case("status", list(OrderStatus))
def test_an_order_found_on_the_exchange_has_the_status_of_its_report(status):
    decision = decide(None, report(status, exchange_order_id="x1", order=NEW_ORDER))
    assert decision.outcome is Outcome.APPLIED
    after, executed = decision.order, Decimal(1 if status == "FILLED" else 0)
    assert (after.status, after.version, after.exchange_order_id) == (status, 1, "x1")
    assert after.executed_quantity == executed
    assert (decision.update.previous_status, decision.update.status) == (None, status)


@pytest.mark.parametrize("status", ["CANCELED", "REJECTED"])
def test_an_order_found_cancelled_with_something_executed_is_partially_cancelled(status):
    found = NEW_ORDER.changed(executed_quantity=STORED, executed_quote_quantity=Decimal(40))
    after = decide(None, report(status, "0.1", order=found)).order
    assert (after.status, after.executed_quantity, after.executed_quote_quantity) == ("PARTIALLY_CANCELED", STORED, 40)


BY_QUOTE = {"type": OrderType.MARKET, "price": None, "quantity": None, "quote_quantity": Decimal(100)}


@each_case(
    ("status", "executed", "then", "becomes"),
    [
        ("PENDING_NEW", 0, "0.1", "PARTIALLY_FILLED"),
        ("NEW", 0, "1", "FILLED"),
        ("PARTIALLY_FILLED", "0.4", "0.9", "PARTIALLY_FILLED"),
        ("PARTIALLY_FILLED", "0.4", "1.1", "FILLED"),
        ("PENDING_CANCEL", "0.4", "0.9", "PENDING_CANCEL"),
        ("PENDING_CANCEL", "0.4", "1", "FILLED"),
        ("CANCELED", 0, "0.1", "PARTIALLY_CANCELED"),
        ("CANCELED", 0, "0", "CANCELED"),
        ("REJECTED", 0, "0.1", "PARTIALLY_CANCELED"),
        ("REJECTED", 0, "1", "FILLED"),
        ("EXPIRED", "0.4", "0.4", "EXPIRED"),
        ("EXPIRED", "0.4", "0.5", "PARTIALLY_CANCELED"),
        ("PARTIALLY_CANCELED", "0.4", "1", "FILLED"),
        ("FILLED", "1", "1.2", "FILLED"),
        ("FILLED", "0.9", "0.95", "FILLED"),
    ],
)
def test_a_trade_moves_the_order_too(status, executed, then, becomes):
    assert status_after_trade(order(status, executed), Decimal(then)) == becomes


@pytest.mark.parametrize(
    ("status", "becomes"),
    [("NEW", "PARTIALLY_FILLED"), ("CANCELED", "PARTIALLY_CANCELED"), ("FILLED", "FILLED")],
)
def test_no_trade_fills_an_order_sized_by_quote(status, becomes):
    assert status_after_trade(order(status, 0, **BY_QUOTE), Decimal(5)) == becomes
    both = {**BY_QUOTE, "quantity": Decimal(1)}
    assert status_after_trade(order(status, 0, **both), Decimal(5)) == becomes


def test_a_report_fills_an_order_sized_by_quote():
    before = order("PARTIALLY_FILLED", "0.5", **BY_QUOTE)
    after = decide(before, report("FILLED", "0.9", executed_quote_quantity="99")).order
    assert (after.status, after.executed_quantity, after.executed_quote_quantity) == ("FILLED", Decimal("0.9"), 99)
