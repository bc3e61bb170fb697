"""JSON values that cannot change."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from decimal import Decimal
from typing import Annotated, Any, NoReturn

from pydantic import GetCoreSchemaHandler, PlainSerializer
from pydantic_core import core_schema

from metacore.domain.values.json_numbers import ExactFloat, bounded, number_text, parse_number
from metacore.domain.values.text import parse_text

MAX_DEPTH = 64


class FrozenDict(dict[str, Any]):
    """A read-only mapping: equal to a dict of the same items, hashable where its values are, picklable."""

    __slots__ = ()

    def _refuse(self, *_: Any, **__: Any) -> NoReturn:
        raise TypeError("this mapping is read-only; build a new one")

    __setitem__ = __delitem__ = clear = pop = popitem = __ior__ = _refuse
    setdefault = update = _refuse  # pyright: ignore[reportAssignmentType]  # overloads, none of which comes back

    def __hash__(self) -> int:  # type: ignore[override]
        return hash(frozenset(self.items()))

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (dict(self),)

    def __copy__(self) -> FrozenDict:
        return self

    def __deepcopy__(self, memo: dict[int, Any]) -> FrozenDict:
        return self

    def copy(self) -> dict[str, Any]:
        """A dict of the same items that may be changed."""
        return dict(self)


def freeze_json(value: object, depth: int = 0) -> Any:
    """`value` as JSON that cannot change: mappings read-only, lists as tuples, numbers with a point as exact Decimals.

    A ValueError for what JSON or a backend cannot hold: NaN, Infinity, integers beyond 64 bits, NUL, lone surrogates,
    keys that are not text, nesting deeper than 64 levels, other types.
    """
    if type(value) is str:
        return parse_text(value)
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, str):
        return parse_text(str(value))
    if isinstance(value, int):
        if not -(2**63) <= value < 2**63:
            raise ValueError("an integer in JSON fits 64 bits")
        return int(value)
    if isinstance(value, float):
        return parse_number(value.text if isinstance(value, ExactFloat) else repr(value))
    if isinstance(value, Decimal):
        return bounded(value)
    if depth >= MAX_DEPTH:
        raise ValueError(f"JSON is nested at most {MAX_DEPTH} levels deep")
    if type(value) is dict or isinstance(value, Mapping):
        items = {}
        for key, item in value.items():
            if not isinstance(key, str):
                raise ValueError("a key in JSON is text")
            items[parse_text(key)] = freeze_json(item, depth + 1)
        return FrozenDict(items)
    if isinstance(value, list | tuple):
        return tuple(freeze_json(item, depth + 1) for item in value)
    raise ValueError(f"{type(value).__name__} is not a JSON value")


class _FrozenJsonSchema:
    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> core_schema.CoreSchema:
        return core_schema.no_info_plain_validator_function(_freeze_mapping)

    def __get_pydantic_json_schema__(self, schema: Any, handler: Any) -> dict[str, Any]:
        return {"type": "object"}


def _freeze_mapping(value: object) -> FrozenDict:
    if not isinstance(value, Mapping):
        raise ValueError("must be a JSON object")
    frozen: FrozenDict = freeze_json(value)
    return frozen


_exact_numbers = ContextVar("exact_numbers", default=False)
_MARK = "\0"
"""What no text of a model holds begins a number that pydantic, which writes numbers as floats, has to write."""

_MARKED = re.compile(r'"\\u0000([^"]+)"')


@contextmanager
def exact_numbers() -> Iterator[None]:
    """While it lasts, pydantic writes the numbers of frozen JSON for `unmark_numbers` to make exact."""
    token = _exact_numbers.set(True)
    try:
        yield
    finally:
        _exact_numbers.reset(token)


def unmark_numbers(text: str) -> str:
    """The JSON text that pydantic wrote within `exact_numbers`, with the numbers as they are."""
    return _MARKED.sub(r"\1", text)


def thaw_json(value: Any) -> Any:
    """Frozen JSON as dicts, lists and floats, with the text of numbers that no float is equal to."""
    if isinstance(value, Decimal):
        text = number_text(value)
        if _exact_numbers.get():
            return _MARK + text
        number = float(value)
        return number if Decimal(repr(number)) == value else text
    if isinstance(value, Mapping):
        return {key: thaw_json(item) for key, item in value.items()}
    return [thaw_json(item) for item in value] if isinstance(value, tuple) else value


FrozenJson = Annotated[Mapping[str, Any], _FrozenJsonSchema(), PlainSerializer(thaw_json, when_used="json")]
"""A JSON object: any mapping goes in, a `FrozenDict`, frozen all the way down, comes out."""
