"""Tables of rows in dictionaries, and layers of uncommitted changes over them."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Mapping
from typing import Any, Generic, TypeVar

K = TypeVar("K", bound=tuple[Any, ...])
R = TypeVar("R")

Unique = Callable[[R], Hashable | None]
"""What of a row is unique; None where the row takes no part."""


class Table(Generic[K, R]):
    """Committed rows by key, grouped by the first part of the key, with their unique values."""

    def __init__(self, key: Callable[[R], K], uniques: Mapping[str, Unique[R]] | None = None) -> None:
        self.key = key
        self.uniques = dict(uniques or {})
        self.groups: dict[Any, dict[K, R]] = {}
        self.index: dict[tuple[str, Hashable], K] = {}

    def get(self, key: K) -> R | None:
        group = self.groups.get(key[0])
        return None if group is None else group.get(key)

    def merge(self, layer: Layer[K, R]) -> None:
        """Make the changes of `layer` the committed state."""
        for key, row in layer.rows.items():
            if row is not None:
                self.groups.setdefault(key[0], {})[key] = row
            elif (group := self.groups.get(key[0])) is not None:
                group.pop(key, None)
                if not group:
                    del self.groups[key[0]]
        for value, owner in layer.index.items():
            if owner is not None:
                self.index[value] = owner
            else:
                self.index.pop(value, None)


class Layer(Generic[K, R]):
    """Changes not yet committed: a row of None is a deleted one, an index entry of None a value set free."""

    __slots__ = ("groups", "index", "rows")

    def __init__(self) -> None:
        self.rows: dict[K, R | None] = {}
        self.groups: dict[Any, dict[K, None]] = {}
        self.index: dict[tuple[str, Hashable], K | None] = {}

    def absorb(self, above: Layer[K, R]) -> None:
        self.rows.update(above.rows)
        self.index.update(above.index)
        for group, keys in above.groups.items():
            self.groups.setdefault(group, {}).update(keys)


class View(Generic[K, R]):
    """A table as one transaction sees it: the committed rows under its own layers."""

    def __init__(self, table: Table[K, R]) -> None:
        self._table = table
        self.layers: list[Layer[K, R]] = []

    def get(self, key: K) -> R | None:
        """The row with this key, None if there is none."""
        for layer in reversed(self.layers):
            if key in layer.rows:
                row: R | None = layer.rows[key]
                return row
        return self._table.get(key)

    def find(self, unique: str, value: Hashable) -> R | None:
        """The row whose unique `value` it is, None if there is none."""
        key = self._owner((unique, value))
        return None if key is None else self.get(key)

    def group(self, first: Any) -> list[R]:
        """All rows whose key starts with `first`, in no order."""
        rows: dict[K, R] = dict(self._table.groups.get(first, {}))
        for layer in self.layers:
            for key in layer.groups.get(first, ()):
                row = layer.rows[key]
                if row is None:
                    rows.pop(key, None)
                else:
                    rows[key] = row
        return list(rows.values())

    def all(self) -> list[R]:
        """All rows, in no order."""
        firsts = dict.fromkeys(self._table.groups)
        for layer in self.layers:
            firsts.update(dict.fromkeys(layer.groups))
        return [row for first in firsts for row in self.group(first)]

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
        key, layer = self._table.key(row), self.layers[-1]
        before = self.get(key)
        for name, unique in self._table.uniques.items():
            old, new = None if before is None else unique(before), unique(row)
            if old != new:
                if old is not None:
                    layer.index[name, old] = None
                if new is not None:
                    layer.index[name, new] = key
        layer.rows[key] = row
        layer.groups.setdefault(key[0], {})[key] = None

    def delete(self, rows: Iterable[R]) -> None:
        """Delete `rows`."""
        layer = self.layers[-1]
        for row in rows:
            key = self._table.key(row)
            for name, unique in self._table.uniques.items():
                if (value := unique(row)) is not None:
                    layer.index[name, value] = None
            layer.rows[key] = None
            layer.groups.setdefault(key[0], {})[key] = None

    def _owner(self, value: tuple[str, Hashable]) -> K | None:
        for layer in reversed(self.layers):
            if value in layer.index:
                owner: K | None = layer.index[value]
                return owner
        return self._table.index.get(value)
