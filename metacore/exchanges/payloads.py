"""Payloads: JSON text, or what was parsed from it, read without a float in between."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from functools import cached_property
from typing import Any

from metacore.domain.values.frozen import MAX_DEPTH, FrozenDict, freeze_json
from metacore.domain.values.json_text import dump_json
from metacore.domain.values.text import GREATEST_INTEGER, LEAST_INTEGER, parse_text
from metacore.errors import ExchangeError, InvalidDataError
from metacore.exchanges.fields import Fields, join

_BLANKS = " \t\n\r"

Payload = bytes | bytearray | memoryview | str | Mapping[str, Any] | Sequence[Any]
"""JSON text (bytes in UTF-8, or str), or what was parsed from it with `parse_float=Decimal`."""


def read_object(payload: Payload) -> Fields:
    """The JSON object that `payload` holds; the exchange's own error answers are refused as such."""
    answer = read_answer(payload)
    refuse_error(answer)
    return answer


def read_answer(payload: Payload) -> Fields:
    """The JSON object that `payload` holds, also if it is an error answer."""
    read = _read(payload)
    return frozen(read.value, read.source)


def frozen(value: object, source: bytes | None, path: str = "") -> Fields:
    """The JSON object `value`, which was read from `source` at `path`, frozen and checked all the way down."""
    checked = _freeze(value, source, path)
    if not isinstance(checked, FrozenDict):
        message = "the payload must be a JSON object; lists have functions of their own"
        raise InvalidDataError(message, field=path, raw=source)
    return Fields(checked, source, path)


def read_wrapped(payload: Payload, wrapper: str, inner: str) -> Fields | Items:
    """The JSON object or list that `payload` holds or, where that is an object with the keys `wrapper` and `inner`, the
    one under `inner`.
    """
    read = _read(payload)
    value, path, text = read.value, "", read.text
    if isinstance(value, Mapping) and wrapper in value and inner in value:
        value, path, text = value[inner], inner, None
    if isinstance(value, list | tuple):
        return Items(value, read.source, text, path)
    return frozen(value, read.source, path)


def read_items(payload: Payload) -> Items:
    """The list that `payload` holds; the exchange's own error answers are refused as such."""
    read = _read(payload)
    if isinstance(read.value, Mapping):
        read_object(payload)
    if not isinstance(read.value, list | tuple):
        raise InvalidDataError("the payload must be a JSON list", raw=read.source)
    return Items(read.value, read.source, read.text)


def is_list(payload: Payload) -> bool:
    """Whether `payload` is a list, or text that begins as one."""
    if isinstance(payload, str):
        return payload.lstrip(_BLANKS).startswith("[")
    source = source_of(payload)
    return isinstance(payload, list | tuple) if source is None else source.lstrip(_BLANKS.encode()).startswith(b"[")


def source_of(payload: Payload) -> bytes | None:
    """The bytes of `payload`; None of what was parsed before."""
    if isinstance(payload, str):
        return payload.encode("utf-8", "surrogatepass")
    return bytes(payload) if isinstance(payload, bytes | bytearray | memoryview) else None


def refuse_error(answer: Fields) -> None:
    """Raise the ExchangeError that `answer` is, if it is one."""
    code, msg = answer.values.get("code"), answer.values.get("msg")
    if code not in (None, 0) and ("msg" in answer.values or "message" in answer.values):
        field = join(answer.path, "code")
        raise ExchangeError(code, msg if isinstance(msg, str) else None, field=field, raw=answer.source)


class Items:
    """The items of a JSON list, each read when it is asked for: what is wrong in one does not touch the others."""

    def __init__(self, values: Sequence[Any], source: bytes | None, text: str | None, path: str = "") -> None:
        self.values = values
        self.source = source
        self._path = path
        self._text = text

    def __len__(self) -> int:
        return len(self.values)

    def path(self, index: int) -> str:
        """Where the item at `index` is."""
        return join(self._path, str(index))

    def fields(self, index: int) -> Fields:
        """The JSON object at `index`; its paths begin with where that is."""
        path = self.path(index)
        value = _freeze(self.values[index], self.source, path)
        if not isinstance(value, FrozenDict):
            raise InvalidDataError("must be a JSON object", field=path, raw=self.source)
        return Fields(value, self.source, path)

    def raw(self, index: int) -> bytes:
        """The bytes of the item at `index` as they came; its JSON text if it came parsed."""
        return written(self.values[index]) if self._text is None else self._texts[index]

    @cached_property
    def _texts(self) -> list[bytes]:
        assert self._text is not None
        texts, position = [], self._text.index("[") + 1
        for _ in self.values:
            start = _after_blanks(self._text, position)
            _, end = _DECODER.raw_decode(self._text, start)
            texts.append(self._text[start:end].encode("utf-8", "surrogatepass"))
            position = _after_blanks(self._text, end) + 1
        return texts


def written(value: object) -> bytes:
    """The JSON text of what was parsed from it; of what is no JSON, its type's name."""
    try:
        return dump_json(value).encode("utf-8", "surrogatepass")
    except (TypeError, ValueError, RecursionError):
        return type(value).__name__.encode()


@dataclass(frozen=True, slots=True)
class _Read:
    value: Any
    source: bytes | None = None
    text: str | None = None


@dataclass(frozen=True, slots=True)
class _Unreadable:
    """A value that JSON or an exact number cannot hold; refused where it stands, so that its neighbours are read."""

    reason: str


def _read(payload: Payload) -> _Read:
    if isinstance(payload, Mapping | list | tuple):
        return _Read(payload)
    source = source_of(payload)
    if source is None:
        raise InvalidDataError("a payload is JSON text as bytes or str, or what was parsed from it")
    try:
        text = payload if isinstance(payload, str) else source.decode()
    except UnicodeDecodeError:
        raise InvalidDataError("the payload is not UTF-8", raw=source) from None
    try:
        value = _DECODER.decode(text)
    except (ValueError, RecursionError) as error:
        reason = "nested too deep" if isinstance(error, RecursionError) else str(error)
        raise InvalidDataError(f"the payload is not JSON that can be read: {reason}", raw=source) from None
    return _Read(value, source, text)


def _number(text: str) -> Decimal | _Unreadable:
    try:
        return Decimal(text)
    except ArithmeticError:
        return _Unreadable("its exponent is beyond all bounds")


def _integer(text: str) -> int | Decimal | _Unreadable:
    # More digits than 64 bits hold are read as a Decimal, at a cost that grows with their count alone.
    if len(text) <= len(str(LEAST_INTEGER)) and LEAST_INTEGER <= int(text) <= GREATEST_INTEGER:
        return int(text)
    return _number(text)


def _once_each(pairs: list[tuple[str, Any]]) -> dict[str, Any] | _Unreadable:
    value = dict(pairs)
    return value if len(value) == len(pairs) else _Unreadable("it has a key twice, of which one would be lost")


def _constant(name: str) -> _Unreadable:
    return _Unreadable(f"{name} is not a JSON value")


_DECODER = json.JSONDecoder(
    parse_float=_number, parse_int=_integer, parse_constant=_constant, object_pairs_hook=_once_each
)


def _after_blanks(text: str, position: int) -> int:
    while text[position] in _BLANKS:
        position += 1
    return position


def _freeze(value: object, source: bytes | None, path: str = "", depth: int = 0) -> Any:
    if isinstance(value, _Unreadable):
        raise InvalidDataError(value.reason, field=path, raw=source)
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
