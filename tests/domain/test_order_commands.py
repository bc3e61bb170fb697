"""Placing orders, wishing them cancelled, ending their holds."""

from decimal import Decimal
from uuid import UUID

import pytest

from metacore.domain.trading.commands import AT_ONCE
from metacore.domain.trading.orders import NewOrder, OrderStatus
from metacore.domain.trading.trades import Trade
from metacore.errors import (
    ConflictError,
    InsufficientFundsError,
    InvalidDataError,
    InvalidTransitionError,
    NotAllowedError,
    NotFoundError,
)


def test_a_placed_order_is_pending_and_holds(day):
    day.deposit("USDT", 1000)
    new = day.order(price=100, quantity=4, reason="test")
    order = day.place(new)
    assert (order.status, order.version, order.held_asset, order.held_amount) == ("PENDING_NEW", 1, "USDT", 400)
    assert (order.created_at, order.updated_at) == (day.now, day.now)
    assert day.lines(order.id) == [("USDT", "HOLD", "-400", "400")]
    [update] = day.history(order)
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
def test_short_of_free_funds_nothing_is_written(day, values, asset, needed):
    day.deposit("USDT", 1000)
    before = day.state()
    with pytest.raises(InsufficientFundsError) as error:
        day.place(day.order(**values))
    assert (error.value.asset, error.value.needed) == (asset, Decimal(needed))
    assert error.value.available == (1000 if asset == "USDT" else 0)
    assert day.state() == before


def test_a_raised_hold_is_judged_too(day):
    day.deposit("USDT", 1000)
    with pytest.raises(InsufficientFundsError):
        day.place(day.order(price=100, quantity=10), hold=1001)


def test_what_is_locked_is_not_free(day):
    day.buy()
    with pytest.raises(InsufficientFundsError):
        day.place(day.order(price=1, quantity=1))


def test_the_same_order_again_is_the_stored_one_with_no_second_hold(day):
    day.deposit("USDT", 1000)
    new = day.order(price=100, quantity=4, client_order_id="mine")
    order = day.place(new)
    day.apply(day.report(order, "NEW", 0, exchange_order_id="x1"))
    before = day.state()
    same = new.changed(raw={"n": 1}, transacted_at=day.now, price=Decimal("100.00"))
    by_client_id = same.changed(id=UUID(int=9))
    assert day.place(same, hold=900) == day.place(by_client_id) == day.stored(order)
    assert day.state() == before


def test_an_order_without_a_client_order_id_has_its_own_id_as_such(day):
    day.deposit("USDT", 1000)
    new = day.order(price=100, quantity=4)
    order = day.place(new)
    assert (order.client_order_id, len(order.client_order_id)) == (new.id.hex, 32)
    day.apply(day.report(None, "NEW", 0, client_order_id=new.id.hex, exchange_order_id="x1"))
    stored = day.stored(order)
    assert (stored.status, stored.exchange_order_id) == ("NEW", "x1")
    assert day.place(new) == day.place(new.changed(client_order_id=new.id.hex)) == stored
    assert day.place(new.changed(id=UUID(int=9), client_order_id=new.id.hex)) == stored
    assert day.money() == {"USDT": "600 / 400"}


def test_an_order_found_on_the_exchange_gets_no_client_order_id(day):
    [result] = day.apply(day.report(None, "NEW", 0, exchange_order_id="x1", order=day.order(price=1, quantity=1)))
    assert result.order.client_order_id is None
    assert day.place(day.order(id=result.order.id, price=1, quantity=1)) == result.order


@pytest.mark.parametrize("flag", ["is_active", "can_trade"])
def test_a_flag_refuses_a_new_order_and_nothing_else(day, flag):
    order = day.buy(2000)
    again = NewOrder(**{name: getattr(order, name) for name in NewOrder.model_fields} | {"status": "PENDING_NEW"})
    day.users[order.user_id] = day.users[order.user_id].changed(**{flag: False})
    before = day.state()
    with pytest.raises(NotAllowedError) as error:
        day.place(day.order(price=1, quantity=1))
    assert (error.value.user, error.value.flag) == (order.user_id, flag)
    assert day.state() == before
    assert day.place(again) == order
    assert day.cancel(order).status == "PENDING_CANCEL"
    assert [row.outcome for row in day.settle(day.trade(order, 4, 100))] == ["SETTLED"]
    assert [row.outcome for row in day.apply(day.report(order, "CANCELED", 4))] == ["APPLIED"]
    found = day.report(None, "NEW", 0, exchange_order_id="x1", order=day.order(price=1, quantity=1))
    assert [row.outcome for row in day.apply(found)] == ["APPLIED"]


