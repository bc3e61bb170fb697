"""Texts and whole numbers that every backend stores and returns unchanged."""

from __future__ import annotations

from typing import Annotated

from pydantic import AfterValidator, Field, StringConstraints

from metacore.errors import InvalidDataError

MAX_KEY_LENGTH = 255
LEAST_INTEGER, GREATEST_INTEGER = -(2**63), 2**63 - 1


def parse_text(value: str) -> str:
    """`value` itself; a ValueError if it holds NUL or a lone surrogate, which PostgreSQL cannot store."""
    if "\0" in value:
        raise ValueError("text must not contain NUL")
    if not value.isascii():
        try:
            value.encode()
        except UnicodeEncodeError:
            raise ValueError("text must not contain lone surrogates") from None
    return value


def require_text(**arguments: str | None) -> None:
    """Return if every argument of an operation is text that can be stored, or None; else InvalidDataError names it."""
    for name, value in arguments.items():
        if value is None:
            continue
        if not isinstance(value, str):
            raise InvalidDataError(f"text is wanted, not {type(value).__name__}", field=name)
        try:
            parse_text(value)
        except ValueError as error:
            raise InvalidDataError(str(error), field=name) from None


def require_key(**arguments: str | None) -> None:
    """Return if every argument of an operation is text of 1 to 255 characters; else InvalidDataError names it."""
    for name, value in arguments.items():
        if not isinstance(value, str) or not 1 <= len(value) <= MAX_KEY_LENGTH:
            raise InvalidDataError(f"a key is text of 1 to {MAX_KEY_LENGTH} characters", field=name)
    require_text(**arguments)


def require_integer(**arguments: int | None) -> None:
    """Return if every argument of an operation is an integer of 64 bits, or None; else InvalidDataError names it."""
    for name, value in arguments.items():
        if value is None:
            continue
        if isinstance(value, bool) or not isinstance(value, int):
            raise InvalidDataError(f"an integer is wanted, not {type(value).__name__}", field=name)
        if not LEAST_INTEGER <= value <= GREATEST_INTEGER:
            raise InvalidDataError("an integer fits 64 bits", field=name)


def require_seq(least: int = 1, **arguments: int | None) -> None:
    """Return if every argument of an operation is a seq, from `least` on; else InvalidDataError names it."""
    require_integer(**arguments)
    for name, value in arguments.items():
        if value is None or value < least:
            raise InvalidDataError(f"it is a whole number from {least} on", field=name)


Text = Annotated[str, StringConstraints(strict=True), AfterValidator(parse_text)]
"""Any text without NUL and lone surrogates."""

Key = Annotated[
    str, StringConstraints(strict=True, min_length=1, max_length=MAX_KEY_LENGTH), AfterValidator(parse_text)
]
"""Text by which something is found: 1 to 255 characters, ordered by code point."""

Integer = Annotated[int, Field(strict=True, ge=LEAST_INTEGER, le=GREATEST_INTEGER)]
"""A whole number of 64 bits."""
