"""The journal's lines: one delta for one cause."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from uuid import UUID

from metacore.domain.trading.balances import BalanceDelta, EntryReason
from metacore.domain.values.amounts import ZERO
from metacore.domain.values.model import unchecked_maker


def line(
    user_id: UUID,
    asset: str,
    reason: EntryReason,
    reference: str | None,
    occurred_at: datetime,
    *,
    free: Decimal = ZERO,
    locked: Decimal = ZERO,
    unexplained: Decimal = ZERO,
) -> BalanceDelta:
    """The delta that moves `free` and `locked`, in canonical form, for one cause, named by `reason` and `reference`."""
    return _delta(
        {
            "user_id": user_id,
            "asset": asset,
            "delta_free": free,
            "delta_locked": locked,
            "delta_unexplained": unexplained,
            "reason": reason,
            "reference": reference,
            "occurred_at": occurred_at,
        }
    )


_delta = unchecked_maker(BalanceDelta, BalanceDelta.model_fields)


def hold(user_id: UUID, asset: str, amount: Decimal, reference: str, occurred_at: datetime) -> BalanceDelta:
    """The delta that locks `amount` of what is free."""
    return line(user_id, asset, EntryReason.HOLD, reference, occurred_at, free=amount.copy_negate(), locked=amount)


def release(user_id: UUID, asset: str, amount: Decimal, reference: str, occurred_at: datetime) -> BalanceDelta:
    """The delta that sets free `amount` of what is locked."""
    return line(user_id, asset, EntryReason.RELEASE, reference, occurred_at, free=amount, locked=amount.copy_negate())


def covered(entry: BalanceDelta, explains: bool) -> tuple[BalanceDelta, BalanceDelta]:
    """The `entry` of a fact that an account snapshot has told, all of it free, and the SNAPSHOT entry that takes it
    back; the credit comes first, and no total moves. Where the fact `explains` what snapshots told, that is explained.
    """
    back = entry.delta_free.copy_negate()
    undone = line(
        entry.user_id,
        entry.asset,
        EntryReason.SNAPSHOT,
        entry.reference,
        entry.occurred_at,
        free=back,
        unexplained=back if explains else ZERO,
    )
    return (entry, undone) if back < 0 else (undone, entry)
