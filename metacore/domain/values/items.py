"""What was read of something that has items: what is good of it, and what is bad, one by one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Generic, TypeVar

from metacore.errors import InvalidDataError

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class BadItem:
    """An item that could not be read: its `index` from 0, the `field` that is wrong in it, and its `raw` bytes.

    `field` is empty where the item as a whole is wrong. `raw` is kept out of the repr: park it, nobody logs it by
    accident. `error` is what a parser that takes all or nothing would have raised.
    """

    index: int
    field: str
    raw: bytes
    error: InvalidDataError

    def __repr__(self) -> str:
        return f"BadItem(index={self.index}, field={self.field!r}, error={type(self.error).__name__})"


@dataclass(frozen=True, slots=True)
class Readable(Generic[T]):
    """What of a payload could be read: `good`, without the items that are `bad`."""

    good: T
    bad: tuple[BadItem, ...] = ()
