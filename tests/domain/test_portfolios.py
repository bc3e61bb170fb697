"""Portfolios: how holdings change, and what they are worth."""

import json
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from metacore.domain.holdings.portfolios import Holding, Portfolio
from metacore.domain.holdings.valuations import Valuation
from metacore.domain.values.symbols import parse_symbol
from metacore.errors import InsufficientFundsError, InvalidDataError, NotFoundError, StaleVersionError
from metacore.testing.cases import each_case

USER = UUID(int=1)
CREATED, NOW = datetime(2026, 1, 1, tzinfo=UTC), datetime(2026, 1, 2, tzinfo=UTC)
EMPTY = Portfolio.empty(USER, CREATED)
LARGEST = Decimal("99999999999999999999999999999999999999.999999999999999999999999999999999999")

amounts = st.decimals(0, 10**38 - 1, allow_nan=False, places=36)


def holding(**quantities: str) -> Portfolio:
    holdings = {symbol: Decimal(quantity) for symbol, quantity in quantities.items()}
    return Portfolio(user_id=USER, holdings=holdings, version=7, created_at=CREATED, updated_at=CREATED)


@each_case(
    ("before", "change", "holdings"),
    [
        (holding(), lambda p: p.put("BTC", Decimal("0.5"), NOW), {"btc": "0.5"}),
        (holding(btc="1"), lambda p: p.put("Btc", Decimal("0.5"), NOW), {"btc": "0.5"}),
        (holding(btc="1", eth="2"), lambda p: p.put("btc", Decimal(0), NOW), {"eth": "2"}),
        (holding(btc="1"), lambda p: p.put("ada", Decimal(5), NOW), {"ada": "5", "btc": "1"}),
        (holding(), lambda p: p.add("BTC", Decimal("0.5"), NOW), {"btc": "0.5"}),
        (holding(btc="1"), lambda p: p.add("BTC", Decimal("0.5"), NOW), {"btc": "1.5"}),
        (holding(btc="1"), lambda p: p.add("BTC", Decimal("-0.4"), NOW), {"btc": "0.6"}),
        (holding(btc="1"), lambda p: p.add("BTC", Decimal(-1), NOW), {}),
        (
            holding(btc="0.000000000000000001"),
            lambda p: p.add("btc", Decimal("99999999999999999999"), NOW),
            {"btc": "99999999999999999999.000000000000000001"},
        ),
        (holding(btc="1", eth="2"), lambda p: p.remove("ETH", NOW), {"btc": "1"}),
        (holding(btc="1", eth="2"), lambda p: p.clear(NOW), {}),
    ],
)
def test_a_change_gives_the_portfolio_after_it_one_version_on(
    before: Portfolio, change: Callable[[Portfolio], Portfolio], holdings: dict[str, str]
) -> None:
    after = change(before)
    assert after.model_dump(mode="json")["holdings"] == holdings
    assert (after.version, after.updated_at, after.created_at) == (8, NOW, CREATED)


@pytest.mark.parametrize(
    "change",
    [
        lambda p: p.put("BTC", Decimal("1.00"), NOW),
        lambda p: p.put("eth", Decimal(0), NOW),
        lambda p: p.add("btc", Decimal(0), NOW),
        lambda p: p.add("eth", Decimal(0), NOW),
    ],
)
def test_a_change_that_changes_nothing_gives_the_same_portfolio(change: Callable[[Portfolio], Portfolio]) -> None:
    before = holding(btc="1")
    assert change(before) is before
    assert EMPTY.clear(NOW) is EMPTY


def test_a_holding_never_falls_below_zero() -> None:
    with pytest.raises(InsufficientFundsError) as caught:
        holding(btc="0.5").add("BTC", Decimal("-0.6"), NOW)
    error = caught.value
    assert (error.asset, error.needed, error.available) == ("btc", Decimal("0.6"), Decimal("0.5"))
    with pytest.raises(InsufficientFundsError):
        EMPTY.add("btc", Decimal("-0.1"), NOW)


@each_case(
    ("change", "field"),
    [
        (lambda p: p.put("btc", Decimal(-1), NOW), "quantity"),
        (lambda p: p.put("btc", 0.5, NOW), "quantity"),
        (lambda p: p.put("btc", Decimal("NaN"), NOW), "quantity"),
        (lambda p: p.put("btc", Decimal("1e-37"), NOW), "quantity"),
        (lambda p: p.put("", Decimal(1), NOW), "symbol"),
        (lambda p: p.put("a\0", Decimal(1), NOW), "symbol"),
        (lambda p: p.put(7, Decimal(1), NOW), "symbol"),
        (lambda p: p.add("btc", LARGEST, NOW), "delta"),
        (lambda p: p.add("btc", True, NOW), "delta"),
        (lambda p: p.remove("x" * 256, NOW), "symbol"),
    ],
)
def test_what_is_no_symbol_or_amount_is_refused(change: Callable[[Portfolio], Portfolio], field: str) -> None:
    with pytest.raises(InvalidDataError) as caught:
        change(holding(btc="1"))
    assert caught.value.field == field


