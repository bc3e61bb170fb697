"""Tables of rows in dictionaries, and layers of uncommitted changes over them."""

from __future__ import annotations

from bisect import bisect_left, bisect_right, insort
from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping, Set
from dataclasses import dataclass
from heapq import merge
from itertools import filterfalse
from operator import itemgetter
from typing import Any, Generic, TypeVar

K = TypeVar("K", bound=tuple[Any, ...])
R = TypeVar("R")

Unique = Callable[[R], Hashable | None]
"""What of a row is unique; None where the row takes no part."""

Value = tuple[str, Hashable]
"""The name of a unique or of an index, and what it gives."""

Place = tuple[Any, K]
"""Where in its group a row is: by its rank, then by its key."""


@dataclass(frozen=True)
class Index(Generic[R]):
    """What groups the rows: those of equal `group` are one, sorted by `rank`, then by key."""

    group: Callable[[R], Hashable | None]
    """What the rows of a group share; None where the row takes no part."""
    rank: Callable[[R], Any] = lambda _: None


class Layer(Generic[K, R]):
    """Changes over what is below: a row of None is a deleted one, an owner of None a unique value set free.

    `joined` are the places in groups that were not taken below, sorted; `left` those that were, and no longer are.
    """

    __slots__ = ("joined", "left", "owners", "rows")

    def __init__(self) -> None:
        self.rows: dict[K, R | None] = {}
        self.owners: dict[Value, K | None] = {}
        self.joined: dict[Value, list[Place[K]]] = {}
        self.left: dict[Value, set[Place[K]]] = {}

    def join(self, group: Value, place: Place[K]) -> None:
        """Take `place`, which is free."""
        left = self.left.get(group) if self.left else None
        if left is not None and place in left:
            left.remove(place)
            if not left:
                del self.left[group]
            return
        _sort_in(self.joined.setdefault(group, []), place)

    def leave(self, group: Value, place: Place[K]) -> None:
        """Set `place`, which is taken, free."""
        joined = self.joined.get(group, [])
        at = bisect_left(joined, place)
        if joined[at : at + 1] != [place]:
            self.left.setdefault(group, set()).add(place)
            return
        del joined[at]
        if not joined:
            del self.joined[group]

    def absorb(self, above: Layer[K, R]) -> None:
        """Make the changes of the layer `above`, which ends, its own."""
        self.rows.update(above.rows)
        self.owners.update(above.owners)
        for group, left in above.left.items():
            # Backwards, so that of a group that goes nothing has to move up.
            for place in sorted(left, reverse=True):
                self.leave(group, place)
        for group, joined in above.joined.items():
            if self.left and group in self.left:
                for place in joined:
                    self.join(group, place)
            elif (places := self.joined.setdefault(group, joined)) is not joined:
                for place in joined:
                    _sort_in(places, place)


def _sort_in(places: list[Place[K]], place: Place[K]) -> None:
    if places and place < places[-1]:
        insort(places, place)
    else:
        places.append(place)


class Table(Layer[K, R]):
    """The committed rows by key, with their unique values and their groups: the layer below all others."""

    __slots__ = ("indexes", "key", "uniques")

    def __init__(
        self,
        key: Callable[[R], K],
        uniques: Mapping[str, Unique[R]] | None = None,
        indexes: Mapping[str, Index[R]] | None = None,
    ) -> None:
        super().__init__()
        self.key = key
        self.uniques = dict(uniques or {})
        first: Index[R] = Index(lambda row: key(row)[0])
        self.indexes = {_FIRST: first, **(indexes or {})}

    def absorb(self, above: Layer[K, R]) -> None:
        super().absorb(above)
        for key, row in above.rows.items():
            if row is None:
                del self.rows[key]
        for value, owner in above.owners.items():
            if owner is None:
                del self.owners[value]


_ABSENT = object()

_FIRST = "first"
"""The index that every table has: by the first part of the key."""


class View(Generic[K, R]):
    """A table as one transaction sees it: the committed rows under its own layers, so many at first."""

    def __init__(self, table: Table[K, R], depth: int = 0) -> None:
        self._table = table
        self._layers: list[Layer[K, R]] = [table, *[Layer() for _ in range(depth)]]

    def push(self) -> None:
        """Begin a layer: changes from here on are undone by `pop`."""
        self._layers.append(Layer())

    def pop(self) -> None:
        """Undo the changes of the topmost layer."""
        self._layers.pop()

    def fold(self) -> None:
        """Make the changes of the topmost layer part of the layer below or, below the last one, of the table."""
        top = self._layers.pop()
        if top.rows:
            self._layers[-1].absorb(top)

    def get(self, key: K) -> R | None:
        """The row with this key, None if there is none."""
        # A key is looked for once in each layer: the UUIDs in it are hashed in Python.
        for layer in reversed(self._layers):
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
        return self.select(_FIRST, first)

    def all(self) -> list[R]:
        """All rows, in no order."""
        rows: dict[K, R | None] = {}
        for layer in self._layers:
            rows.update(layer.rows)
        return [row for row in rows.values() if row is not None]

    def taken(self, row: R) -> str | None:
        """The name of the first unique value of `row` that another row has; None if it may be put."""
        key = self._table.key(row)
        for name, unique in self._table.uniques.items():
            value = unique(row)
            if value is not None and (owner := self._owner((name, value))) is not None and owner != key:
                return name
        return None

    def put(self, row: R) -> None:
        """Store `row`, in place of the one with its key; its unique values are free, which `taken` tells."""
        key, layer = self._table.key(row), self._layers[-1]
        if (before := self.get(key)) is not None:
            self.delete([before])
        layer.rows[key] = row
        for name, unique in self._table.uniques.items():
            if (value := unique(row)) is not None:
                layer.owners[name, value] = key
        for name, index in self._table.indexes.items():
            if (group := index.group(row)) is not None:
                layer.join((name, group), (index.rank(row), key))

    def delete(self, rows: Iterable[R]) -> None:
        """Delete `rows`, which are stored."""
        layer = self._layers[-1]
        for row in rows:
            key = self._table.key(row)
            layer.rows[key] = None
            for name, unique in self._table.uniques.items():
                if (value := unique(row)) is not None:
                    layer.owners[name, value] = None
            for name, index in self._table.indexes.items():
                if (group := index.group(row)) is not None:
                    layer.leave((name, group), (index.rank(row), key))

    def _owner(self, value: Value) -> K | None:
        for layer in reversed(self._layers):
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
        for layer in reversed(self._layers):
            yield filterfalse(left.__contains__, order(layer.joined.get(group, [])))
            left |= layer.left.get(group, frozenset())

    def _rows(self, places: Iterable[Place[K]]) -> Iterator[R]:
        return (row for _, key in places if (row := self.get(key)) is not None)
