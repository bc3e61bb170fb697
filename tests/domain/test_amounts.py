"""Amounts are exact, or refused."""

import decimal
import json
from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from metacore.domain.trading.balances import AccountBalance
from metacore.domain.values.amounts import ATTO, canonical, exact, parse_amount, round_down, round_up, total
from metacore.testing.cases import each_case

MOST = Decimal("99999999999999999999999999999999999999.999999999999999999999999999999999999")
FINEST = Decimal("1e-36")

LEAST = MOST.copy_negate()

amounts = st.decimals(LEAST, MOST, places=36, allow_nan=False, allow_infinity=False).filter(
    lambda amount: LEAST <= amount <= MOST
)


@each_case(
    ("value", "amount"),
    [
        ("0.015", "0.015"),
        ("1.500", "1.5"),
        ("1e-18", "0.000000000000000001"),
        ("1E+19", "10000000000000000000"),
        (" ", None),
        ("", None),
        ("1,5", None),
        ("1_000", None),
        ("0x10", None),
        ("١٢٣", None),
        (" 1", None),
        ("1\n", None),
        ("1e999999999", None),
        ("NaN", None),
        ("sNaN", None),
        ("Infinity", None),
        ("-inf", None),
        ("-0", "0"),
        (".5", "0.5"),
        ("5.", "5"),
        (7, "7"),
        (-7, "-7"),
        (10**38 - 1, "9" * 38),
        (10**38, None),
        (-(10**38), None),
        (10**30_000, None),
        (Decimal("1.10"), "1.1"),
        (MOST, str(MOST)),
        (LEAST, str(LEAST)),
        (Decimal(10) ** 38, None),
        (Decimal(10) ** 37, "1" + "0" * 37),
        (ATTO, "0.000000000000000001"),
        (FINEST, "0." + "0" * 35 + "1"),
        (FINEST / 10, None),
        (Decimal("1." + "0" * 36 + "1"), None),
        (Decimal("1." + "0" * 36), "1"),
        (Decimal("1." + "0" * 100_000), "1"),
        ("1.50000000000000000000", "1.5"),
        ("1.5" + "0" * 50_000, "1.5"),
        ("0" * 50_000 + "1.5", "1.5"),
        ("1e2", "100"),
        ("10E-1", "1"),
        ("1" + "0" * 100 + "e-100", "1"),
        ("0." + "0" * 100 + "1e101", "1"),
        ("1e+000000000000000002", "100"),
        ("120000000000000000000000000000.5", "120000000000000000000000000000.5"),
        ("9" * 38 + "." + "9" * 37, None),
        ("1e38", None),
        ("1e-37", None),
        ("1e9999999999999999999", None),
        ("1E-999999", None),
        ("1e-9999999999999999999", None),
        ("1" * 10_000_000, None),
        ("1." + "0" * 10_000_000, None),
        (Decimal("1e-999999999999999"), None),
        (Decimal("1e+999999999999999"), None),
        (Decimal("0e+999999999999999"), "0"),
        (Decimal("0e-999999999999999"), "0"),
        (Decimal("-0.0"), "0"),
        (Decimal("NaN"), None),
        (Decimal("sNaN"), None),
        (Decimal("Infinity"), None),
        (0.1, None),
        (1.0, None),
        (float("nan"), None),
        (True, None),
        (None, None),
        (b"1", None),
        (Fraction(1, 2), None),
        (["1"], None),
    ],
)
def test_an_amount_is_taken_to_the_digit_or_refused(value, amount):
    if amount is None:
        with pytest.raises(ValueError, match=r"an amount (is|has)"):
            parse_amount(value)
    else:
        assert parse_amount(value) == Decimal(amount)
        assert f"{parse_amount(value):f}" == amount


@each_case(
    ("text", "free"),
    [
        ('"0.1"', "0.1"),
        ("1", "1"),
        ("0.1", None),
        ("1.0", None),
        ("1e2", None),
        ("NaN", None),
        ("Infinity", None),
        ("true", None),
        ("null", None),
        ('"0.1000000000000000000000"', "0.1"),
        ("1" + "0" * 38, None),
    ],
)
def test_money_in_json_is_a_string_or_an_integer(text, free):
    document = f'{{"asset": "USDT", "free": {text}}}'
    if free is None:
        with pytest.raises(ValidationError) as caught:
            AccountBalance.model_validate_json(document)
        assert "free" in str(caught.value) or "JSON" in str(caught.value)
    else:
        assert AccountBalance.model_validate_json(document).free == Decimal(free)


@given(amounts)
def test_an_amount_survives_json(amount):
    balance = AccountBalance(asset="USDT", free=amount.copy_abs(), locked=0)
    text = balance.model_dump_json()
    assert isinstance(json.loads(text)["free"], str)
    assert "E" not in json.loads(text)["free"]
    assert AccountBalance.model_validate_json(text) == balance


@given(amounts, amounts)
def test_sums_and_products_are_exact(left, right):
    with exact():
        product = left * right
    assert Fraction(product) == Fraction(left) * Fraction(right)
    assert Fraction(total([left, right])) == Fraction(left) + Fraction(right)
    assert total([left, left.copy_negate()]) == 0


@given(amounts, amounts)
def test_rounding_is_by_less_than_the_last_digit(left, right):
    with exact():
        product = left * right
        up, down = round_up(product), round_down(product)
        assert abs(down) <= abs(product) <= abs(up)
        assert abs(up) - abs(down) in (0, ATTO)
        assert (up * 10**18) % 1 == (down * 10**18) % 1 == 0


@given(amounts)
def test_equal_amounts_look_equal(amount):
    with exact():
        twin = amount + Decimal("0.000")
    assert str(canonical(amount)) == str(canonical(twin))


def test_the_callers_context_plays_no_part():
    with decimal.localcontext() as context:
        context.prec, context.rounding = 3, decimal.ROUND_CEILING
        context.traps[decimal.Inexact] = True
        assert str(parse_amount(str(MOST))) == str(MOST)
        assert total([MOST, -FINEST]) == Decimal(
            "99999999999999999999999999999999999999.999999999999999999999999999999999998"
        )
        assert round_down(MOST) == Decimal("99999999999999999999999999999999999999.999999999999999999")
        assert round_up(MOST) == Decimal(10**38)


@pytest.mark.parametrize("text", ["1E+3", "1.50", "100", "0.000000010", "1E-18", "-0E+5"])
def test_an_exponent_is_written_out_whatever_the_callers_context(text):
    number = Decimal(text)
    with decimal.localcontext(decimal.Context(prec=3, capitals=0)):
        assert str(canonical(number)) == str(round_up(number)) == str(round_down(number))
        shown = f"{canonical(number):f}"
    assert Decimal(shown) == number
    assert "." not in shown or not shown.endswith("0")
