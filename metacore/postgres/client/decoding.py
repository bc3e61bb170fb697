"""Rows to models: columns are named as fields."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from enum import StrEnum
from functools import partial
from itertools import repeat
from typing import Any, Generic, TypeVar

from metacore.domain.values.model import Model, exhaust, unchecked_maker, unchecked_makers

M = TypeVar("M", bound=Model)

_FEW = 8
"""Up to so many rows are decoded one by one."""


class Decoder(Generic[M]):
    """One model and its columns, which are the model's fields in their order.

    `decoders` turn what psycopg loads (text, numbers, UUIDs, times) into what the field holds.
    """

    def __init__(self, model: type[M], decoders: Mapping[str, Callable[[Any], Any]]) -> None:
        self.columns = tuple(model.model_fields)
        self._make, self._make_all = unchecked_maker(model, self.columns), unchecked_makers(model, self.columns)
        self._decoders = tuple((name, _of_value(decoder)) for name, decoder in decoders.items())
        self._places = tuple((self.columns.index(name), _of_column(decoder)) for name, decoder in decoders.items())
        self._empty: dict[str, Any] = dict.fromkeys(self.columns)

    def decode(self, row: Sequence[Any]) -> M:
        """The model that `row`, with the columns in their order, holds."""
        values = dict(zip(self.columns, row, strict=True))
        for name, decoder in self._decoders:
            if (value := values[name]) is not None:
                values[name] = decoder(value)
        return self._make(values)

    def decode_all(self, rows: Iterable[Sequence[Any]]) -> tuple[M, ...]:
        """The models that `rows` hold."""
        rows = list(rows)
        if len(rows) <= _FEW:
            return tuple(map(self.decode, rows))
        columns: list[Iterable[Any]] = list(zip(*rows, strict=True))
        for place, decoder in self._places:
            columns[place] = decoder(columns[place])
        # A copy has the room already that a new dictionary would have to grow to.
        values = [self._empty.copy() for _ in rows]
        exhaust(map(dict.update, values, map(zip, repeat(self.columns), zip(*columns, strict=True))))
        return tuple(self._make_all(values))


def _members(decoder: Callable[[Any], Any]) -> dict[Any, Any] | None:
    """The members of an enum by their values, None for None too: to look one up takes a tenth of calling the enum."""
    if isinstance(decoder, type) and issubclass(decoder, StrEnum):
        return {None: None} | {member.value: member for member in list(decoder)}
    return None


def _of_value(decoder: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """What decodes one value."""
    members = _members(decoder)
    return decoder if members is None else members.__getitem__


def _of_column(decoder: Callable[[Any], Any]) -> Callable[[Any], Iterable[Any]]:
    """What decodes all values of a column, None among them."""
    members = _members(decoder)
    if members is not None:
        return partial(map, members.__getitem__)

    def decoded(column: tuple[Any, ...]) -> Iterable[Any]:
        if column.count(None) == len(column):
            return column
        return [None if value is None else decoder(value) for value in column]

    return decoded
