"""Sides: which facts an account snapshot knew of. Two times closer than the tolerance tell no order."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Self

from metacore.domain.people.users import User
from metacore.domain.trading.facts import Fact
from metacore.domain.values.amounts import ZERO
from metacore.errors import ConfigurationError

TOLERANCE = timedelta(seconds=5)
"""How far apart two times must be, by default, to tell which came first: clocks differ, and some tell whole
seconds only.
"""


def require_tolerance(tolerance: timedelta) -> timedelta:
    """`tolerance`; ConfigurationError if it is no tolerance."""
    if not isinstance(tolerance, timedelta) or tolerance < timedelta():
        raise ConfigurationError("a tolerance is a timedelta, not negative", setting="snapshot_tolerance")
    return tolerance


@dataclass(frozen=True, slots=True)
class SnapshotTime:
    """When the newest account snapshot was taken (`as_of`), and the first (`since`), by the exchange's clock; when the
    newest was taken over, by ours (`synced_at`).

    A fact is BEFORE the snapshot, which knew of it, if its time is not after `as_of`, and AFTER it otherwise; those
    whose keys are `contrary` are on the other side.
    """

    as_of: datetime
    since: datetime
    synced_at: datetime | None
    tolerance: timedelta
    contrary: frozenset[str] = frozenset()

    @classmethod
    def of(cls, user: User, tolerance: timedelta) -> Self | None:
        """That of `user`; None before the first account snapshot."""
        as_of = user.balances_as_of
        if as_of is None:
            return None
        contrary = frozenset(user.balances_contrary)
        return cls(as_of, user.balances_since or as_of, user.balances_synced_at, tolerance, contrary)

    def is_sure(self, fact: Fact) -> bool:
        """Whether it is AFTER for sure: its order was placed here after the snapshot was taken over."""
        return self.is_placed_after(fact.placed_at)

    def is_placed_after(self, placed_at: datetime | None) -> bool:
        """Whether an order was placed here after the snapshot was taken over, both by our clock."""
        return placed_at is not None and self.synced_at is not None and placed_at > self.synced_at

    def is_near(self, moment: datetime) -> bool:
        """Whether `moment` is too close to the snapshot to tell which came first."""
        return abs(moment - self.as_of) <= self.tolerance

    def is_before(self, fact: Fact) -> bool:
        """The side of a fact that was told already."""
        if self.is_sure(fact):
            return False
        return (fact.occurred_at <= self.as_of) != (fact.key in self.contrary)

    def puts_before(self, fact: Fact, unexplained: Mapping[str, Decimal]) -> bool:
        """The side of a fact that is told now: near the snapshot, BEFORE if what it moves is unexplained so far."""
        if self.is_sure(fact) or fact.occurred_at - self.as_of > self.tolerance:
            return False
        if self.as_of - fact.occurred_at > self.tolerance:
            return True
        return self.as_of != self.since and all(
            _covers(unexplained.get(asset, ZERO), move) for asset, move in fact.moves.items()
        )

    def explains(self, moment: datetime) -> bool:
        """Whether a fact of that time can explain what account snapshots told: it is not before the first of them."""
        return self.since - moment <= self.tolerance

    def contrary_with(self, contrary: Iterable[str], fact: Fact, before: bool) -> tuple[str, ...]:
        """The `contrary` keys, in order, once `fact` is on that side."""
        is_contrary = (fact.occurred_at <= self.as_of) != before
        return tuple(sorted({*contrary, fact.key} if is_contrary else {*contrary} - {fact.key}))


def _covers(unexplained: Decimal, move: Decimal) -> bool:
    return unexplained.is_signed() == move.is_signed() and unexplained.copy_abs() >= move.copy_abs() > 0
