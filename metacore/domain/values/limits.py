"""Limits of JSON that strangers send, checked before anything is made of it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import Field

from metacore.domain.values.frozen import MAX_DEPTH
from metacore.domain.values.model import Model
from metacore.errors import InvalidDataError

Count = Annotated[int, Field(strict=True, ge=1)]


class JsonLimits(Model):
    """How large a JSON message may be: its `size` and each `text` of it, keys included, in bytes of UTF-8, the `items`
    of each list, the `keys` of each object, and how deep they are nested.
    """

    size: Count = 1_048_576
    items: Count = 1_000
    keys: Count = 1_000
    text: Count = 65_536
    depth: Annotated[Count, Field(le=MAX_DEPTH)] = MAX_DEPTH

    def require_size(self, message: str | bytes | bytearray) -> None:
        """InvalidDataError if `message` is too large to be parsed."""
        if _is_longer(message, self.size):
            raise InvalidDataError(f"a message has at most {self.size:,} bytes")

    def require(self, value: object, message: str | bytes | bytearray | None = None) -> None:
        """InvalidDataError, naming the path, if the JSON `value` exceeds a limit; `message` is its text, if known."""
        if message is not None and self._is_far_from(message):
            return
        waiting: list[tuple[object, tuple[str, ...]]] = [(value, ())]
        while waiting:
            found, path = waiting.pop()
            if isinstance(found, str):
                self._require(not _is_longer(found, self.text), f"a text has at most {self.text:,} bytes", path)
            elif isinstance(found, Mapping):
                self._require(len(found) <= self.keys, f"an object has at most {self.keys:,} keys", path)
                self._require_depth(path)
                for key, item in found.items():
                    too_long = isinstance(key, str) and _is_longer(key, self.text)
                    self._require(not too_long, f"a key has at most {self.text:,} bytes", path)
                    waiting.append((item, (*path, str(key))))
            elif isinstance(found, list | tuple):
                self._require(len(found) <= self.items, f"a list has at most {self.items:,} items", path)
                self._require_depth(path)
                waiting += ((item, (*path, str(index))) for index, item in enumerate(found))

    def _is_far_from(self, message: str | bytes | bytearray) -> bool:
        """Whether the mere number of some characters tells that no limit is exceeded: most messages are small."""
        if isinstance(message, str):
            counts = [message.count(mark) for mark in ("[", "{", ",", ":")]
        else:
            counts = [message.count(mark) for mark in (b"[", b"{", b",", b":")]
        lists, objects, commas, colons = counts
        return (
            not _is_longer(message, self.text)
            and lists + objects <= self.depth
            and commas < self.items
            and colons <= self.keys
        )

    def _require_depth(self, path: tuple[str, ...]) -> None:
        self._require(len(path) < self.depth, f"JSON is nested at most {self.depth} levels deep", path)

    @staticmethod
    def _require(fits: bool, problem: str, path: tuple[str, ...]) -> None:
        if not fits:
            # A path that is as long as what is refused would only be another burden.
            raise InvalidDataError(problem, field=".".join(part[:64] for part in path[:8]))


def _is_longer(text: str | bytes | bytearray | Any, limit: int) -> bool:
    if len(text) > limit:
        return True
    if not isinstance(text, str) or text.isascii() or 4 * len(text) <= limit:
        return False
    return len(text.encode("utf-8", "surrogatepass")) > limit
