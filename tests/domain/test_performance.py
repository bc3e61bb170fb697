"""Performance: worked by hand, and against fractions."""

import json
from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from metacore.domain.trading.orders import OrderSide
from metacore.domain.trading.performance import CostMethod, Execution, Performance
from metacore.errors import InvalidDataError
from metacore.testing.cases import each_case

BUY, SELL = OrderSide.BUY, OrderSide.SELL
ATTO = Decimal("1e-18")


def executed(side, quantity, quote, fee="0", fee_asset=None, symbol="BTCUSDT"):
    return Execution(symbol, side, Decimal(quantity), Decimal(quote), Decimal(fee), fee_asset)


def performance(executions, method=CostMethod.AVERAGE, **prices):
    return Performance.of(executions, {symbol: Decimal(price) for symbol, price in prices.items()}, method)


# Bought 1 at 100, 1 at 120 and 2 at 150: 4 for 520, 130 each. Sold 1.5 at 200 for 300.
FOUR_FOR_520 = [executed(BUY, 1, 100), executed(BUY, 1, 120), executed(BUY, 2, 300), executed(SELL, "1.5", 300)]


@each_case(
    ("method", "figures"),
    [
        # 1.5 x 130 = 195 leave; 325 stay in 2.5.
        (CostMethod.AVERAGE, {"realised": "105", "cost": "325", "average_cost": "130", "unrealised": "50"}),
        # 1 x 100 and half of 120 leave, 160; 60 + 300 = 360 stay in 2.5.
        (CostMethod.FIFO, {"realised": "140", "cost": "360", "average_cost": "144", "unrealised": "15"}),
    ],
)
def test_a_sale_takes_its_cost_by_the_method(method, figures):
    (symbol,) = performance(FOUR_FOR_520, method, btcusdt="150").symbols
    row = symbol.model_dump(mode="json")
    assert {name: row[name] for name in figures} == figures
    assert (row["quantity"], row["price"], row["value"]) == ("2.5", "150", "375")
    assert (row["bought_quantity"], row["bought_quote"]) == ("4", "520")
    assert (row["sold_quantity"], row["sold_quote"], row["unmatched_quantity"]) == ("1.5", "300", "0")


@each_case("method", list(CostMethod))
def test_what_was_not_bought_has_no_cost_and_no_profit(method):
    # 2 sold for 50, of which 1 was bought, for 10: 25 received for it.
    (symbol,) = performance([executed(BUY, 1, 10), executed(SELL, 2, 50), executed(BUY, 3, 33)], method).symbols
    assert (symbol.realised, symbol.unmatched_quantity, symbol.unmatched_quote) == (15, 1, 25)
    assert (symbol.quantity, symbol.cost, symbol.average_cost) == (3, 33, 11)


@each_case("method", list(CostMethod))
def test_a_third_of_ten_is_taken_to_18_places_and_the_rest_with_the_last(method):
    ten_for_three = [executed(BUY, 3, 10), executed(SELL, 1, 4)]
    (symbol,) = performance(ten_for_three, method).symbols
    assert symbol.realised == Decimal("0.666666666666666667")
    assert symbol.cost == Decimal("6.666666666666666667")
    assert symbol.average_cost == Decimal("3.333333333333333334")  # half of what is left, rounded half-even
    (symbol,) = performance([*ten_for_three, executed(SELL, 2, 8)], method).symbols
    assert (symbol.realised, symbol.cost, symbol.average_cost) == (2, 0, None)


def test_symbols_and_fees_stand_apart():
    earned = performance(
        [
            executed(BUY, 2, 20, "0.002", "ETH", "ETHUSDT"),
            executed(SELL, 1, 15, "0.5", "MX", "ETHUSDT"),
            executed(BUY, 1, 100, "-0.2", "MX", "BTCUSDT"),
            executed(SELL, 1, 110, "0.1", "USDT", "BTCUSDT"),
            executed(BUY, 5, 5, "0.0", "MX", "DOGEUSDT"),
        ],
        ETHUSDT="12.5",
        XRPUSDT="1",
    )
    assert [symbol.symbol for symbol in earned.symbols] == ["BTCUSDT", "DOGEUSDT", "ETHUSDT"]
    assert [symbol.realised for symbol in earned.symbols] == [10, 0, 5]
    assert [symbol.unrealised for symbol in earned.symbols] == [None, None, Decimal("2.5")]
    assert earned.unpriced == ("DOGEUSDT",)
    assert json.loads(earned.model_dump_json())["fees"] == {"ETH": "0.002", "MX": "0.3", "USDT": "0.1"}
    assert Performance.model_validate_json(earned.model_dump_json()) == earned


def test_nothing_traded_is_nothing_earned():
    assert performance([], btcusdt="1") == Performance(method=CostMethod.AVERAGE, fees={})


@each_case(
    ("prices", "field"),
    [
        ({"btcusdt": Decimal(-1)}, "prices.btcusdt"),
        ({"btcusdt": 0.5}, "prices.btcusdt"),
        ({"btcusdt": Decimal("NaN")}, "prices.btcusdt"),
        ({"btcusdt": Decimal(1), "BTCUSDT": Decimal(1)}, "prices"),
        (None, "prices"),
    ],
)
def test_what_is_no_price_is_refused(prices, field):
    with pytest.raises(InvalidDataError) as caught:
        Performance.of(FOUR_FOR_520, prices)
    assert caught.value.field == field


amounts = st.decimals(Decimal("1e-12"), Decimal("1e12"), allow_nan=False, allow_infinity=False, places=12)
histories = st.lists(st.builds(executed, st.sampled_from([BUY, SELL]), amounts, amounts), max_size=30)


def by_fractions(history, method):
    """Quantity left, cost and realised profit without any rounding."""
    lots, realised = [], Fraction(0)
    for _, side, quantity, quote, _, _ in history:
        quantity, quote = Fraction(quantity), Fraction(quote)
        if side is BUY:
            lots.append([quantity, quote / quantity])
            if method is CostMethod.AVERAGE:
                held = sum(lot[0] for lot in lots)
                lots = [[held, sum(lot[0] * lot[1] for lot in lots) / held]]
            continue
        price = quote / quantity
        while quantity and lots:
            taken = min(quantity, lots[0][0])
            realised += taken * (price - lots[0][1])
            lots[0][0] -= taken
            quantity -= taken
            lots = [lot for lot in lots if lot[0]]
    return sum(lot[0] for lot in lots), sum(lot[0] * lot[1] for lot in lots), realised


@given(histories, st.sampled_from(list(CostMethod)))
def test_it_is_what_fractions_say_but_for_the_last_place(history, method):
    quantity, cost, realised = by_fractions(history, method)
    for symbol in performance(history, method).symbols:
        assert symbol.quantity == quantity
        assert abs(Fraction(symbol.cost) - cost) <= len(history) * Fraction(ATTO)
        assert abs(Fraction(symbol.realised) - realised) <= 2 * len(history) * Fraction(ATTO)
        assert symbol.cost >= 0
        sides = (symbol.bought_quote, symbol.realised, symbol.sold_quote, symbol.unmatched_quote, symbol.cost)
        bought, earned, sold, unmatched, left = (Fraction(side) for side in sides)
        assert bought + earned == sold - unmatched + left
        assert symbol.bought_quantity - symbol.sold_quantity + symbol.unmatched_quantity == symbol.quantity
