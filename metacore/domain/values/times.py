"""Points in time: aware, in UTC, to the microsecond."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any

from pydantic import GetCoreSchemaHandler, PlainSerializer
from pydantic_core import core_schema

from metacore.errors import ConfigurationError, InvalidDataError

Clock = Callable[[], datetime]

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_ISO = re.compile(r"\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d(:\d\d(\.\d{1,6})?)?([Zz]|[+-]\d\d:?\d\d)", re.ASCII)


def parse_time(value: object) -> datetime:
    """The point in time that `value` says, in UTC.

    Takes an aware datetime or ISO 8601 text with an offset; naive times, bare numbers and digits beyond the microsecond
    are a ValueError.
    """
    if isinstance(value, str):
        if not _ISO.fullmatch(value):
            raise ValueError("a time is ISO 8601 text with an offset, such as '2026-01-31T12:00:00Z'")
        value = datetime.fromisoformat(value.upper())
    if not isinstance(value, datetime):
        raise ValueError("a time is an aware datetime or ISO 8601 text, never a bare number")
    if value.tzinfo is UTC:
        return value
    if value.utcoffset() is None:
        raise ValueError("a time carries its offset; a naive datetime does not say which moment it means")
    try:
        return value.astimezone(UTC)
    except OverflowError:
        raise ValueError("a time lies between the years 1 and 9999 in UTC") from None


def read_clock(clock: Clock) -> datetime:
    """The time in UTC that `clock` gives; ConfigurationError if it gives none."""
    reading = clock()
    try:
        return parse_time(reading)
    except ValueError as error:
        raise ConfigurationError(f"the clock gives no time: {error}", setting="clock") from None


def require_time(name: str, value: object) -> datetime:
    """The point in time that `value`, an aware datetime, is in UTC; else InvalidDataError names the argument."""
    try:
        if isinstance(value, datetime):
            return parse_time(value)
        raise ValueError("a time is an aware datetime")
    except ValueError as error:
        raise InvalidDataError(str(error), field=name) from None


AHEAD = timedelta(minutes=5)
"""How far a time that is told may lie after the clock: clocks differ."""


def require_possible(moment: datetime, now: datetime, field: str) -> None:
    """InvalidDataError, naming `field`, if `moment` is so far after `now` that it cannot have happened."""
    if moment - now > AHEAD:
        raise InvalidDataError(
            f"{moment.isoformat()} is more than 5 minutes after the storage's clock; correct it, or the clock",
            field=field,
        )


def from_milliseconds(value: int) -> datetime:
    """The point in time `value` milliseconds after 1970-01-01 UTC, without a float in between."""
    return _EPOCH + timedelta(milliseconds=value)


class _TimeSchema:
    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> core_schema.CoreSchema:
        return core_schema.no_info_plain_validator_function(parse_time)

    def __get_pydantic_json_schema__(self, schema: Any, handler: Any) -> dict[str, Any]:
        return {"type": "string", "format": "date-time"}


def iso(value: datetime) -> str:
    """A time in UTC as ISO 8601 text."""
    return value.isoformat().replace("+00:00", "Z")


Time = Annotated[datetime, _TimeSchema(), PlainSerializer(iso, return_type=str, when_used="json")]
"""An aware datetime in UTC; in JSON ISO 8601 text."""
