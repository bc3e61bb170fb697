"""Rows in great number."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TypeVar

from metacore.domain.values.model import Model
from metacore.ids import new_id

M = TypeVar("M", bound=Model)


def series(first: M, count: int, *numbered: str) -> Iterator[M]:
    """`count` models like `first`: each has an id of its own, and its number in the texts that are `numbered`.

    A factory takes twenty times as long for each.
    """
    has_id = "id" in type(first).model_fields
    for n in range(count):
        texts = {name: f"{getattr(first, name)}-{n}" for name in numbered}
        yield first.changed(**texts, **({"id": new_id()} if has_id else {}))
