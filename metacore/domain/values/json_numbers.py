"""Numbers with a point in JSON: exact, and bounded."""

from __future__ import annotations

from decimal import Decimal, InvalidOperation

MAX_NUMBER = 1_000
"""How many characters a number in JSON has at most."""

_UNBOUNDED = "a number in JSON is finite, with an exponent below 1000"


def parse_number(text: str) -> Decimal:
    """The number of JSON that `text` says; ValueError if it is too long or its exponent too large."""
    if len(text) > MAX_NUMBER:
        raise ValueError(f"a number in JSON has at most {MAX_NUMBER:,} characters")
    try:
        return bounded(Decimal(text))
    except InvalidOperation:
        raise ValueError(_UNBOUNDED) from None


def bounded(number: Decimal) -> Decimal:
    """`number`; ValueError if it is too long, or its exponent too large."""
    if not number.is_finite() or not -1000 < number.adjusted() < 1000:
        raise ValueError(_UNBOUNDED)
    if len(str(number)) > MAX_NUMBER:
        raise ValueError(f"a number in JSON has at most {MAX_NUMBER:,} characters")
    return number


class ExactFloat(float):
    """A number with a point as JSON wrote it, for what reads floats and for what reads exactly."""

    text: str

    def __new__(cls, text: str) -> ExactFloat:
        number = super().__new__(cls, text)
        number.text = text
        return number


def number_text(number: Decimal) -> str:
    """The text of `number` in JSON: with a point, or an exponent."""
    text = str(number)
    return text if any(mark in text for mark in ".Ee") else text + ".0"
