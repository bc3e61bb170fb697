"""Placing orders, wishing them cancelled, ending their holds."""

from decimal import Decimal
from uuid import UUID

import pytest

from metacore.domain.trading.orders import OrderStatus
from metacore.errors import (
    ConflictError,
    InsufficientFundsError,
    InvalidDataError,
    InvalidTransitionError,
    NotFoundError,
)


def test_a_placed_order_is_pending_and_holds(desk):
    desk.deposit("USDT", 1000)
    new = desk.order(price=100, quantity=4, reason="test")
    order = desk.place(new)
    assert (order.status, order.version, order.held_asset, order.held_amount) == ("PENDING_NEW", 1, "USDT", 400)
    assert (order.created_at, order.updated_at) == (desk.now, desk.now)
    assert desk.lines(order.id) == [("USDT", "HOLD", "-400", "400")]
    [update] = desk.history(order)
    assert (update.previous_status, update.status, update.outcome, update.source, update.reason) == (
        None,
        "PENDING_NEW",
        "APPLIED",
        "LOCAL",
        "test",
    )


@pytest.mark.parametrize(
    ("values", "asset", "needed"),
    [
        ({"price": 100, "quantity": "10.1"}, "USDT", "1010"),
        ({"side": "SELL", "price": 100, "quantity": "0.1"}, "BTC", "0.1"),
        ({"type": "MARKET", "quote_quantity": 1001}, "USDT", "1001"),
    ],
)
def test_short_of_free_funds_nothing_is_written(desk, values, asset, needed):
    desk.deposit("USDT", 1000)
    before = desk.state()
    with pytest.raises(InsufficientFundsError) as error:
        desk.place(desk.order(**values))
    assert (error.value.asset, error.value.needed) == (asset, Decimal(needed))
    assert error.value.available == (1000 if asset == "USDT" else 0)
    assert desk.state() == before


def test_a_raised_hold_is_judged_too(desk):
    desk.deposit("USDT", 1000)
    with pytest.raises(InsufficientFundsError):
        desk.place(desk.order(price=100, quantity=10), hold=1001)


def test_what_is_locked_is_not_free(desk):
    desk.buy()
    with pytest.raises(InsufficientFundsError):
        desk.place(desk.order(price=1, quantity=1))


def test_the_same_order_again_is_the_stored_one_with_no_second_hold(desk):
    desk.deposit("USDT", 1000)
    new = desk.order(price=100, quantity=4, client_order_id="mine")
    order = desk.place(new)
    desk.apply(desk.report(order, "NEW", 0, exchange_order_id="x1"))
    before = desk.state()
    same = new.changed(raw={"n": 1}, transacted_at=desk.now, price=Decimal("100.00"))
    by_client_id = same.changed(id=UUID(int=9))
    assert desk.place(same, hold=900) == desk.place(by_client_id) == desk.stored(order)
    assert desk.state() == before


def test_an_order_that_the_exchange_named_since_is_still_the_same(desk):
    desk.deposit("USDT", 1000)
    new = desk.order(price=100, quantity=4)
    order = desk.place(new)
    desk.apply(desk.report(order, "NEW", 0, client_order_id="theirs", exchange_order_id="x1"))
    assert desk.place(new).client_order_id == "theirs"


@pytest.mark.parametrize(
    "change",
    [
        {"price": Decimal(101)},
        {"quantity": Decimal(5)},
        {"side": "SELL"},
        {"symbol": "BTCUSDC"},
        {"quote_asset": "USDC"},
        {"time_in_force": "IOC"},
        {"stop_price": Decimal(1)},
        {"client_order_id": "other"},
        {"exchange_order_id": "other"},
    ],
    ids=lambda change: next(iter(change)),
)
def test_other_content_under_the_same_id_is_a_conflict(desk, change):
    desk.deposit("USDT", 1000)
    new = desk.order(price=100, quantity=4, client_order_id="mine", exchange_order_id="x1")
    desk.place(new)
    before = desk.state()
    with pytest.raises(ConflictError):
        desk.place(new.model_copy(update=change))
    assert desk.state() == before


def test_another_id_of_the_exchange_is_other_content(desk):
    desk.deposit("USDT", 1000)
    new = desk.order(price=100, quantity=4, exchange_order_id="x1")
    desk.place(new)
    with pytest.raises(ConflictError):
        desk.place(new.changed(exchange_order_id="x2"))


def test_other_content_under_the_same_client_order_id_is_a_conflict(desk):
    desk.deposit("USDT", 1000)
    desk.place(desk.order(price=100, quantity=4, client_order_id="mine"))
    with pytest.raises(ConflictError):
        desk.place(desk.order(price=100, quantity=5, client_order_id="mine"))


