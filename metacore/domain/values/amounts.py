"""Amounts: money and quantities as exact decimals."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager
from decimal import (
    ROUND_DOWN,
    ROUND_HALF_EVEN,
    ROUND_UP,
    Context,
    Decimal,
    DecimalException,
    DivisionByZero,
    Inexact,
    InvalidOperation,
    Overflow,
    localcontext,
)
from functools import reduce
from typing import Annotated, Any

from pydantic import AfterValidator, GetCoreSchemaHandler, PlainSerializer, PlainValidator
from pydantic_core import core_schema

WHOLE_DIGITS = 38
DECIMAL_PLACES = 36
COMPUTED_PLACES = 18
ATTO = Decimal(1).scaleb(-COMPUTED_PLACES)
ZERO = Decimal(0)
_ONE = Decimal(1)
_FINEST = Decimal(1).scaleb(-DECIMAL_PLACES)
LIMIT = Decimal(10) ** WHOLE_DIGITS
_LIMIT = 10**WHOLE_DIGITS
MAX_TEXT = 65_536
"""How many characters the text of an amount has at most, trailing zeros included."""

TOO_LARGE = f"at most {WHOLE_DIGITS} digits before the point"
TOO_FINE = f"at most {DECIMAL_PLACES} digits after the point"


def _context(digits: int, *traps: type[DecimalException], rounding: str = ROUND_HALF_EVEN) -> Context:
    traps = (InvalidOperation, DivisionByZero, Overflow, *traps)
    return Context(digits, rounding, Emin=-999, Emax=999, capitals=1, clamp=0, flags=[], traps=[*traps])


# A product of two amounts has 148 digits; the rest is room for the sum of as many as one likes.
_CONTEXT = _context(256)
_normalized = _CONTEXT.normalize
_quantized = _CONTEXT.quantize
_quantized_up = _context(256, rounding=ROUND_UP).quantize
_quantized_down = _context(256, rounding=ROUND_DOWN).quantize
_SUM_CONTEXT = _context(256, Inexact)
_AMOUNT_CONTEXT = _context(WHOLE_DIGITS + DECIMAL_PLACES, Inexact)
_WHOLE = rf"-?(?:0|[1-9]\d{{0,{WHOLE_DIGITS - 1}}})"
_PLAIN = re.compile(rf"{_WHOLE}(?:\.\d{{1,{DECIMAL_PLACES}}})?", re.ASCII)
_CANONICAL = re.compile(rf"{_WHOLE}(?:\.\d{{0,{DECIMAL_PLACES - 1}}}[1-9])?", re.ASCII)
_NUMBER = re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?0{0,99}\d{1,6})?", re.ASCII)


def exact() -> AbstractContextManager[Context]:
    """A decimal context wide enough that sums and products of amounts are exact (Python's default is not)."""
    return localcontext(_CONTEXT)


def parse_amount(value: object) -> Decimal:
    """The amount that `value` says, exactly: at most 38 digits before the point and 36 after it.

    Takes a Decimal, an integer or a decimal string; anything else, NaN, Infinity and more digits are a ValueError.
    Digits are counted by value: zeros at either end, and how an exponent is written, count for nothing. The result is
    in canonical form: no exponent, no trailing zeros, no negative zero.
    """
    if type(value) is Decimal:
        if _CANONICAL.fullmatch(str(value)):
            return value or ZERO
        number = value
    elif isinstance(value, str):
        if _PLAIN.fullmatch(value):
            # Without the zeros at its end it is canonical, and arithmetic would cost more than reading it.
            return Decimal(value.rstrip("0").rstrip(".") if "." in value else value) or ZERO
        number = _read(value)
    elif isinstance(value, Decimal):
        number = Decimal(value)
    elif isinstance(value, int) and not isinstance(value, bool):
        if not -_LIMIT < value < _LIMIT:
            raise ValueError(f"an amount has {TOO_LARGE}")
        number = Decimal(value)
    elif isinstance(value, float):
        raise ValueError("an amount is never a float; pass a Decimal, an int or a string")
    else:
        raise ValueError("an amount is a Decimal, an int or a string")
    if not number.is_finite():
        raise ValueError("an amount is a finite number")
    if not number:
        return ZERO
    try:
        return canonical(number.quantize(_FINEST, context=_AMOUNT_CONTEXT))
    except Inexact:
        raise ValueError(f"an amount has {TOO_FINE}") from None
    except InvalidOperation:
        raise ValueError(f"an amount has {TOO_LARGE if number.adjusted() >= WHOLE_DIGITS else TOO_FINE}") from None


def _read(text: str) -> Decimal:
    if len(text) > MAX_TEXT:
        raise ValueError(f"an amount is text of at most {MAX_TEXT} characters")
    if not _NUMBER.fullmatch(text):
        raise ValueError("an amount is a plain decimal number such as '0.015'")
    return Decimal(text)


def canonical(number: Decimal) -> Decimal:
    """`number` without exponent, trailing zeros and negative zero: equal amounts look equal."""
    if not number:
        return ZERO
    stripped = _normalized(number)
    # The text of a number shows a plus only in a positive exponent; asking `as_tuple()` costs five times as much.
    if "+" not in str(stripped):
        return stripped
    return number if number.same_quantum(_ONE) else _quantized(stripped, _ONE)


def round_up(number: Decimal) -> Decimal:
    """`number` at 18 places, away from zero: what somebody must pay or hold."""
    return canonical(_quantized_up(number, ATTO))


def round_down(number: Decimal) -> Decimal:
    """`number` at 18 places, towards zero: what somebody receives."""
    return canonical(_quantized_down(number, ATTO))


product: Callable[[Decimal, Decimal], Decimal] = _CONTEXT.multiply
"""The exact product of two."""

addition: Callable[[Decimal, Decimal], Decimal] = _CONTEXT.add
"""The exact sum of two."""

difference: Callable[[Decimal, Decimal], Decimal] = _CONTEXT.subtract
"""The exact difference of two."""


def is_small(first: Decimal, second: Decimal) -> bool:
    """Whether the mere sizes of two tell that their product is no more than an amount can be, rounded up too."""
    return first.adjusted() + second.adjusted() + 2 < WHOLE_DIGITS


def total(numbers: Iterable[Decimal]) -> Decimal:
    """The exact sum."""
    return canonical(reduce(addition, numbers, ZERO))


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


def parse_sum(value: object) -> Decimal:
    """The number that a Decimal or a decimal string says, exactly, of as many digits as a sum or a product may have."""
    number = _read(value) if isinstance(value, str) else value
    if not isinstance(number, Decimal):
        raise ValueError("must be an exact decimal number, as a Decimal or a string")
    if not number.is_finite() or abs(number.adjusted()) >= _CONTEXT.prec:
        raise ValueError("must be a finite number that amounts can add up or multiply to")
    try:
        return canonical(number.normalize(_SUM_CONTEXT))
    except Inexact:
        raise ValueError("must have no more digits than amounts can add up or multiply to") from None


Amount = Annotated[Decimal, _AmountSchema(), PlainSerializer(_plain, return_type=str, when_used="json")]
"""An exact decimal; in JSON a string (an integer is read too)."""

NonNegativeAmount = Annotated[Amount, AfterValidator(_not_negative)]
"""An amount from 0 on."""

PositiveAmount = Annotated[Amount, AfterValidator(_positive)]
"""An amount above 0."""

Sum = Annotated[Decimal, PlainValidator(parse_sum), PlainSerializer(_plain, return_type=str, when_used="json")]
"""What amounts add up or multiply to: exact, of more digits than an amount has; in JSON a string."""