@pytest.mark.parametrize("cancelled", [False, True])
def test_an_order_that_the_exchange_never_got_is_rejected(day, cancelled):
    order = day.buy()
    if cancelled:
        day.cancel(order)
    rejected = day.reject_unknown(order)
    assert (rejected.status, rejected.held_amount, day.money()) == ("REJECTED", 0, {"USDT": "1000 / 0"})
    update = day.history(order)[-1]
    assert (update.status, update.source, update.reason) == ("REJECTED", "LOCAL", "the exchange does not know it")
    assert day.reject_unknown(order) == rejected
    assert day.history(order)[-1] == update
    # It was there after all.
    assert [row.outcome for row in day.settle(day.trade(order, 4, 100))] == ["SETTLED"]
    assert (day.stored(order).status, day.money()) == ("PARTIALLY_CANCELED", {"BTC": "4 / 0", "USDT": "600 / 0"})


@pytest.mark.parametrize("known_by", ["NEW", "PARTIALLY_FILLED", "CANCELED", "trade", "recorded"])
def test_an_order_that_the_exchange_knows_is_not_rejected(day, known_by):
    order = day.buy()
    trade = day.trade(order, 4, 100)
    if known_by == "trade":
        day.cancel(order)
        day.settle(trade)
    elif known_by == "recorded":
        day.trades[trade.id] = Trade.created(trade, day.now)
    else:
        day.apply(day.report(order, known_by, 4 if known_by == "PARTIALLY_FILLED" else 0))
    before = day.state()
    with pytest.raises(InvalidTransitionError) as error:
        day.reject_unknown(order)
    assert error.value.requested == "REJECTED"
    assert day.state() == before


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
def test_other_content_under_the_same_id_is_a_conflict(day, change):
    day.deposit("USDT", 1000)
    new = day.order(price=100, quantity=4, client_order_id="mine", exchange_order_id="x1")
    day.place(new)
    before = day.state()
    with pytest.raises(ConflictError):
        day.place(new.model_copy(update=change))
    assert day.state() == before


def test_another_id_of_the_exchange_is_other_content(day):
    day.deposit("USDT", 1000)
    new = day.order(price=100, quantity=4, exchange_order_id="x1")
    day.place(new)
    with pytest.raises(ConflictError):
        day.place(new.changed(exchange_order_id="x2"))


def test_other_content_under_the_same_client_order_id_is_a_conflict(day):
    day.deposit("USDT", 1000)
    day.place(day.order(price=100, quantity=4, client_order_id="mine"))
    with pytest.raises(ConflictError):
        day.place(day.order(price=100, quantity=5, client_order_id="mine"))


def test_ids_of_two_orders_are_a_conflict(day):
    day.deposit("USDT", 1000)
    first = day.order(price=100, quantity=4, client_order_id="a")
    second = day.order(price=100, quantity=4, client_order_id="b")
    day.place_all([first, second])
    with pytest.raises(ConflictError) as error:
        day.place(first.changed(client_order_id="b"))
    assert set(error.value.conflicts) == {str(first.id), str(second.id)}


@pytest.mark.parametrize(
    ("values", "field"),
    [
        ({"status": OrderStatus.NEW}, "status"),
        ({"executed_quantity": 1}, "executed_quantity"),
        ({"executed_quote_quantity": 1}, "executed_quantity"),
        ({"type": "MARKET", "price": None}, "hold"),
    ],
)
def test_what_no_placed_order_can_be_is_invalid(day, values, field):
    day.deposit("USDT", 1000)
    with pytest.raises(InvalidDataError) as error:
        day.place(day.order(**{"price": 100, "quantity": 4, **values}))
    assert error.value.field == field
    assert day.orders == {}


def test_an_order_of_nobody_is_not_placed(day):
    with pytest.raises(NotFoundError):
        day.place(day.order(price=100, quantity=4, user_id=UUID(int=99)))


