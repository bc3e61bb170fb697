"""Balances and their journal."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import Self
from uuid import UUID

from metacore.domain.values.amounts import ZERO, Amount, NonNegativeAmount, canonical, exact
from metacore.domain.values.model import Model, unchecked
from metacore.domain.values.text import Key
from metacore.domain.values.times import Time

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
    """What a user has of one asset. `last_seq` is the `seq` of its newest journal entry, 0 before the first, and `head`
    the `hash` of that entry, empty before the first.

    `unexplained` is signed: how much of the total no fact explains, only what account snapshots told of it.
    """

    user_id: UUID
    unexplained: Amount = ZERO
    last_seq: int = 0
    head: str = ""
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
                "head": "",
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
    it left, and `hash` chains it to the entry before it.
    """

    seq: int
    free_after: NonNegativeAmount
    locked_after: NonNegativeAmount
    unexplained_after: Amount
    hash: str
    created_at: Time

    def position(self) -> tuple[datetime, str, int]:
        """Where it stands in the journal, by time."""
        return self.occurred_at, self.asset, self.seq


class BalanceHead(Model):
    """How far the journal of a balance goes: the `seq` and the `hash` of its newest entry.

    Kept where nobody who can write to the database reaches it, it proves every entry up to that one: see `audit`.
    """

    asset: Key
    seq: int
    hash: str


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
