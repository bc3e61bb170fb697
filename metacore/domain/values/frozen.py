"""JSON values that cannot change, and their exact text."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from decimal import Decimal, InvalidOperation
from typing import Annotated, Any, NoReturn

from pydantic import GetCoreSchemaHandler, PlainSerializer
from pydantic_core import core_schema

from metacore.domain.values.text import parse_text

MAX_DEPTH = 64
MAX_NUMBER = 1_000
"""How many characters a number in JSON has at most."""


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


class WrittenJson(FrozenDict):
    """A read-only mapping that keeps its JSON `text`, made when it was looked at, until it is sent."""

    __slots__ = ("text",)

    text: str

    def __reduce__(self) -> tuple[Any, ...]:
        return FrozenDict, (dict(self),)

    @classmethod
    def of(cls, value: Mapping[str, Any]) -> WrittenJson:
        """`value`, with its text."""
        written = cls(value)
        written.text = dump_json(value)
        return written


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
        return _bounded(value)
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


def parse_number(text: str) -> Decimal:
    """The number of JSON that `text` says; ValueError if it is too long or its exponent too large."""
    if len(text) > MAX_NUMBER:
        raise ValueError(f"a number in JSON has at most {MAX_NUMBER:,} characters")
    try:
        return _bounded(Decimal(text))
    except InvalidOperation:
        raise ValueError(_UNBOUNDED) from None


def _bounded(number: Decimal) -> Decimal:
    if not number.is_finite() or not -1000 < number.adjusted() < 1000:
        raise ValueError(_UNBOUNDED)
    if len(str(number)) > MAX_NUMBER:
        raise ValueError(f"a number in JSON has at most {MAX_NUMBER:,} characters")
    return number


_UNBOUNDED = "a number in JSON is finite, with an exponent below 1000"


class ExactFloat(float):
    """A number with a point as JSON wrote it, for what reads floats and for what reads exactly."""

    text: str

    def __new__(cls, text: str) -> ExactFloat:
        number = super().__new__(cls, text)
        number.text = text
        return number


def load_exactly(text: str | bytes | bytearray) -> Any:
    """The JSON value that `text` says, numbers with a point as ExactFloats; ValueError if it says none."""
    return _read(_EXACTLY, text if isinstance(text, str) else text.decode("utf-8"))


def load_strictly(text: str) -> Any:
    """The same of what RFC 8259 knows alone: ValueError also for NaN and Infinity, and for a key twice in an object."""
    return _read(_STRICTLY, text)


def _read(decoder: json.JSONDecoder, text: str) -> Any:
    # `json.loads` knows what to say of a byte order mark.
    return json.loads(text) if text.startswith("\ufeff") else decoder.decode(text)


def refuse_constant(name: str) -> NoReturn:
    """ValueError for NaN or Infinity, which Python reads as numbers."""
    raise ValueError(f"not JSON: {name} is no number")


def once_each(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """The object of these pairs; ValueError if it has a key twice."""
    value = dict(pairs)
    if len(value) < len(pairs):
        raise ValueError("a JSON object has a key twice, of which one would be lost")
    return value


# Made once: making one takes as long as reading a short text.
_EXACTLY = json.JSONDecoder(parse_float=ExactFloat)
_STRICTLY = json.JSONDecoder(parse_float=ExactFloat, parse_constant=refuse_constant, object_pairs_hook=once_each)
_ENCODER = json.JSONEncoder(ensure_ascii=False, allow_nan=False, separators=(",", ":"))


def dump_json(value: Any) -> str:
    """The JSON text of `value`, Decimals as the numbers they are."""
    try:
        return _ENCODER.encode(value)
    except TypeError:
        return _dump_exactly(value)


def json_text(value: Mapping[str, Any] | str) -> str:
    """The JSON text of a mapping, which it may keep; of one that is written already, that text."""
    if type(value) is str:
        return value
    if not value:
        return "{}"
    return value.text if type(value) is WrittenJson else dump_json(value)


def _dump_exactly(value: Any) -> str:
    if isinstance(value, Decimal):
        return _number_text(value)
    if isinstance(value, Mapping):
        return "{" + ",".join(f"{dump_json(str(key))}:{_dump_exactly(item)}" for key, item in value.items()) + "}"
    if isinstance(value, list | tuple):
        return "[" + ",".join(_dump_exactly(item) for item in value) + "]"
    return _ENCODER.encode(value)


def load_frozen_json(text: str | bytes) -> Any:
    """The JSON value of text that `dump_json` wrote: frozen, without checking it again."""
    if text == "{}":
        return FrozenDict()
    value, _ = _DECODER.raw_decode((text if isinstance(text, str) else text.decode()).lstrip())
    return _frozen_member(value)


def _frozen_object(members: dict[str, Any]) -> FrozenDict:
    for key, member in members.items():
        if type(member) is list:
            members[key] = _frozen_member(member)
    return FrozenDict(members)


def _frozen_member(value: Any) -> Any:
    return tuple(map(_frozen_member, value)) if type(value) is list else value


_DECODER = json.JSONDecoder(parse_float=Decimal, object_hook=_frozen_object)


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
        text = _number_text(value)
        if _exact_numbers.get():
            return _MARK + text
        number = float(value)
        return number if Decimal(repr(number)) == value else text
    if isinstance(value, Mapping):
        return {key: thaw_json(item) for key, item in value.items()}
    return [thaw_json(item) for item in value] if isinstance(value, tuple) else value


def _number_text(number: Decimal) -> str:
    text = str(number)
    return text if any(mark in text for mark in ".Ee") else text + ".0"


FrozenJson = Annotated[Mapping[str, Any], _FrozenJsonSchema(), PlainSerializer(thaw_json, when_used="json")]
"""A JSON object: any mapping goes in, a `FrozenDict`, frozen all the way down, comes out."""
