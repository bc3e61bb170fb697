"""Pages: a part of a list."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Generic, TypeVar

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Page(Generic[T]):
    """`items` in the list's order, and `next`: the cursor to pass as `after=`, None at the end."""

    items: tuple[T, ...]
    next: str | None = None
