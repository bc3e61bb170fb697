"""The audit: what must always be true of a user's money, checked."""

from __future__ import annotations

from enum import StrEnum
from uuid import UUID

from metacore.domain.amounts import Amount
from metacore.domain.model import Model
from metacore.domain.text import Key


class AuditRule(StrEnum):
    """Which rule a finding breaks."""

    NOT_NEGATIVE = "NOT_NEGATIVE"
    JOURNAL_GAPLESS = "JOURNAL_GAPLESS"
    JOURNAL_ADDS_UP = "JOURNAL_ADDS_UP"
    BALANCE_IS_JOURNAL = "BALANCE_IS_JOURNAL"
    LOCKED_IS_HOLDS = "LOCKED_IS_HOLDS"
    SETTLED_IS_TRADES = "SETTLED_IS_TRADES"
    EXECUTED_COVERS_SETTLED = "EXECUTED_COVERS_SETTLED"


class AuditFinding(Model):
    """Something that disagrees: `expected` by `rule`, `actual` as stored, at an `asset` (and `seq` of its journal) or an order."""

    rule: AuditRule
    user_id: UUID
    asset: Key | None = None
    order_id: UUID | None = None
    seq: int | None = None
    expected: Amount | None = None
    actual: Amount | None = None
