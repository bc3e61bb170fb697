"""The text of JSON, read and written exactly."""

from __future__ import annotations

import json
from collections.abc import Mapping
from decimal import Decimal
from typing import Any, NoReturn

from metacore.domain.values.frozen import FrozenDict
from metacore.domain.values.json_numbers import ExactFloat, number_text, parse_number

_BYTE_ORDER_MARK = "\ufeff"
_LONGEST_INTEGER = len(str(-(2**63)))


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
        return number_text(value)
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


def load_json_object(text: str | bytes | bytearray) -> dict[str, Any]:
    """The JSON object that `text` says, numbers with a point as Decimals; ValueError if it says none.

    Stricter than `json.loads`: UTF-8 without a byte order mark, no NaN or Infinity, and no key twice in one object.
    """
    if not isinstance(text, str):
        try:
            text = text.decode("utf-8")
        except UnicodeDecodeError as error:
            raise ValueError(f"not UTF-8 text: byte {error.start} is wrong") from None
    if text.startswith(_BYTE_ORDER_MARK):
        raise ValueError("starts with a byte order mark; send UTF-8 without one")
    try:
        value = _READER.decode(text)
    except json.JSONDecodeError as error:
        raise ValueError(f"not JSON: {error.msg}, character {error.pos}") from None
    except RecursionError:
        raise ValueError("JSON nested too deeply") from None
    if not isinstance(value, dict):
        raise ValueError("must be a JSON object")
    return value


def _integer(text: str) -> int:
    if len(text) > _LONGEST_INTEGER:
        raise ValueError("an integer in JSON fits 64 bits")
    return int(text)


_READER = json.JSONDecoder(
    parse_float=parse_number, parse_int=_integer, parse_constant=refuse_constant, object_pairs_hook=once_each
)
