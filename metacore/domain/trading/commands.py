"""Commands: what a caller wants done, as a value that says what it rests on, what it moves, and what it decides."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping, Sequence, Set
from dataclasses import dataclass
from itertools import chain
from typing import Generic, Protocol, TypeVar
from uuid import UUID

from metacore.domain.trading.balances import Balance, BalanceKey
from metacore.domain.trading.decisions import Selection
from metacore.domain.trading.unit_of_work import UnitOfWork
from metacore.errors import MetacoreError

R = TypeVar("R")
T = TypeVar("T")


class Command(ABC, Generic[R]):
    """Something to be done in one transaction, by pure steps: what it selects is loaded and locked, the balances that
    only what was loaded tells are locked after that, then it decides, and what it decided is saved.
    """

    @abstractmethod
    def selection(self, exclusive: bool) -> Selection:
        """What it rests on; its users are locked exclusively if `exclusive`."""

    def balances(self, work: UnitOfWork) -> Set[BalanceKey]:  # noqa: ARG002
        """The balances that it may move, given what was loaded; those that its selection has locked may be left out."""
        return frozenset()

    @abstractmethod
    def decide(self, work: UnitOfWork) -> R:
        """Write to `work` what it brings about, and tell what that is; an error stores nothing.

        NotAloneError if that must be decided alone with its users, and they are locked shared.
        """

    def parts(self) -> Sequence[Command[R]]:
        """What it may be divided into, to be decided one after the other: each is saved while the next is decided."""
        return (self,)

    def joined(self, results: Sequence[R]) -> R:
        """What all of its parts together have decided."""
        (result,) = results
        return result

    def result(self, decided: R, saved: Mapping[BalanceKey, Balance]) -> R:  # noqa: ARG002
        """`decided`, with the balances that it moved as they were `saved`."""
        return decided


AT_ONCE = 125
"""How many items of a batch are decided before they are saved."""


class Batch(Command[Sequence[R]]):
    """A command of several items, which take effect one after the other."""

    def joined(self, results: Sequence[Sequence[R]]) -> Sequence[R]:
        return tuple(chain.from_iterable(results))


def in_parts(items: Sequence[T]) -> list[Sequence[T]]:
    """The `items` of a batch for each of its parts, of which it has one at least."""
    return [items[start : start + AT_ONCE] for start in range(0, len(items) or 1, AT_ONCE)]


class NotAloneError(Exception):
    """Only a lock of its user keeps out another: something is to be stored that has no unique key to collide on, or a
    balance to be waited for out of turn.
    """


class Owned(Protocol):
    """Something of one user."""

    @property
    def user_id(self) -> UUID: ...


def by_user(pairs: Iterable[tuple[UUID, T]]) -> dict[UUID, list[T]]:
    """What belongs to each user, in its order; users by id."""
    found: dict[UUID, list[T]] = {}
    last, values = None, list[T]()
    for user_id, value in pairs:
        # As a rule one object is the user of all: it is hashed, in Python, once.
        if user_id is not last:
            last, values = user_id, found.setdefault(user_id, [])
        values.append(value)
    return found if len(found) < 2 else {user_id: found[user_id] for user_id in sorted(found)}


class Failed(Protocol):
    """What became of one fact."""

    @property
    def error(self) -> MetacoreError | None: ...


F = TypeVar("F", bound=Failed)


@dataclass(frozen=True, slots=True)
class Sole(Command[F]):
    """A batch of one fact; its error is raised, so that nothing at all is stored."""

    batch: Command[Sequence[F]]

    def selection(self, exclusive: bool) -> Selection:
        return self.batch.selection(exclusive)

    def balances(self, work: UnitOfWork) -> Set[BalanceKey]:
        return self.batch.balances(work)

    def decide(self, work: UnitOfWork) -> F:
        (result,) = self.batch.decide(work)
        if result.error is not None:
            raise result.error
        return result
