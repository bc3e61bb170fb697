"""Which history is closed, and what must stay."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from uuid import UUID

import pytest

from metacore import ids
from metacore.domain.people.users import User
from metacore.domain.trading.archiving import (
    OrderHistory,
    archived_until,
    id_time,
    is_closed_entry,
    is_closed_order,
    missing_orders,
    require_unarchived,
    stays,
)
from metacore.domain.trading.balances import BalanceEntry
from metacore.domain.trading.order_updates import OrderUpdate
from metacore.domain.trading.orders import Order
from metacore.domain.trading.trades import Trade
from metacore.errors import ArchivedError, InvalidDataError
from metacore.testing.cases import each_case
from metacore.testing.clock import START
from metacore.testing.factories import (
    BalanceDeltaFactory,
    NewOrderFactory,
    NewOrderUpdateFactory,
    NewTradeFactory,
    NewUserFactory,
)

USER = UUID(int=1)
CUT = START + timedelta(hours=1)
LATER = CUT + timedelta(hours=1)


def history(order=(), update=(), trade=(), trades=1):
    """A filled order, with an update and trades of all that it executed; what is told is otherwise."""
    new = NewOrderFactory.build(user_id=USER, status="FILLED", executed_quantity=Decimal("0.02"))
    stored = Order.created(new, START).changed(settled_quantity=Decimal("0.02"), **dict(order))
    update_of = NewOrderUpdateFactory.build(of=stored, status="FILLED", occurred_at=START)
    updates = [OrderUpdate.recorded(update_of, 1, START).changed(**dict(update))]
    filled = NewTradeFactory.build(of=stored, quantity=Decimal("0.02"), traded_at=START)
    stored_trade = Trade.created(filled, START).changed(**{"state": "SETTLED", **dict(trade)})
    return OrderHistory(stored, updates, [stored_trade] * trades)


@each_case(
    "differences",
    [
        {},
        {"trade": {"state": "RECORDED"}},
        {"order": {"status": "CANCELED", "executed_quantity": 0}, "trades": 0},
        {"order": {"status": "REJECTED"}},
    ],
)
def test_an_order_is_closed(differences):
    assert is_closed_order(history(**differences), CUT, [])


@each_case(
    "differences",
    [
        {"order": {"status": "PARTIALLY_FILLED"}},
        {"order": {"held_asset": "USDT", "held_amount": 1}},
        {"order": {"executed_quantity": "0.03"}},
        {"trades": 0},
        {"trade": {"state": "PENDING"}},
        {"order": {"created_at": LATER}},
        {"order": {"updated_at": CUT}},
        {"update": {"occurred_at": LATER}},
        {"update": {"recorded_at": LATER}},
        {"trade": {"traded_at": CUT}},
        {"trade": {"updated_at": LATER}},
    ],
)
def test_an_order_is_not_closed(differences):
    assert not is_closed_order(history(**differences), CUT, [])


def test_an_order_that_a_waiting_trade_names_is_not_closed():
    closed = history()
    ids_of_it = {"order_id": None, "client_order_id": None, "exchange_order_id": closed.order.exchange_order_id}
    waiting = Trade.created(NewTradeFactory.build(user_id=USER, **ids_of_it), START)
    assert not is_closed_order(closed, CUT, [waiting])
    assert is_closed_order(closed, CUT, [waiting.changed(exchange_order_id="another")])


def test_trades_are_missed_by_no_id_of_an_order():
    order = history().order
    names = [{"order_id": order.id}, {"exchange_order_id": order.exchange_order_id}, {"client_order_id": "c"}]
    order = order.changed(client_order_id="c")
    trades = [
        NewTradeFactory.build(user_id=USER, **{"order_id": None, "exchange_order_id": None, **ids}) for ids in names
    ]
    assert missing_orders(trades, [order]) == []
    assert missing_orders(trades, []) == trades
    assert missing_orders(trades, [order.changed(user_id=UUID(int=2))]) == trades


def test_an_entry_is_closed_by_both_of_its_times():
    entry = entry_of(occurred_at=START)
    assert is_closed_entry(entry, CUT)
    assert not is_closed_entry(entry.changed(occurred_at=CUT), CUT)
    assert not is_closed_entry(entry.changed(created_at=CUT), CUT)


@pytest.mark.parametrize(
    ("reason", "reference", "expected"),
    [("DEPOSIT", "r", True), ("WITHDRAWAL", "r", True), ("DEPOSIT", None, False), ("TRADE", "r", False)],
)
def test_entries_that_are_asked_for_by_reference_stay(reason, reference, expected):
    assert stays(entry_of(reason=reason, reference=reference)) is expected


def entry_of(**values):
    delta = BalanceDeltaFactory.build(user_id=USER, asset="USDT", **values)
    after = {"free_after": 1, "locked_after": 0, "unexplained_after": 0, "hash": "", "created_at": START}
    return BalanceEntry(**delta.fields(), seq=1, **after)


def test_history_goes_up_to_what_an_account_snapshot_may_look_at():
    user = User.created(NewUserFactory.build(), START)
    assert archived_until(user, START, LATER) == START
    assert archived_until(user.changed(balances_as_of=CUT), START, LATER) == START
    assert archived_until(user.changed(balances_as_of=START), CUT, LATER) == START
    for not_past in (START, LATER):
        with pytest.raises(InvalidDataError, match="before"):
            archived_until(user, not_past, START)


def test_what_is_older_than_what_was_taken_out_is_refused():
    user = User.created(NewUserFactory.build(), START)
    require_unarchived(user, START, "traded_at")
    archived = user.changed(archived_until=START)
    require_unarchived(archived, START, "traded_at")
    with pytest.raises(ArchivedError) as caught:
        require_unarchived(archived, START - timedelta(microseconds=1), "traded_at")
    assert (caught.value.until, caught.value.field) == (START, "traded_at")


def test_an_id_tells_when_it_was_made():
    made, now = id_time(ids.new_id()), datetime.now(UTC)
    assert abs(made - now) < timedelta(minutes=1)
    assert id_time(UUID("2f1f6d3c-63f4-4b7c-9a3b-0d5a6b1b1a11")) is None
    assert id_time(UUID("ffffffff-ffff-7fff-bfff-ffffffffffff")) is None
