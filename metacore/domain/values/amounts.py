"""Amounts: money and quantities as exact decimals."""

from __future__ import annotations

import re
from collections.abc import Iterable
from contextlib import AbstractContextManager
from decimal import (
    ROUND_DOWN,
    ROUND_HALF_EVEN,
    ROUND_UP,
    Context,
    Decimal,
    DivisionByZero,
    InvalidOperation,
    Overflow,
    localcontext,
)
from typing import Annotated, Any

from pydantic import AfterValidator, GetCoreSchemaHandler, PlainSerializer
from pydantic_core import core_schema

WHOLE_DIGITS = 20
DECIMAL_PLACES = 18
ATTO = Decimal(1).scaleb(-DECIMAL_PLACES)
ZERO = Decimal(0)
_ONE = Decimal(1)
LIMIT = Decimal(10) ** WHOLE_DIGITS

_CONTEXT = Context(
    prec=120,
    rounding=ROUND_HALF_EVEN,
    Emin=-999,
    Emax=999,
    capitals=1,
    clamp=0,
    flags=[],
    traps=[InvalidOperation, DivisionByZero, Overflow],
)
_NUMBER = re.compile(r"[+-]?(\d{1,64}(\.\d{0,64})?|\.\d{1,64})([eE][+-]?\d{1,3})?", re.ASCII)


def exact() -> AbstractContextManager[Context]:
    """A decimal context wide enough that sums and products of amounts are exact (Python's default is not)."""
    return localcontext(_CONTEXT)


def parse_amount(value: object) -> Decimal:
    """The amount that `value` says, exactly: at most 20 digits before the point and 18 after it.

    Takes a Decimal, an integer or a decimal string; anything else, NaN, Infinity and more digits are a ValueError.
    The result is in canonical form: no exponent, no trailing zeros, no negative zero.
    """
    if type(value) is Decimal:
        number = value
    elif isinstance(value, Decimal):
        number = Decimal(value)
    elif isinstance(value, str):
        if not _NUMBER.fullmatch(value):
            raise ValueError("an amount is a plain decimal number such as '0.015'")
        number = Decimal(value)
    elif isinstance(value, int) and not isinstance(value, bool):
        if abs(value) >= 10**WHOLE_DIGITS:
            raise ValueError(f"an amount has at most {WHOLE_DIGITS} digits before the point")
        number = Decimal(value)
    elif isinstance(value, float):
        raise ValueError("an amount is never a float; pass a Decimal, an int or a string")
    else:
        raise ValueError("an amount is a Decimal, an int or a string")
    if not number.is_finite():
        raise ValueError("an amount is a finite number")
    exponent = number.as_tuple().exponent
    if not isinstance(exponent, int) or exponent < -DECIMAL_PLACES:
        raise ValueError(f"an amount has at most {DECIMAL_PLACES} digits after the point")
    if number.adjusted() >= WHOLE_DIGITS and number:
        raise ValueError(f"an amount has at most {WHOLE_DIGITS} digits before the point")
    return canonical(number)


def canonical(number: Decimal) -> Decimal:
    """`number` without exponent, trailing zeros and negative zero: equal amounts look equal."""
    if not number:
        return ZERO
    stripped = number.normalize(_CONTEXT)
    # The text of a number shows a plus only in a positive exponent; asking `as_tuple()` costs five times as much.
    if "+" not in str(stripped):
        return stripped
    return number if number.same_quantum(_ONE) else stripped.quantize(_ONE, context=_CONTEXT)


def round_up(number: Decimal) -> Decimal:
    """`number` at 18 places, away from zero: what somebody must pay or hold."""
    return canonical(number.quantize(ATTO, ROUND_UP, context=_CONTEXT))


def round_down(number: Decimal) -> Decimal:
    """`number` at 18 places, towards zero: what somebody receives."""
    return canonical(number.quantize(ATTO, ROUND_DOWN, context=_CONTEXT))


def product(first: Decimal, second: Decimal) -> Decimal:
    """The exact product."""
    return _CONTEXT.multiply(first, second)


def addition(first: Decimal, second: Decimal) -> Decimal:
    """The exact sum of two."""
    return _CONTEXT.add(first, second)


def difference(first: Decimal, second: Decimal) -> Decimal:
    """The exact difference."""
    return _CONTEXT.subtract(first, second)


def total(numbers: Iterable[Decimal]) -> Decimal:
    """The exact sum."""
    with exact():
        return canonical(sum(numbers, ZERO))


def _not_negative(value: Decimal) -> Decimal:
    if value < 0:
        raise ValueError("must not be negative")
    return value


def _positive(value: Decimal) -> Decimal:
    if value <= 0:
        raise ValueError("must be greater than zero")
    return value


class _AmountSchema:
    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> core_schema.CoreSchema:
        return core_schema.no_info_plain_validator_function(parse_amount)

    def __get_pydantic_json_schema__(self, schema: Any, handler: Any) -> dict[str, Any]:
        return {"type": "string", "format": "decimal"}


def _plain(value: Decimal) -> str:
    return f"{value:f}"


Amount = Annotated[Decimal, _AmountSchema(), PlainSerializer(_plain, return_type=str, when_used="json")]
"""An exact decimal; in JSON a string (an integer is read too)."""

NonNegativeAmount = Annotated[Amount, AfterValidator(_not_negative)]
PositiveAmount = Annotated[Amount, AfterValidator(_positive)]