def test_ids_of_two_orders_are_a_conflict(desk):
    desk.deposit("USDT", 1000)
    first = desk.order(price=100, quantity=4, client_order_id="a")
    second = desk.order(price=100, quantity=4, client_order_id="b")
    desk.place_all([first, second])
    with pytest.raises(ConflictError) as error:
        desk.place(first.changed(client_order_id="b"))
    assert set(error.value.conflicts) == {str(first.id), str(second.id)}


@pytest.mark.parametrize(
    ("values", "field"),
    [
        ({"status": OrderStatus.NEW}, "status"),
        ({"executed_quantity": 1}, "executed_quantity"),
        ({"type": "MARKET", "price": None}, "hold"),
    ],
)
def test_what_no_placed_order_can_be_is_invalid(desk, values, field):
    desk.deposit("USDT", 1000)
    with pytest.raises(InvalidDataError) as error:
        desk.place(desk.order(**{"price": 100, "quantity": 4, **values}))
    assert error.value.field == field
    assert desk.orders == {}


def test_an_order_of_nobody_is_not_placed(desk):
    with pytest.raises(NotFoundError):
        desk.place(desk.order(price=100, quantity=4, user_id=UUID(int=99)))


def test_orders_are_placed_all_or_none_judged_in_list_order(desk):
    desk.deposit("USDT", 1000)
    orders = [desk.order(price=100, quantity=quantity) for quantity in (6, 3, 2)]
    with pytest.raises(InsufficientFundsError) as error:
        desk.place_all(orders)
    assert (error.value.needed, error.value.available) == (200, 100)
    assert desk.orders == {}
    assert desk.money() == {"USDT": "1000 / 0"}
    placed = desk.place_all([orders[0], orders[1], orders[0]])
    assert placed[0] == placed[2]
    assert desk.money() == {"USDT": "100 / 900"}


@pytest.mark.parametrize("status", ["PENDING_NEW", "NEW", "PARTIALLY_FILLED"])
def test_a_cancel_keeps_the_hold(desk, status):
    order = desk.buy()
    desk.apply(desk.report(order, status, 0))
    cancelled = desk.cancel(order, "changed my mind")
    assert (cancelled.status, cancelled.reason, cancelled.held_amount) == ("PENDING_CANCEL", "changed my mind", 1000)
    update = desk.history(order)[-1]
    assert (update.previous_status, update.status, update.source) == (status, "PENDING_CANCEL", "LOCAL")


def test_a_cancel_repeated_changes_nothing(desk):
    order = desk.buy()
    desk.cancel(order)
    before = desk.state()
    assert desk.cancel(order, "again") == desk.stored(order)
    assert desk.state() == before


@pytest.mark.parametrize("status", ["FILLED", "CANCELED", "REJECTED", "EXPIRED"])
def test_what_is_closed_cannot_be_cancelled(desk, status):
    order = desk.buy()
    desk.apply(desk.report(order, status))
    before = desk.state()
    with pytest.raises(InvalidTransitionError) as error:
        desk.cancel(order)
    assert (error.value.previous, error.value.requested) == (status, "PENDING_CANCEL")
    assert desk.state() == before


def test_an_ended_hold_is_free_and_its_reason_is_told(desk):
    order = desk.buy()
    desk.apply(desk.report(order, "PARTIALLY_CANCELED", 6))
    ended = desk.end_hold(order, "lost by the exchange")
    assert (ended.held_amount, ended.status, ended.reason) == (0, "PARTIALLY_CANCELED", "lost by the exchange")
    assert desk.money() == {"USDT": "1000 / 0"}
    assert desk.history(order)[-1].reason == "lost by the exchange"
    before = desk.state()
    assert desk.end_hold(order) == ended
    assert desk.state() == before


def test_a_fill_after_the_hold_has_ended_takes_from_what_is_free(desk):
    order = desk.buy()
    assert desk.end_hold(order).is_open
    assert desk.outcome(desk.trade(order, 4, 100)) == "SETTLED"
    assert desk.money() == {"USDT": "600 / 0", "BTC": "4 / 0"}


@pytest.mark.parametrize("command", ["cancel", "end_hold"])
def test_a_command_about_no_order_finds_none(desk, command):
    with pytest.raises(NotFoundError):
        getattr(desk, command)(desk.order(price=100, quantity=4))


def test_what_another_storage_made_of_an_order_is_not_taken_over(desk):
    order = desk.buy()
    moved = order.changed(id=UUID(int=9), version=7, settled_quantity=Decimal(1), client_order_id=None)
    desk.deposit("USDT", 1000)
    placed = desk.place(moved)
    assert (placed.version, placed.settled_quantity, placed.held_amount) == (1, 0, 1000)
