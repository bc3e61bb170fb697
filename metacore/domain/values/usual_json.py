"""JSON objects as they usually come, written and read in a fraction of the time that any object needs.

What is usual has all fields of its model in their order, texts and integers, and no other key.
"""

from __future__ import annotations

from collections.abc import Sequence
from operator import itemgetter
from typing import Any, Generic, TypeVar

from pydantic_core import from_json, to_json

from metacore.domain.values.json import JsonObject, unchecked_object
from metacore.domain.values.text import GREATEST_INTEGER, LEAST_INTEGER

J = TypeVar("J", bound=JsonObject)

_USUAL = frozenset({str, int})


class UsualObjects(Generic[J]):
    """Reads and writes objects of `model`, whose fields are texts but for the `integers` and for `parts` of a type."""

    def __init__(self, model: type[J], integers: Sequence[str], **parts: type) -> None:
        kinds = {**dict.fromkeys(model.model_fields, str), **dict.fromkeys(integers, int), **parts}
        self._model, self._names, self._kinds = model, tuple(kinds), tuple(kinds.values())
        self._own = tuple(name for name in kinds if name not in parts)
        self._integers = itemgetter(*integers, integers[0]) if integers else None
        self.marks = 2 * len(kinds) + 2 * sum(kind is str for kind in kinds.values())
        """How many quotation marks its JSON has, but for those of its parts."""

    def has(self, values: dict[str, Any]) -> bool:
        """Whether these are the usual values of such an object."""
        if tuple(values) != self._names or tuple(map(type, values.values())) != self._kinds:
            return False
        if self._integers is None:
            return True
        integers = self._integers(values)
        return bool(min(integers) >= LEAST_INTEGER and max(integers) <= GREATEST_INTEGER)

    def make(self, values: dict[str, Any]) -> J:
        """The object of these values, which it `has`; they belong to it from then on."""
        return unchecked_object(self._model, values, None, {}, None)

    def text(self, value: J) -> bytes | None:
        """The JSON of `value` without its parts, fields as declared whatever their order; None if it is unusual."""
        values = value.__dict__
        fields = values if tuple(values) == self._own else {name: values[name] for name in self._own}
        if value.__pydantic_extra__ or not _USUAL.issuperset(map(type, fields.values())):
            return None
        return to_json(fields)


def read_usual(text: bytes) -> Any:
    """The JSON that `text` says; None where it is unusual, or none.

    It is read as `load_json_object` does, but for numbers with a point, and for a key that comes twice, of which one is
    lost: then `text` has more quotation marks than what was read. Its texts can be stored.
    """
    if b"\\" in text and b"\\u0000" in text:
        return None
    try:
        return from_json(text, allow_inf_nan=False)
    except ValueError:
        return None
