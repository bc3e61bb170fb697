"""Payloads: JSON text, or what was parsed from it, read without a float in between."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from metacore.domain.values.frozen import MAX_DEPTH, FrozenDict, freeze_json, load_json
from metacore.domain.values.text import parse_text
from metacore.errors import InvalidDataError
from metacore.exchanges.mexc.fields import Fields, join

Payload = bytes | bytearray | memoryview | str | Mapping[str, Any] | Sequence[Any]
"""JSON text (bytes in UTF-8, or str), or what was parsed from it with `parse_float=Decimal`."""


def read_object(payload: Payload) -> Fields:
    """The JSON object that `payload` holds; the exchange's own error answers are refused as such."""
    value, source = _read(payload)
    if not isinstance(value, FrozenDict):
        raise InvalidDataError("the payload must be a JSON object; lists have functions of their own", raw=source)
    return _answer(value, source)


def read_list(payload: Payload) -> list[Fields]:
    """The JSON objects of the list that `payload` holds; their paths begin with their index, from 0."""
    value, source = _read(payload)
    if isinstance(value, FrozenDict):
        _answer(value, source)
    if not isinstance(value, tuple):
        raise InvalidDataError("the payload must be a JSON list", raw=source)
    listed = []
    for index, item in enumerate(value):
        if not isinstance(item, FrozenDict):
            raise InvalidDataError("must be a JSON object", field=str(index), raw=source)
        listed.append(Fields(item, source, str(index)))
    return listed


def _answer(value: FrozenDict, source: bytes | None) -> Fields:
    answer = Fields(value, source)
    if value.get("code") not in (None, 0) and "msg" in value:
        raise answer.error("code", "the exchange answered with an error instead of data; its words are in the payload")
    return answer


def _read(payload: Payload) -> tuple[Any, bytes | None]:
    if isinstance(payload, Mapping | list | tuple):
        return _freeze(payload, None), None
    if isinstance(payload, str):
        text, source = payload, payload.encode("utf-8", "surrogatepass")
    elif isinstance(payload, bytes | bytearray | memoryview):
        source = bytes(payload)
        try:
            text = source.decode()
        except UnicodeDecodeError:
            raise InvalidDataError("the payload is not UTF-8", raw=source) from None
    else:
        raise InvalidDataError("a payload is JSON text as bytes or str, or what was parsed from it")
    try:
        value = load_json(text)
    except (ValueError, ArithmeticError, RecursionError) as error:
        # Decimal refuses a monstrous exponent with an ArithmeticError; the parser itself gives up on deep nesting.
        reason = "nested too deep" if isinstance(error, RecursionError) else str(error)
        raise InvalidDataError(f"the payload is not JSON that can be read: {reason}", raw=source) from None
    return _freeze(value, source), source


def _freeze(value: object, source: bytes | None, path: str = "", depth: int = 0) -> Any:
    if isinstance(value, float):
        message = "a float is not exact; pass the payload's text, or parse it with parse_float=Decimal"
        raise InvalidDataError(message, field=path, raw=source)
    try:
        if depth < MAX_DEPTH and isinstance(value, Mapping):
            items = {_key(key): item for key, item in value.items()}
            return FrozenDict((key, _freeze(item, source, join(path, key), depth + 1)) for key, item in items.items())
        if depth < MAX_DEPTH and isinstance(value, list | tuple):
            return tuple(_freeze(item, source, join(path, str(index)), depth + 1) for index, item in enumerate(value))
        return freeze_json(value, depth)
    except ValueError as error:
        raise InvalidDataError(str(error), field=path, raw=source) from None


def _key(key: object) -> str:
    if not isinstance(key, str):
        raise ValueError("a key in JSON is text")
    return parse_text(key)
