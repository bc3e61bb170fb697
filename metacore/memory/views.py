"""Tables as transactions see them: the committed rows under layers of changes."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Hashable, Iterable, Iterator, Sequence, Set
from heapq import merge
from itertools import filterfalse
from operator import itemgetter
from typing import Any, Generic, TypeVar

from metacore.memory.tables import FIRST, Layer, Place, Table, Value

K = TypeVar("K", bound=tuple[Any, ...])
R = TypeVar("R")

_ABSENT = object()

Log = list[tuple["View[Any, Any]", Any, Any]]
"""What has been changed, in order: the view, the key, and the row that was there before, None if there was none."""


class View(Generic[K, R]):
    """A table as one transaction sees it: the committed rows under its own layers, so many at first.

    Changes go to the topmost layer or, without one, to the table itself; each is first told to `log`.
    """

    def __init__(self, table: Table[K, R], depth: int = 0, log: Log | None = None) -> None:
        self._table = table
        self._log: Log = [] if log is None else log
        # The topmost one first.
        self._layers: list[Layer[K, R]] = [*[Layer[K, R]() for _ in range(depth)], table]

    def push(self) -> None:
        """Begin a layer: changes from here on are undone by `pop`."""
        self._layers.insert(0, Layer())

    def pop(self) -> None:
        """Undo the changes of the topmost layer."""
        del self._layers[0]

    def fold(self) -> None:
        """Make the changes of the topmost layer part of the layer below or, below the last one, of the table."""
        top = self._layers.pop(0)
        if top.rows:
            self._layers[0].absorb(top)

    def get(self, key: K) -> R | None:
        """The row with this key, None if there is none."""
        # A key is looked for once in each layer that has rows: the UUIDs in it are hashed in Python.
        for layer in self._layers:
            if layer.rows:
                row: Any = layer.rows.get(key, _ABSENT)
                if row is not _ABSENT:
                    found: R | None = row
                    return found
        return None

    def find(self, unique: str, value: Hashable) -> R | None:
        """The row whose unique `value` it is, None if there is none."""
        key = self._owner((unique, value))
        return None if key is None else self.get(key)

    def select(self, index: str, value: Hashable) -> list[R]:
        """The rows of the group `value` of `index`, sorted as that says."""
        return list(self._rows(merge(*self._places((index, value), iter))))

    def last(self, index: str, value: Hashable) -> R | None:
        """The last row of the group `value` of `index`, None if it is empty."""
        return next(self._rows(merge(*self._places((index, value), reversed), reverse=True)), None)

    def between(self, index: str, value: Hashable, first: Any, last: Any) -> list[R]:
        """The rows of the group `value` of `index` whose ranks lie between `first` and `last`, these included."""

        def within(places: list[Place[K]]) -> Iterator[Place[K]]:
            start = bisect_left(places, first, key=itemgetter(0))
            return iter(places[start : bisect_right(places, last, key=itemgetter(0))])

        return list(self._rows(merge(*self._places((index, value), within))))

    def group(self, first: Any) -> list[R]:
        """All rows whose key starts with `first`, sorted by key."""
        return self.select(FIRST, first)

    def all(self) -> list[R]:
        """All rows, in no order."""
        rows: dict[K, R | None] = {}
        for layer in reversed(self._layers):
            rows.update(layer.rows)
        return [row for row in rows.values() if row is not None]

    def taken(self, row: R) -> str | None:
        """The name of the first unique value of `row` that another row has; None if it may be put."""
        return self._conflict(self._table.key(row), self._table.owned(row))

    def put(self, row: R) -> str | None:
        """Store `row`, in place of the one with its key, and give None.

        If another row has a unique value of it, nothing is stored, and its name is given.
        """
        key = self._table.key(row)
        return self._store(key, self.get(key), row)

    def add(self, row: R) -> str | None:
        """Store `row` as `put` does; if there is one with its key, nothing is stored, and "id" is given."""
        key = self._table.key(row)
        return self._store(key, None, row) if self.get(key) is None else "id"

    def delete(self, rows: Iterable[R]) -> None:
        """Delete `rows`, which are stored."""
        for row in rows:
            key = self._table.key(row)
            self._log.append((self, key, row))
            self._change(key, row, None, ())

    def restore(self, key: K, before: R | None) -> None:
        """Have `before` again, or no row, as it was told to the log; of a table itself, whatever of it was done."""
        if (now := self.get(key)) is not before:
            self._change(key, now, before, () if before is None else self._table.owned(before))

    def _store(self, key: K, before: R | None, row: R) -> str | None:
        owned = self._table.owned(row)
        taken = self._conflict(key, owned) if owned else None
        if taken is None:
            self._log.append((self, key, before))
            self._change(key, before, row, owned)
        return taken

    def _conflict(self, key: K, owned: Iterable[Value]) -> str | None:
        for value in owned:
            if (owner := self._owner(value)) is not None and owner != key:
                return value[0]
        return None

    def _change(self, key: K, before: R | None, after: R | None, owned: Sequence[Value]) -> None:
        """Have `after`, with the unique values that are `owned`, in place of `before`; None is no row."""
        table, layer = self._table, self._layers[0]
        if after is None:
            layer.drop(key)
        else:
            layer.rows[key] = after
        if before is not None:
            for value in table.owned(before):
                if value not in owned:
                    layer.free(value)
        for value in owned:
            layer.owners[value] = key
        old = [] if before is None else table.places(key, before)
        new = [] if after is None else table.places(key, after)
        for place in old:
            if place not in new:
                layer.leave(*place)
        for place in new:
            if place not in old:
                layer.join(*place)

    def _owner(self, value: Value) -> K | None:
        for layer in self._layers:
            if layer.owners:
                owner: Any = layer.owners.get(value, _ABSENT)
                if owner is not _ABSENT:
                    key: K | None = owner
                    return key
        return None

    def _places(
        self, group: Value, order: Callable[[list[Place[K]]], Iterator[Place[K]]]
    ) -> Iterator[Iterator[Place[K]]]:
        """The places of `group` in `order`, of each layer those that none above it set free."""
        left: Set[Place[K]] = frozenset()
        for layer in self._layers:
            yield filterfalse(left.__contains__, order(layer.joined.get(group, [])))
            left |= layer.left.get(group, frozenset())

    def _rows(self, places: Iterable[Place[K]]) -> Iterator[R]:
        return (row for _, key in places if (row := self.get(key)) is not None)
