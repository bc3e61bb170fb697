"""Rows from files on their way into a storage: in portions, each a transaction, and what is refused of them."""

from __future__ import annotations

import gc
import sys
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import lru_cache
from itertools import islice
from threading import Event
from typing import Generic, TypeVar
from uuid import UUID

from metacore.backends.normal_names import NormalNames
from metacore.cli.lines import Refuse, legible
from metacore.cli.row_forms import Row
from metacore.domain.people.users import NewUser
from metacore.domain.trading.orders import NewOrder
from metacore.domain.trading.trades import NewTrade
from metacore.domain.values.imports import ImportResult
from metacore.domain.values.model import Model
from metacore.errors import AlreadyExistsError, ConflictError, InvalidDataError, MetacoreError, NotFoundError
from metacore.sync.storage.storage import Storage

M = TypeVar("M", bound=Model)
Owned = TypeVar("Owned", NewOrder, NewTrade)

PORTION = 5_000
"""How many rows are stored at once."""
_SWITCH_INTERVAL = 0.0005
_KNOWN = 10_000
"""How many users are remembered to exist."""
_PARTS = 10
"""How many parts a portion is split into where something in it is refused."""


@dataclass(slots=True)
class Stored(Generic[M]):
    """What became of rows."""

    inserted: int = 0
    duplicates: int = 0
    refused: list[tuple[Row[M], MetacoreError]] = field(default_factory=list)


Store = Callable[[Sequence[Row[M]], Callable[[], None]], Stored[M]]
"""Stores rows, but those that it refuses; calls the function once it has given them all to the server, before any of
them takes effect.
"""


def load(rows: Iterable[Row[M]], store: Store[M], refuse: Refuse, *, ahead: bool = False) -> Iterator[Stored[M]]:
    """Store `rows`, portion by portion: what became of each.

    If told to go `ahead`, it reads the next portion, and gives it to the server over another connection, while the
    server works on one: of what never keeps it waiting. They take effect one after another all the same.
    """
    remaining = iter(rows)
    underway = deque[Future[Stored[M]]]()
    with _undisturbed(), ThreadPoolExecutor(2) as threads:
        while portion := list(islice(remaining, PORTION)):
            turn = _Turn(underway[-1] if underway else None)
            underway.append(threads.submit(turn.take, store, portion))
            turn.is_sent.wait()
            while len(underway) > ahead:
                yield _refusing(underway.popleft().result(), refuse)
        while underway:
            yield _refusing(underway.popleft().result(), refuse)


class _Turn(Generic[M]):
    """The turn of a portion to be stored, behind the one `before` it."""

    def __init__(self, before: Future[Stored[M]] | None) -> None:
        self.is_sent = Event()
        """Set once the server has the portion, or will not have it."""
        self._before = before

    def take(self, store: Store[M], portion: Sequence[Row[M]]) -> Stored[M]:
        """Store the portion."""
        try:
            return store(portion, self._come)
        finally:
            self.is_sent.set()

    def _come(self) -> None:
        self.is_sent.set()
        if self._before is not None:
            self._before.result()


@contextmanager
def _undisturbed() -> Iterator[None]:
    """Rows refer to nothing that refers to them: looking for cycles among those of a portion finds none, at a cost.
    And whoever has heard of the server goes on at once, not after the 5 ms that a thread that works may else go on.
    """
    was_enabled, interval = gc.isenabled(), sys.getswitchinterval()
    gc.disable()
    sys.setswitchinterval(_SWITCH_INTERVAL)
    try:
        yield
    finally:
        sys.setswitchinterval(interval)
        if was_enabled:
            gc.enable()


def _refusing(stored: Stored[M], refuse: Refuse) -> Stored[M]:
    for row, error in stored.refused:
        refuse(row.number, error.message, legible(row.line or row.model.model_dump_json()))
    return stored


def by_import(
    storage: Storage, create_many: Callable[[Iterable[Owned]], ImportResult], name: Callable[[Owned], str]
) -> Store[Owned]:
    """What stores rows by `create_many`, and finds those that it refuses; `name` is what its error tells them by."""

    @lru_cache(_KNOWN)
    def unknown(user_id: UUID) -> NotFoundError | None:
        try:
            storage.users.get(user_id)
        except NotFoundError as error:
            return error
        return None

    def store(rows: Sequence[Row[Owned]], taken: Callable[[], None]) -> Stored[Owned]:
        stored, known = Stored[Owned](), list[Row[Owned]]()
        for row in rows:
            if (error := unknown(row.model.user_id)) is None:
                known.append(row)
            else:
                stored.refused.append((row, error))
        if known:
            add(known, taken, stored)
        return stored

    def add(rows: Sequence[Row[Owned]], taken: Callable[[], None], stored: Stored[Owned]) -> None:
        try:
            result = create_many(_models(rows, taken))
            stored.inserted += result.inserted
            stored.duplicates += result.duplicates
        except (ConflictError, NotFoundError) as error:
            if len(rows) == 1:
                stored.refused.append((rows[0], _of_one(error)))
            for part in _parts(rows, error, name) if len(rows) > 1 else ():
                add(part, taken, stored)

    return store


def _models(rows: Iterable[Row[M]], taken: Callable[[], None]) -> Iterator[M]:
    for row in rows:
        yield row.model
    taken()


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

    def store(rows: Sequence[Row[NewUser]], taken: Callable[[], None]) -> Stored[NewUser]:
        taken()
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
