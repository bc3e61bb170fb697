"""The fields of one JSON object of a payload: a refusal names the field by its path and keeps the payload's bytes."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any, TypeVar

from pydantic import ValidationError

from metacore.domain.values.amounts import parse_amount, round_down, round_up
from metacore.domain.values.frozen import FrozenDict
from metacore.domain.values.model import Model, invalid_data
from metacore.domain.values.text import MAX_KEY_LENGTH
from metacore.domain.values.times import from_milliseconds, parse_time
from metacore.errors import InvalidDataError

M = TypeVar("M", bound=Model)
T = TypeVar("T")

_FIRST_MILLISECOND, _LAST_MILLISECOND = 1_262_304_000_000, 253_402_300_799_999
"""Of the years 2010 and 9999. What is less than the first is a time in seconds."""

_LONG_FRACTION = re.compile(r"-?\d{1,38}\.\d{19,64}", re.ASCII)


class Fields:
    """One JSON object of a payload. None and empty text count as not told; of several names the first told one is read.

    `..._or_none` gives None for what is not told, the others refuse it. `source` is the payload's text, for errors.
    """

    def __init__(self, values: FrozenDict, source: bytes | None, path: str = "") -> None:
        self.values = values
        self.source = source
        self.path = path

    def error(self, name: str, message: str) -> InvalidDataError:
        """The refusal of the field `name`, to be raised."""
        return InvalidDataError(message, field=join(self.path, name), raw=self.source)

    def find(self, *names: str) -> tuple[str, Any]:
        """The name and the value of the first field that is told; the first name and None if none is."""
        for name in names:
            value = self.values.get(name)
            if value is not None and value != "":
                return name, value
        return names[0], None

    def require(self, *names: str) -> tuple[str, Any]:
        """Like `find`, refusing a payload that tells none of them."""
        name, value = self.find(*names)
        if value is None:
            raise self.error(name, f"{' or '.join(names)} is missing")
        return name, value

    def amount(self, *names: str) -> Decimal:
        """An amount of either sign."""
        name, value = self.require(*names)
        try:
            return parse_amount(value)
        except ValueError as error:
            raise self.error(name, str(error)) from None

    def non_negative(self, *names: str) -> Decimal:
        number = self.amount(*names)
        if number < 0:
            raise self.error(self.find(*names)[0], "must not be negative")
        return number

    def non_negative_or_none(self, *names: str) -> Decimal | None:
        return None if self.find(*names)[1] is None else self.non_negative(*names)

    def positive(self, *names: str) -> Decimal:
        number = self.non_negative(*names)
        if not number:
            raise self.error(self.find(*names)[0], "must be greater than zero")
        return number

    def positive_or_none(self, *names: str) -> Decimal | None:
        """An amount of which zero, too, says that there is none."""
        return self.non_negative_or_none(*names) or None

    def commission(self, *names: str) -> Decimal:
        """What a trade cost; negative for a rebate.

        The exchange tells commissions with more decimals than the 18 that money moves by, and not with the same ones
        everywhere: they are rounded here as money is, a cost up, a credit down. No other amount is ever rounded.
        """
        value = self.require(*names)[1]
        text = f"{value:f}" if isinstance(value, Decimal) else value
        if not isinstance(text, str) or not _LONG_FRACTION.fullmatch(text):
            return self.amount(*names)
        number = Decimal(text)
        return round_up(number) if number > 0 else round_down(number)

    def time(self, *names: str) -> datetime:
        """A time in milliseconds since 1970; before 2010 it would be one in seconds, and is refused."""
        name, value = self.require(*names)
        if isinstance(value, str) and value.isascii() and value.isdigit() and len(value) <= 15:
            value = int(value)
        if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value <= _LAST_MILLISECOND:
            raise self.error(name, "a time is a whole number of milliseconds since 1970")
        if value < _FIRST_MILLISECOND:
            raise self.error(name, "a time before 2010 is not one in milliseconds; is it in seconds?")
        return from_milliseconds(value)

    def time_or_none(self, *names: str) -> datetime | None:
        return None if self.find(*names)[1] is None else self.time(*names)

    def time_or_default(self, default: datetime | None, parameter: str, *names: str) -> datetime:
        """The time that the payload tells, else the one that the caller gave as `parameter`."""
        of_payload = self.time_or_none(*names)
        if of_payload is not None:
            return of_payload
        if default is None:
            raise self.error(names[0], f"the exchange tells no time here; pass {parameter}")
        try:
            return parse_time(default)
        except ValueError as error:
            raise InvalidDataError(str(error), field=parameter, raw=self.source) from None

    def key(self, *names: str) -> str:
        """A text of 1 to 255 characters; an integer is read as its digits, for ids that come as either."""
        name, value = self.require(*names)
        text = _digits(value)
        if not isinstance(text, str) or len(text) > MAX_KEY_LENGTH:
            raise self.error(name, f"must be text of 1 to {MAX_KEY_LENGTH} characters, or an integer")
        return text

    def key_or_none(self, *names: str) -> str | None:
        return None if self.find(*names)[1] is None else self.key(*names)

    def choice(self, table: Mapping[str, T], *names: str) -> T:
        """What `table` says of the field's text or integer; what it does not know is refused."""
        name, value = self.require(*names)
        known = _digits(value)
        if not isinstance(known, str) or known not in table:
            raise self.error(name, f"is none of the known values: {', '.join(table)}")
        return table[known]

    def choice_or_none(self, table: Mapping[str, T], *names: str) -> T | None:
        return None if self.find(*names)[1] is None else self.choice(table, *names)

    def flag(self, *names: str) -> bool:
        """True or false, also told as 1 or 0."""
        name, value = self.require(*names)
        if not isinstance(value, int) or value not in (0, 1):
            raise self.error(name, "must be true or false, or 1 or 0")
        return bool(value)

    def flag_or_none(self, *names: str) -> bool | None:
        return None if self.find(*names)[1] is None else self.flag(*names)

    def nested(self, name: str) -> Fields:
        """The JSON object in the field `name`."""
        return self._nested(name, self.require(name)[1])

    def nested_list(self, name: str) -> list[Fields]:
        """The JSON objects of the list in the field `name`."""
        return [self.nested_item(name, index) for index in range(len(self.items(name)))]

    def nested_item(self, name: str, index: int) -> Fields:
        """The JSON object at `index` of the list in the field `name`."""
        return self._nested(join(name, str(index)), self.items(name)[index])

    def items(self, name: str) -> tuple[Any, ...]:
        """The items of the list in the field `name`."""
        value = self.require(name)[1]
        if not isinstance(value, tuple):
            raise self.error(name, "must be a list")
        return value

    def build(self, model: type[M], values: Mapping[str, Any], *, within: str = "") -> M:
        """`model(**values)`; what the model refuses is refused at the path `within`."""
        try:
            return model(**values)
        except ValidationError as error:
            raise invalid_data(error, within=join(self.path, within), raw=self.source) from None

    def _nested(self, name: str, value: object) -> Fields:
        if not isinstance(value, FrozenDict):
            raise self.error(name, "must be a JSON object")
        return Fields(value, self.source, join(self.path, name))


def join(path: str, name: str) -> str:
    """The path of the field `name` in what lies at `path`."""
    return f"{path}.{name}" if path and name else path or name


def _digits(value: object) -> object:
    if isinstance(value, Decimal) and value.as_tuple().exponent == 0:
        return f"{value:f}"  # an integer of more than 64 bits
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else value