def test_removing_what_is_not_held_and_an_unexpected_version_are_errors() -> None:
    with pytest.raises(NotFoundError):
        EMPTY.remove("btc", NOW)
    assert holding().require_version(7).require_version(None).version == 7
    with pytest.raises(StaleVersionError) as caught:
        holding().require_version(6)
    assert (caught.value.expected, caught.value.actual) == (6, 7)


@pytest.mark.parametrize(
    "holdings", [{"btc": "1", "BTC": "1"}, {"btc": "0"}, {"btc": "-1"}, {"btc": 1.5}, [], {"": "1"}]
)
def test_a_portfolio_holds_each_symbol_once_and_more_than_nothing_of_it(holdings: Any) -> None:
    with pytest.raises(ValidationError):
        Portfolio(user_id=USER, holdings=holdings, created_at=CREATED, updated_at=CREATED)


def test_holdings_cannot_be_changed() -> None:
    with pytest.raises(TypeError):
        holding(btc="1").holdings["btc"] = Decimal(2)


@given(st.text(min_size=1).filter(lambda text: "\0" not in text))
def test_folding_a_symbol_again_changes_nothing(text: str) -> None:
    try:
        symbol = parse_symbol(text)
    except ValueError:
        return
    assert parse_symbol(symbol) == symbol
    assert Holding(user_id=USER, symbol=text, quantity=Decimal(1)).symbol == symbol


def test_a_valuation_lists_what_has_no_price_apart() -> None:
    valuation = holding(btc="0.5", doge="1000", eth="2").value(
        {"BTC": Decimal("97000.10"), "Eth": Decimal(3000), "x": 1}
    )
    assert json.loads(valuation.model_dump_json()) == {
        "quantities": {"btc": "0.5", "doge": "1000", "eth": "2"},
        "prices": {"btc": "97000.1", "eth": "3000"},
        "totals": {"btc": "48500.05", "eth": "6000"},
        "total": "54500.05",
        "unpriced": ["doge"],
        "priced_at": {},
    }
    assert valuation.model_dump(mode="json") == json.loads(valuation.model_dump_json())
    assert Valuation.model_validate_json(valuation.model_dump_json()) == valuation


def test_a_price_of_zero_is_a_price_and_nothing_held_is_worth_nothing() -> None:
    assert holding(btc="1").value({"btc": Decimal(0)}).unpriced == ()
    assert EMPTY.value({"btc": Decimal(1)}).total == 0


@given(st.dictionaries(st.sampled_from(["a", "b", "c", "d"]), amounts.filter(bool)), amounts)
def test_a_valuation_is_exact(quantities: dict[str, Decimal], price: Decimal) -> None:
    valuation = Portfolio(user_id=USER, holdings=quantities, created_at=CREATED, updated_at=CREATED).value(
        dict.fromkeys("abc", price)
    )

    def units(amount: Decimal, places: int = 36) -> int:
        _, digits, exponent = amount.as_tuple()
        return int("".join(map(str, digits))) * 10 ** (places + int(exponent))

    expected = {s: units(q) * units(price) for s, q in quantities.items() if s != "d"}
    assert {symbol: units(total, 72) for symbol, total in valuation.totals.items()} == expected
    assert units(valuation.total, 72) == sum(expected.values())
    assert valuation.unpriced == (("d",) if "d" in quantities else ())


@pytest.mark.parametrize(
    ("prices", "field"),
    [
        ({"btc": Decimal(1), "BTC": Decimal(1)}, "prices"),
        ({"btc": Decimal(-1)}, "prices.btc"),
        ({"btc": 1.5}, "prices.btc"),
        ({"btc": None}, "prices.btc"),
        ({"btc": Decimal("Infinity")}, "prices.btc"),
        ({7: Decimal(1)}, "prices"),
        ([], "prices"),
    ],
)
def test_prices_are_amounts_by_symbol(prices: Mapping[str, Decimal], field: str) -> None:
    with pytest.raises(InvalidDataError) as caught:
        holding(btc="1").value(prices)
    assert caught.value.field == field


@pytest.mark.parametrize("value", ["", "x", "NaN", 1.5, None, True])
def test_figures_of_a_valuation_are_finite_decimals(value: Any) -> None:
    with pytest.raises(ValidationError):
        Valuation(quantities={}, prices={}, totals={}, total=value)
