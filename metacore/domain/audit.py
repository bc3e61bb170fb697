"""The audit: what must always be true of a user's money, checked."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from decimal import Decimal
from enum import StrEnum
from typing import Any
from uuid import UUID

from metacore.domain.amounts import ZERO, Amount, exact
from metacore.domain.balances import Balance, BalanceEntry
from metacore.domain.model import Model
from metacore.domain.orders import Order
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
    """Something that disagrees: `expected` by `rule`, `actual` as stored.

    It is found at an `asset`, a `seq` of its journal, or an order.
    """

    rule: AuditRule
    user_id: UUID
    asset: Key | None = None
    order_id: UUID | None = None
    seq: int | None = None
    expected: Amount | None = None
    actual: Amount | None = None


def audit(
    user_id: UUID,
    *,
    balances: Iterable[Balance],
    entries: Iterable[BalanceEntry],
    orders: Iterable[Order],
    settled: Mapping[UUID, Decimal],
) -> list[AuditFinding]:
    """What breaks a rule among the rows of one user, read in one snapshot.

    `entries` come by (asset, seq) and are consumed one by one, so that a long journal needs no memory; `settled` has
    the sum over the SETTLED trades of each order that has any.
    """
    findings: list[AuditFinding] = []

    def expect(rule: AuditRule, expected: Decimal, actual: Decimal, **where: Any) -> None:
        if expected != actual:
            findings.append(AuditFinding(rule=rule, user_id=user_id, expected=expected, actual=actual, **where))

    with exact():
        by_asset = {balance.asset: balance for balance in balances}
        ends: dict[str, tuple[int, Decimal, Decimal]] = {}
        for entry in entries:
            seq, free, locked = ends.get(entry.asset, (0, ZERO, ZERO))
            where = {"asset": entry.asset, "seq": entry.seq}
            expect(AuditRule.JOURNAL_GAPLESS, Decimal(seq + 1), Decimal(entry.seq), **where)
            expect(AuditRule.JOURNAL_ADDS_UP, free + entry.delta_free, entry.free_after, **where)
            expect(AuditRule.JOURNAL_ADDS_UP, locked + entry.delta_locked, entry.locked_after, **where)
            ends[entry.asset] = (entry.seq, entry.free_after, entry.locked_after)
        holds: dict[str, Decimal] = {}
        for order in orders:
            if order.held_asset is not None:
                holds[order.held_asset] = holds.get(order.held_asset, ZERO) + order.held_amount
            done = settled.get(order.id, ZERO)
            expect(AuditRule.SETTLED_IS_TRADES, done, order.settled_quantity, order_id=order.id)
            expect(
                AuditRule.EXECUTED_COVERS_SETTLED,
                max(done, order.executed_quantity),
                order.executed_quantity,
                order_id=order.id,
            )
        for asset in sorted({*by_asset, *ends, *holds}):
            balance = by_asset.get(asset)
            free, locked = (balance.free, balance.locked) if balance else (ZERO, ZERO)
            seq, free_after, locked_after = ends.get(asset, (0, ZERO, ZERO))
            expect(AuditRule.NOT_NEGATIVE, max(free, ZERO), free, asset=asset)
            expect(AuditRule.NOT_NEGATIVE, max(locked, ZERO), locked, asset=asset)
            expect(AuditRule.JOURNAL_GAPLESS, Decimal(seq), Decimal(balance.last_seq if balance else 0), asset=asset)
            expect(AuditRule.BALANCE_IS_JOURNAL, free_after, free, asset=asset)
            expect(AuditRule.BALANCE_IS_JOURNAL, locked_after, locked, asset=asset)
            expect(AuditRule.LOCKED_IS_HOLDS, holds.get(asset, ZERO), locked, asset=asset)
    return findings
