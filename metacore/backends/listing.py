"""Listings: what a cursor is bound to, and how it is made and read."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeVar
from uuid import UUID

from metacore.domain.values.pages import Page
from metacore.domain.values.text import parse_text
from metacore.domain.values.times import parse_time
from metacore.errors import InvalidDataError

MAX_LIMIT = 1000
MAX_CURSOR_LENGTH = 8192

T = TypeVar("T")
Position = tuple[Any, ...]
"""The sort key of a row: texts, integers, times and UUIDs."""


@dataclass(frozen=True, slots=True)
class Listing:
    """What a cursor is bound to: the method, its user and its filter. A cursor of another listing is refused.

    `shape` are the types of a position. Cursors are no secret, and whoever knows how they are made can make one: it
    names another place in the same list of the same user, and nothing else.
    """

    method: str
    scope: tuple[Any, ...] = ()
    shape: tuple[type, ...] = (datetime, UUID)

    def position(self, after: str | None) -> Position | None:
        """The position that the cursor `after` names; InvalidDataError if it is not one of this listing."""
        if after is None:
            return None
        try:
            if len(after) > MAX_CURSOR_LENGTH:
                raise ValueError("length")
            packed = base64.b64decode(after.encode("ascii"), altchars=b"-_", validate=True)
            digest, body = packed[:16], packed[16:]
            if digest != self._digest(body):
                raise ValueError("digest")
            position = tuple(_decode(part) for part in json.loads(body))
            if tuple(map(type, position)) != self.shape:
                raise ValueError("shape")
        except (AttributeError, KeyError, TypeError, ValueError, RecursionError):
            raise InvalidDataError(
                f"not a cursor of this {self.method}; pass the `next` of a page of the same list, user and filter",
                field="after",
            ) from None
        return position

    def cursor(self, position: Position) -> str:
        """The cursor that names `position`."""
        body = json.dumps([_encode(part) for part in position], separators=(",", ":")).encode()
        return base64.urlsafe_b64encode(self._digest(body) + body).decode("ascii")

    def page(self, rows: Sequence[T], limit: int, position: Callable[[T], Position]) -> Page[T]:
        """The page of `rows`, of which the storage read one more than `limit` to know whether the list goes on."""
        items = tuple(rows[:limit])
        return Page(items, self.cursor(position(items[-1])) if len(rows) > limit else None)

    def _digest(self, body: bytes) -> bytes:
        bound = repr((self.method, self.scope)).encode("utf-8", "backslashreplace")
        return hashlib.blake2b(body, key=hashlib.blake2b(bound).digest(), digest_size=16).digest()


def parse_limit(limit: int) -> int:
    """`limit` itself; InvalidDataError unless it is a whole number from 1 to 1,000."""
    if isinstance(limit, bool) or not isinstance(limit, int) or not 1 <= limit <= MAX_LIMIT:
        raise InvalidDataError(f"a limit is a whole number from 1 to {MAX_LIMIT}", field="limit")
    return limit


def _encode(part: Any) -> Any:
    if isinstance(part, datetime):
        return {"t": part.isoformat()}
    return {"u": part.hex} if isinstance(part, UUID) else part


def _decode(part: Any) -> Any:
    if isinstance(part, dict):
        return parse_time(part["t"]) if "t" in part else UUID(hex=part["u"])
    if isinstance(part, str):
        return parse_text(part)
    if isinstance(part, int) and not -(2**63) <= part < 2**63:
        raise ValueError("an integer of a position fits 64 bits")
    return part
