"""How much an order keeps locked, from its placing to its last trade."""

from datetime import UTC, datetime
from decimal import Decimal
from uuid import UUID

import pytest

from metacore.domain.trading.holds import asset_to_pay, excess, initial_hold, need, reserve, share
from metacore.domain.trading.orders import NewOrder, Order, OrderStatus
from metacore.errors import InvalidDataError
from metacore.testing.cases import each_case

NOW = datetime(2026, 1, 1, tzinfo=UTC)
ATTO = Decimal("0.000000000000000001")
LARGEST = Decimal("99999999999999999999999999999999999999.999999999999999999")


def new(**values):
    fields = {"side": "BUY", "type": "LIMIT", "price": "100", "quantity": "2", **values}
    shared = {"user_id": UUID(int=1), "symbol": "BTCUSDT", "base_asset": "BTC", "quote_asset": "USDT"}
    return NewOrder(id=UUID(int=2), **shared, **fields)


SELL = {"side": "SELL"}
MARKET_BY_QUOTE = {"type": "MARKET", "price": None, "quantity": None, "quote_quantity": "200"}
MARKET_BY_QUANTITY = {"type": "MARKET", "price": None}


def stored(held, status="NEW", **values):
    names = ("executed_quantity", "executed_quote_quantity", "settled_quantity", "settled_quote_quantity")
    amounts = {name: Decimal(values.pop(name)) for name in names if name in values}
    return Order.created(new(**values), NOW).changed(held_amount=Decimal(held), status=OrderStatus(status), **amounts)


def test_a_buy_pays_quote_and_a_sell_base():
    assert (asset_to_pay(new()), asset_to_pay(new(**SELL))) == ("USDT", "BTC")


@each_case(
    ("values", "quantity", "expected"),
    [
        ({}, "0.5", "50"),
        ({}, "0", "0"),
        ({}, "-1", "0"),
        (SELL, "0.5", "0.5"),
        (SELL, "-0.5", "0"),
        ({"price": "0.1"}, ATTO, ATTO),
        ({"price": "0.1"}, 10 * ATTO, ATTO),
        ({"price": "0.1"}, 11 * ATTO, 2 * ATTO),
        ({"price": "0.333333333333333333"}, "3", "0.999999999999999999"),
        ({"price": LARGEST}, "1", LARGEST),
    ],
)
def test_need_is_exact_and_rounded_up_to_18_places(values, quantity, expected):
    assert need(new(**values), Decimal(quantity)) == Decimal(expected)


def test_need_is_not_rounded_by_the_usual_28_digits():
    order = new(price="12345678901234567890.123456789012345678", quantity="1.000000000000000001")
    assert str(initial_hold(order)) == "12345678901234567902.469135690246913569"


@each_case(
    ("values", "hold", "expected"),
    [
        ({}, None, "200"),
        ({}, "201", "201"),
        ({}, "1", "200"),
        (SELL, None, "2"),
        (SELL, "2.1", "2.1"),
        ({"type": "STOP_LIMIT", "stop_price": "90"}, None, "200"),
        (MARKET_BY_QUOTE, None, "200"),
        (MARKET_BY_QUOTE, "202", "202"),
        (MARKET_BY_QUANTITY | SELL, None, "2"),
        (MARKET_BY_QUANTITY, "300", "300"),
        ({"type": "MARKET", "price": "100"}, None, "200"),
        ({"type": "MARKET", "price": "100", "quote_quantity": "150"}, None, "150"),
    ],
)
def test_an_order_holds_what_it_needs_or_more(values, hold, expected):
    assert initial_hold(new(**values), hold and Decimal(hold)) == Decimal(expected)


def test_a_hold_that_nobody_can_compute_is_required():
    with pytest.raises(InvalidDataError) as error:
        initial_hold(new(**MARKET_BY_QUANTITY))
    assert error.value.field == "hold"