def test_orders_are_placed_all_or_none_judged_in_list_order(day):
    day.deposit("USDT", 1000)
    orders = [day.order(price=100, quantity=quantity) for quantity in (6, 3, 2)]
    with pytest.raises(InsufficientFundsError) as error:
        day.place_all(orders)
    assert (error.value.needed, error.value.available) == (200, 100)
    assert day.orders == {}
    assert day.money() == {"USDT": "1000 / 0"}
    placed = day.place_all([orders[0], orders[1], orders[0]])
    assert placed[0] == placed[2]
    assert day.money() == {"USDT": "100 / 900"}


@pytest.mark.parametrize("status", ["PENDING_NEW", "NEW", "PARTIALLY_FILLED"])
def test_a_cancel_keeps_the_hold(day, status):
    order = day.buy()
    day.apply(day.report(order, status, 0))
    cancelled = day.cancel(order, "changed my mind")
    assert (cancelled.status, cancelled.reason, cancelled.held_amount) == ("PENDING_CANCEL", "changed my mind", 1000)
    update = day.history(order)[-1]
    assert (update.previous_status, update.status, update.source) == (status, "PENDING_CANCEL", "LOCAL")


def test_a_cancel_repeated_changes_nothing(day):
    order = day.buy()
    day.cancel(order)
    before = day.state()
    assert day.cancel(order, "again") == day.stored(order)
    assert day.state() == before


@pytest.mark.parametrize("status", ["FILLED", "CANCELED", "REJECTED", "EXPIRED"])
def test_what_is_closed_cannot_be_cancelled(day, status):
    order = day.buy()
    day.apply(day.report(order, status))
    before = day.state()
    with pytest.raises(InvalidTransitionError) as error:
        day.cancel(order)
    assert (error.value.previous, error.value.requested) == (status, "PENDING_CANCEL")
    assert day.state() == before


def test_a_cancel_without_a_reason_keeps_the_orders_own(day):
    day.deposit("USDT", 1000)
    order = day.place(day.order(price=100, quantity=10, reason="rebalancing"))
    assert day.cancel(order).reason == "rebalancing"
    assert day.history(order)[-1].reason is None


def test_an_ended_hold_is_free_and_its_reason_is_kept(day):
    order = day.buy()
    day.apply(day.report(order, "PARTIALLY_CANCELED", 6))
    ended = day.end_hold(order, "lost by the exchange")
    assert (ended.held_amount, ended.status, ended.reason) == (0, "PARTIALLY_CANCELED", "lost by the exchange")
    assert day.money() == {"USDT": "1000 / 0"}
    assert day.history(order)[-1].reason == "lost by the exchange"
    before = day.state()
    assert day.end_hold(order) == ended
    assert day.state() == before


def test_a_fill_after_the_hold_has_ended_takes_from_what_is_free(day):
    order = day.buy()
    assert day.end_hold(order).is_open
    assert day.outcome(day.trade(order, 4, 100)) == "SETTLED"
    assert day.money() == {"USDT": "600 / 0", "BTC": "4 / 0"}


@pytest.mark.parametrize("command", ["cancel", "end_hold"])
def test_a_command_about_no_order_finds_none(day, command):
    with pytest.raises(NotFoundError):
        getattr(day, command)(day.order(price=100, quantity=4))


def test_what_another_storage_made_of_an_order_is_not_taken_over(day):
    order = day.buy()
    moved = order.changed(id=UUID(int=9), version=7, settled_quantity=Decimal(1), client_order_id=None)
    day.deposit("USDT", 1000)
    placed = day.place(moved)
    assert (placed.version, placed.settled_quantity, placed.held_amount) == (1, 0, 1000)


def test_orders_of_several_parts_are_placed_all_or_none(day):
    day.deposit("USDT", 100 * AT_ONCE)
    orders = [day.order(price=100, quantity=1) for _ in range(AT_ONCE + 1)]
    before = day.state()
    with pytest.raises(InsufficientFundsError):
        day.place_all(orders)
    assert day.state() == before
    day.deposit("USDT", 100)
    placed = day.place_all(orders)
    assert [order.id for order in placed] == [order.id for order in orders]
    assert day.money() == {"USDT": f"0 / {100 * AT_ONCE + 100}"}
