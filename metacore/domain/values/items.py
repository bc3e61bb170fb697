"""What was read of something that has items: what is good of it, and what is bad, one by one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Generic, TypeVar

from metacore.errors import InvalidDataError

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class BadItem:
    """An item that could not be read: its `index` from 0, the `field` that is wrong in it, and its `raw` bytes.

    `index` is None where it is no item of a list, `field` empty where it is wrong as a whole. `raw` is kept out of the
    repr: park it, nobody logs it by accident. `error` is what a parser that takes all or nothing would have raised. Of
    several payloads, `payload` is the index of the one that it was in.
    """

    index: int | None
    field: str
    raw: bytes
    error: InvalidDataError
    payload: int = 0

    def __repr__(self) -> str:
        where = f"payload={self.payload}, index={self.index}, field={self.field!r}"
        return f"BadItem({where}, error={type(self.error).__name__})"


@dataclass(frozen=True, slots=True)
class Readable(Generic[T]):
    """What of a payload could be read: `good`, without the items that are `bad`."""

    good: T
    bad: tuple[BadItem, ...] = ()

    def whole(self) -> T:
        """`good`, if nothing is bad; else the error of the first that is bad is raised."""
        if self.bad:
            raise self.bad[0].error
        return self.good
