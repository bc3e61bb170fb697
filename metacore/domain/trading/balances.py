"""Balances and their journal."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import Any, Self
from uuid import UUID

from metacore.domain.values.amounts import LIMIT, TOO_LARGE, ZERO, Amount, NonNegativeAmount, canonical, exact
from metacore.domain.values.model import Model, revised, unchecked
from metacore.domain.values.text import Key
from metacore.domain.values.times import Time
from metacore.errors import InsufficientFundsError, InvalidDataError

BalanceKey = tuple[UUID, str]
"""`(user_id, asset)`."""


class EntryReason(StrEnum):
    """Why a balance changed."""

    DEPOSIT = "DEPOSIT"
    WITHDRAWAL = "WITHDRAWAL"
    HOLD = "HOLD"
    RELEASE = "RELEASE"
    TRADE = "TRADE"
    COMMISSION = "COMMISSION"
    SNAPSHOT = "SNAPSHOT"
    ADJUSTMENT = "ADJUSTMENT"
    TRANSFER = "TRANSFER"
    CHECKPOINT = "CHECKPOINT"


UNIQUELY_REFERENCED = frozenset({EntryReason.DEPOSIT, EntryReason.WITHDRAWAL})
"""The reasons whose references are unique for each user."""

FACTS = frozenset(
    {
        EntryReason.DEPOSIT,
        EntryReason.WITHDRAWAL,
        EntryReason.TRADE,
        EntryReason.COMMISSION,
        EntryReason.TRANSFER,
    }
)
"""The reasons of entries that tell what happened to the account: what an account snapshot may know of already."""


class AccountBalance(Model):
    """What an account has of one asset, as an exchange tells it."""

    asset: Key
    free: NonNegativeAmount
    locked: NonNegativeAmount = ZERO

    @property
    def total(self) -> Decimal:
        """Free and locked together."""
        with exact():
            return canonical(self.free + self.locked)


class Balance(AccountBalance):
    """What a user has of one asset. `last_seq` is the `seq` of its newest journal entry, 0 before the first.

    `unexplained` is signed: how much of the total no fact explains, only what account snapshots told of it.
    """

    user_id: UUID
    unexplained: Amount = ZERO
    last_seq: int = 0
    version: int = 1
    created_at: Time
    updated_at: Time

    @classmethod
    def empty(cls, user_id: UUID, asset: str, now: datetime) -> Self:
        """A balance of zero, without entries."""
        return unchecked(
            cls,
            {
                "asset": asset,
                "free": ZERO,
                "locked": ZERO,
                "user_id": user_id,
                "unexplained": ZERO,
                "last_seq": 0,
                "version": 1,
                "created_at": now,
                "updated_at": now,
            },
        )

    @property
    def key(self) -> BalanceKey:
        return self.user_id, self.asset


class BalanceDelta(Model):
    """A change of one balance for one cause; it becomes one journal entry.

    `reference` names the cause: the order of a hold, the trade of a fill, the caller's reference of a deposit. It is
    unique for each user among the DEPOSIT, and among the WITHDRAWAL entries. `delta_unexplained` is how much of what it
    moves no fact explains.
    """

    user_id: UUID
    asset: Key
    delta_free: Amount = ZERO
    delta_locked: Amount = ZERO
    delta_unexplained: Amount = ZERO
    reason: EntryReason
    reference: Key | None = None
    occurred_at: Time

    @property
    def key(self) -> BalanceKey:
        return self.user_id, self.asset


class BalanceEntry(BalanceDelta):
    """An entry of the journal: `seq` counts 1, 2, 3... for each balance without gaps, the `_after` amounts are what
    it left.
    """

    seq: int
    free_after: NonNegativeAmount
    locked_after: NonNegativeAmount
    unexplained_after: Amount
    created_at: Time

    def position(self) -> tuple[datetime, str, int]:
        """Where it stands in the journal, by time."""
        return self.occurred_at, self.asset, self.seq


class EntryFilter(Model):
    """Which journal entries to list: all that match every given field; `since` inclusive, `until` exclusive, by
    `occurred_at`.
    """

    asset: Key | None = None
    reason: EntryReason | None = None
    since: Time | None = None
    until: Time | None = None

    def matches(self, entry: BalanceEntry) -> bool:
        """Whether `entry` is one of them."""
        return (
            (self.asset is None or entry.asset == self.asset)
            and (self.reason is None or entry.reason is self.reason)
            and (self.since is None or entry.occurred_at >= self.since)
            and (self.until is None or entry.occurred_at < self.until)
        )


def apply_deltas(
    balances: dict[BalanceKey, Balance], deltas: Sequence[BalanceDelta], now: datetime
) -> tuple[dict[BalanceKey, Balance], Iterator[BalanceEntry]]:
    """The balances after `deltas`, in their order, and the journal entries that tell of it, made as they are taken.

    `balances` holds every balance that a delta names. InsufficientFundsError if one would fall below zero on the way,
    InvalidDataError if it would have more than 38 digits before the point; the version of a changed balance grows by
    one whatever the number of deltas.
    """
    running: dict[BalanceKey, list[Any]] = {}
    afters: list[dict[str, Any]] = []
    with exact():
        for delta in deltas:
            key = (delta.user_id, delta.asset)
            state = running.get(key)
            if state is None:
                stored = balances[key]
                state = running[key] = [stored.free, stored.locked, stored.unexplained, stored.last_seq]
            free_before, locked_before, unexplained, seq = state
            free = canonical(free_before + delta.delta_free) if delta.delta_free else free_before
            locked = canonical(locked_before + delta.delta_locked) if delta.delta_locked else locked_before
            if free < 0 or locked < 0:
                change, available = (delta.delta_free, free_before) if free < 0 else (delta.delta_locked, locked_before)
                raise InsufficientFundsError(delta.asset, needed=-change, available=available, user_id=delta.user_id)
            if free >= LIMIT or locked >= LIMIT:
                field = "delta_free" if free >= LIMIT else "delta_locked"
                raise InvalidDataError(f"a balance has {TOO_LARGE}", field=field)
            if delta.delta_unexplained:
                unexplained = canonical(unexplained + delta.delta_unexplained)
                if unexplained.copy_abs() >= LIMIT:
                    raise InvalidDataError(f"a balance has {TOO_LARGE}", field="delta_unexplained")
            state[:] = free, locked, unexplained, seq + 1
            after = {"seq": seq + 1, "free_after": free, "locked_after": locked, "unexplained_after": unexplained}
            afters.append({**after, "created_at": now})
    changed = {}
    for key, (free, locked, unexplained, seq) in running.items():
        amounts = {"free": free, "locked": locked, "unexplained": unexplained, "last_seq": seq}
        changed[key] = revised(balances[key], **amounts, version=balances[key].version + 1, updated_at=now)
    entries = (unchecked(BalanceEntry, delta.__dict__ | after) for delta, after in zip(deltas, afters, strict=True))
    return changed, entries


def only_referenced(deltas: Iterable[BalanceDelta]) -> BalanceDelta | None:
    """The first of `deltas` with a unique reference; None if there are several references, of which nobody can tell
    which was taken.
    """
    unique = [delta for delta in deltas if delta.reference is not None and delta.reason in UNIQUELY_REFERENCED]
    return unique[0] if len({delta.reference for delta in unique}) == 1 else None
