"""Dead letters: messages that could not be used, kept as they came until somebody resolves them."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum
from typing import Annotated, Any, Self

from pydantic import (
    AfterValidator,
    BeforeValidator,
    Field,
    GetCoreSchemaHandler,
    PlainSerializer,
    StringConstraints,
    model_validator,
)
from pydantic_core import core_schema

from metacore.domain.values.frozen import MAX_DEPTH, FrozenDict, FrozenJson
from metacore.domain.values.model import Model, across, revised
from metacore.domain.values.text import Key, Text, parse_text
from metacore.domain.values.times import Time
from metacore.errors import ConflictError

MAX_POSITION_LENGTH = 300
"""Room for the key of an event, and its number."""


class Resolution(StrEnum):
    """What became of a dead letter: it was used after all, or it never will be."""

    REPLAYED = "REPLAYED"
    DISCARDED = "DISCARDED"


def _parse_bytes(value: object) -> bytes:
    if isinstance(value, bytes | bytearray | memoryview):
        return bytes(value)
    if isinstance(value, str):
        try:
            return base64.b64decode(value, validate=True)
        except (ValueError, binascii.Error):
            raise ValueError("bytes are told in JSON as Base64") from None
    raise ValueError("raw bytes are wanted")


class _BytesSchema:
    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> core_schema.CoreSchema:
        return core_schema.no_info_plain_validator_function(_parse_bytes)

    def __get_pydantic_json_schema__(self, schema: Any, handler: Any) -> dict[str, Any]:
        return {"type": "string", "contentEncoding": "base64"}


def _base64(value: bytes) -> str:
    return base64.b64encode(value).decode("ascii")


RawBytes = Annotated[bytes, _BytesSchema(), PlainSerializer(_base64, return_type=str, when_used="json")]
"""Any bytes; in JSON Base64."""


def legible(text: str) -> str:
    """`text` with what no backend can store of it, NUL and lone surrogates, written as an escape."""
    return text.encode("utf-8", "backslashreplace").decode().replace("\0", "\\x00")


def _escape(value: object) -> object:
    return legible(value) if isinstance(value, str) else value


ToldText = Annotated[Text, BeforeValidator(_escape)]
"""Any text at all: what no backend can store of it, NUL and lone surrogates, is written as an escape."""


def _escape_within(value: object, depth: int = 0) -> object:
    if depth < MAX_DEPTH:
        if isinstance(value, Mapping):
            return {_escape(name): _escape_within(item, depth + 1) for name, item in value.items()}
        if isinstance(value, list | tuple):
            return [_escape_within(item, depth + 1) for item in value]
    return _escape(value)


ToldJson = Annotated[FrozenJson, BeforeValidator(_escape_within)]
"""A JSON object, its names and texts escaped like a `ToldText`."""

Position = Annotated[
    str, StringConstraints(strict=True, min_length=1, max_length=MAX_POSITION_LENGTH), AfterValidator(parse_text)
]
"""Where in its source a message is, such as a partition and an offset: 1 to 300 characters."""


class DeadLetter(Model):
    """A message that could not be used, found by the `position` that it had in its `source`.

    `value` are its bytes, whatever they are; None where it had none. `error` says what was wrong, `field` where in it.
    NUL and lone surrogates in `key`, `error`, `field` and `headers` become escapes: a letter is never refused for what
    it tells.
    """

    source: Key
    position: Position
    key: ToldText | None = None
    value: RawBytes | None
    headers: ToldJson = Field(default_factory=FrozenDict)
    error: ToldText
    field: ToldText | None = None
    failed_at: Time
    resolution: Resolution | None = None
    note: Text | None = None
    """What whoever resolved it says."""
    resolved_at: Time | None = None

    @model_validator(mode="after")
    def _resolved_as_a_whole(self) -> Self:
        if (self.resolution is None) != (self.resolved_at is None):
            raise across("a letter has a resolution and a time of it, or neither", "resolution", "resolved_at")
        return self

    def resolved(self, resolution: Resolution, note: str | None, now: datetime) -> Self:
        """This letter, resolved so at `now`; itself if it is resolved so already, ConflictError if otherwise."""
        if self.resolution is resolution:
            return self
        if self.resolution is not None:
            raise ConflictError(
                f"the dead letter is {self.resolution} since {self.resolved_at}, and a resolution stays;"
                " read it again before you act on it",
                conflicts=("resolution",),
            )
        return revised(self, resolution=resolution, note=note, resolved_at=now)


def latest_first(letter: DeadLetter) -> tuple[datetime, str, str]:
    """What letters are listed by, descending."""
    return letter.failed_at, letter.source, letter.position
