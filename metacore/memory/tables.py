"""Tables of rows in dictionaries, and layers of uncommitted changes over them."""

from __future__ import annotations

from bisect import bisect_left, insort
from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass
from typing import Any, Generic, TypeVar
from uuid import UUID

K = TypeVar("K", bound=tuple[Any, ...])
R = TypeVar("R")

Unique = Callable[[R], Hashable | None]
"""What of a row is unique; None where the row takes no part."""

Value = tuple[str, Hashable]
"""The name of a unique or of an index, and what it gives."""

FIRST = "first"
"""The index that every table has: by the first part of the key."""

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

    def drop(self, key: K) -> None:
        """Have no row with this key."""
        self.rows[key] = None

    def free(self, value: Value) -> None:
        """Have no owner of this unique value."""
        self.owners[value] = None

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


def _second(key: tuple[Any, ...]) -> Any:
    """What sorts keys that begin alike: their second part, an id as the number that it is, which is compared in C."""
    second = key[1] if len(key) > 1 else None
    return second.int if type(second) is UUID else second


class Table(Layer[K, R]):
    """The committed rows by key, with their unique values and their groups: the layer below all others.

    A change of it that was interrupted, done once more or undone, is done or undone as a whole.
    """

    __slots__ = ("_indexes", "_uniques", "key")

    def __init__(
        self,
        key: Callable[[R], K],
        uniques: Mapping[str, Unique[R]] | None = None,
        indexes: Mapping[str, Index[R]] | None = None,
    ) -> None:
        super().__init__()
        self.key = key
        self._uniques = tuple((uniques or {}).items())
        self._indexes = tuple((name, index.group, index.rank) for name, index in (indexes or {}).items())

    def owned(self, row: R) -> list[Value]:
        """The unique values of `row`."""
        owned = []
        for name, unique in self._uniques:
            if (value := unique(row)) is not None:
                owned.append((name, value))
        return owned

    def places(self, key: K, row: R) -> list[tuple[Value, Place[K]]]:
        """The groups that `row`, whose key it is, is in, and its place in each."""
        places: list[tuple[Value, Place[K]]] = [((FIRST, key[0]), (_second(key), key))]
        for name, group, rank in self._indexes:
            if (value := group(row)) is not None:
                places.append(((name, value), (rank(row), key)))
        return places

    def drop(self, key: K) -> None:
        self.rows.pop(key, None)

    def free(self, value: Value) -> None:
        self.owners.pop(value, None)

    def join(self, group: Value, place: Place[K]) -> None:
        joined = self.joined.get(group)
        if not joined:
            self.joined[group] = [place]
        elif joined[-1] < place:
            joined.append(place)
        elif joined[at := bisect_left(joined, place)] != place:
            joined.insert(at, place)

    def leave(self, group: Value, place: Place[K]) -> None:
        joined = self.joined.get(group, [])
        at = bisect_left(joined, place)
        if joined[at : at + 1] == [place]:
            del joined[at]
            if not joined:
                del self.joined[group]

    def absorb(self, above: Layer[K, R]) -> None:
        super().absorb(above)
        for key, row in above.rows.items():
            if row is None:
                del self.rows[key]
        for value, owner in above.owners.items():
            if owner is None:
                del self.owners[value]