@each_case(
    ("held", "values", "quantity", "cost", "expected"),
    [
        ("200", {}, "0.5", "45", "50"),
        ("200", {}, "2", "200", "200"),
        ("200", {}, "3", "300", "200"),
        ("50", {"settled_quantity": "1.5"}, "0.5", "50", "50"),
        ("50", {"settled_quantity": "2.5"}, "0.5", "50", "0"),
        ("10", {}, "0.5", "45", "10"),
        ("0", {}, "0.5", "45", "0"),
        ("2", SELL, "0.5", "45", "0.5"),
        ("200", MARKET_BY_QUOTE, "0.5", "45", "45"),
        ("40", MARKET_BY_QUOTE, "0.5", "45", "40"),
        ("300", MARKET_BY_QUANTITY, "0.5", "45", "45"),
    ],
)
def test_a_fill_takes_its_share_and_never_more_than_is_held(held, values, quantity, cost, expected):
    assert share(stored(held, **values), Decimal(quantity), Decimal(cost)) == Decimal(expected)


@each_case(
    ("values", "expected"),
    [
        ({}, "200"),
        ({"settled_quantity": "0.5"}, "150"),
        ({"executed_quantity": "2", "settled_quantity": "0.5"}, "150"),
        ({"settled_quantity": "2.5"}, "0"),
        (SELL | {"settled_quantity": "0.5"}, "1.5"),
        (MARKET_BY_QUOTE | {"settled_quote_quantity": "50"}, "150"),
        (MARKET_BY_QUANTITY | {"settled_quote_quantity": "50"}, "0"),
        ({"type": "MARKET", "settled_quantity": "0.5", "settled_quote_quantity": "45"}, "150"),
    ],
)
def test_an_open_order_reserves_what_it_may_execute(values, expected):
    assert reserve(stored("500", **values)) == Decimal(expected)
    assert excess(stored("500", **values)) == 0


@each_case("status", ["FILLED", "CANCELED", "PARTIALLY_CANCELED", "REJECTED", "EXPIRED"])
@each_case(
    ("values", "expected"),
    [
        ({}, "0"),
        ({"executed_quantity": "0.6"}, "60"),
        ({"executed_quantity": "0.6", "settled_quantity": "0.4"}, "20"),
        ({"executed_quantity": "0.4", "settled_quantity": "0.6"}, "0"),
        (SELL | {"executed_quantity": "0.6", "settled_quantity": "0.4"}, "0.2"),
        (MARKET_BY_QUOTE | {"executed_quote_quantity": "90", "settled_quote_quantity": "50"}, "40"),
        (MARKET_BY_QUANTITY | {"executed_quote_quantity": "90", "settled_quote_quantity": "90"}, "0"),
        ({"type": "MARKET", "executed_quantity": "0.6", "settled_quantity": "0.4"}, "20"),
    ],
)
def test_a_closed_order_keeps_what_was_executed_and_is_not_settled(status, values, expected):
    order = stored("500", status, **values)
    assert reserve(order, cost_is_known=True) == Decimal(expected)
    assert excess(order, cost_is_known=True) == 500 - Decimal(expected)


@each_case(
    ("status", "values", "reserved", "released"),
    [
        # Nobody told what it cost.
        ("FILLED", {"executed_quantity": "2"}, "200", "0"),
        ("FILLED", {}, "200", "0"),
        ("PARTIALLY_CANCELED", {}, "200", "0"),
        ("EXPIRED", {"executed_quantity": "1"}, "200", "0"),
        # Some of its trades have told.
        ("FILLED", {"executed_quantity": "2", "settled_quantity": "1", "settled_quote_quantity": "90"}, "110", "0"),
        # All of them have, or there are none.
        (
            "FILLED",
            {
                "executed_quantity": "2",
                "settled_quantity": "2",
                "settled_quote_quantity": "190",
                "executed_quote_quantity": "190",
            },
            "0",
            "500",
        ),
        ("CANCELED", {}, "0", "500"),
        ("REJECTED", {}, "0", "500"),
        ("EXPIRED", {}, "0", "500"),
    ],
)
def test_a_market_buy_keeps_its_hold_until_somebody_tells_what_it_cost(status, values, reserved, released):
    order = stored("500", status, **MARKET_BY_QUOTE, **values)
    assert (reserve(order), excess(order)) == (Decimal(reserved), Decimal(released))


def test_a_closed_order_that_holds_less_than_it_may_keep_releases_nothing():
    assert excess(stored("10", "PARTIALLY_CANCELED", executed_quantity="0.6")) == 0
