"""Rows from files on their way into a storage: in portions, each a transaction, and what is refused of them."""

from __future__ import annotations

import gc
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import islice
from typing import Generic, TypeVar

from metacore.backends.normal_names import NormalNames
from metacore.cli.lines import Refuse, legible
from metacore.cli.row_forms import Row
from metacore.domain.people.users import NewUser
from metacore.domain.values.imports import ImportResult
from metacore.domain.values.model import Model
from metacore.errors import AlreadyExistsError, ConflictError, InvalidDataError, MetacoreError, NotFoundError
from metacore.sync.storage.storage import Storage

M = TypeVar("M", bound=Model)

PORTION = 10_000
"""How many rows are stored at once."""
_PARTS = 10
"""How many parts a portion is split into where something in it is refused."""


@dataclass(slots=True)
class Stored(Generic[M]):
    """What became of rows."""

    inserted: int = 0
    duplicates: int = 0
    refused: list[tuple[Row[M], MetacoreError]] = field(default_factory=list)


Store = Callable[[Sequence[Row[M]]], Stored[M]]
"""Stores rows, but those that it refuses."""


def load(rows: Iterable[Row[M]], store: Store[M], refuse: Refuse) -> Iterator[Stored[M]]:
    """Store `rows`, portion by portion: what became of each."""
    with _without_collections():
        remaining = iter(rows)
        while portion := list(islice(remaining, PORTION)):
            yield _told(store(portion), refuse)


@contextmanager
def _without_collections() -> Iterator[None]:
    """Rows refer to nothing that refers to them: looking for cycles among those of a portion finds none, at a cost."""
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()


def _told(stored: Stored[M], refuse: Refuse) -> Stored[M]:
    for row, error in stored.refused:
        refuse(row.number, error.message, legible(row.line or row.model.model_dump_json()))
    return stored


def by_import(create_many: Callable[[Iterable[M]], ImportResult], name: Callable[[M], str]) -> Store[M]:
    """What stores rows by `create_many`, and finds those that it refuses; `name` is what its error tells them by."""

    def store(rows: Sequence[Row[M]]) -> Stored[M]:
        stored = Stored[M]()
        try:
            result = create_many([row.model for row in rows])
            stored.inserted, stored.duplicates = result.inserted, result.duplicates
        except (ConflictError, NotFoundError) as error:
            if len(rows) == 1:
                stored.refused.append((rows[0], _of_one(error)))
            for part in _parts(rows, error, name) if len(rows) > 1 else ():
                found = store(part)
                stored.inserted += found.inserted
                stored.duplicates += found.duplicates
                stored.refused += found.refused
        return stored

    return store


def _parts(
    rows: Sequence[Row[M]], error: ConflictError | NotFoundError, name: Callable[[M], str]
) -> Iterator[Sequence[Row[M]]]:
    """Parts of `rows`, which were refused as a whole: a few rows fall into those that the error names, and the rest."""
    named = set(error.conflicts) if isinstance(error, ConflictError) else set[str]()
    suspects = [row for row in rows if name(row.model) in named] if len(rows) <= _PARTS else []
    if 0 < len(suspects) < len(rows):
        yield [row for row in rows if row not in suspects]
        rows = suspects
    size = -(-len(rows) // _PARTS)
    for start in range(0, len(rows), size):
        yield rows[start : start + size]


def _of_one(error: ConflictError | NotFoundError) -> MetacoreError:
    if isinstance(error, NotFoundError):
        return error
    return ConflictError("it differs from what is stored, or came earlier, under the same keys", conflicts=())


def by_creating(storage: Storage, names: NormalNames | None) -> Store[NewUser]:
    """What stores users, one by one; `names` puts theirs into the form that the storage stores them in, if any."""

    def store(rows: Sequence[Row[NewUser]]) -> Stored[NewUser]:
        stored = Stored[NewUser]()
        for row in rows:
            try:
                storage.users.create(row.model)
                stored.inserted += 1
            except AlreadyExistsError as error:
                if _is_stored(storage, row.model if names is None else names.of(row.model)):
                    stored.duplicates += 1
                else:
                    stored.refused.append((row, error))
            except InvalidDataError as error:
                stored.refused.append((row, error))
        return stored

    return store


def _is_stored(storage: Storage, new: NewUser) -> bool:
    try:
        user = storage.users.get(new.id)
    except NotFoundError:
        return False
    return all(getattr(user, name) == getattr(new, name) for name in NewUser.model_fields)
