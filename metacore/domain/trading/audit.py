"""The audit: what must always be true of a user's money, checked."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from decimal import Decimal
from enum import StrEnum
from typing import Any
from uuid import UUID

from metacore.domain.trading.archiving import first_after
from metacore.domain.trading.balances import Balance, BalanceEntry, BalanceHead, EntryReason
from metacore.domain.trading.entries import entry_hash
from metacore.domain.trading.orders import Order
from metacore.domain.values.amounts import ZERO, Sum, exact
from metacore.domain.values.model import Model, require_models
from metacore.domain.values.text import Key


class AuditRule(StrEnum):
    """Which rule a finding breaks."""

    NOT_NEGATIVE = "NOT_NEGATIVE"
    JOURNAL_GAPLESS = "JOURNAL_GAPLESS"
    JOURNAL_ADDS_UP = "JOURNAL_ADDS_UP"
    JOURNAL_IS_CHAINED = "JOURNAL_IS_CHAINED"
    JOURNAL_HAS_HEADS = "JOURNAL_HAS_HEADS"
    BALANCE_IS_JOURNAL = "BALANCE_IS_JOURNAL"
    UNEXPLAINED_IS_SNAPSHOTS = "UNEXPLAINED_IS_SNAPSHOTS"
    LOCKED_IS_HOLDS = "LOCKED_IS_HOLDS"
    SETTLED_IS_TRADES = "SETTLED_IS_TRADES"
    EXECUTED_COVERS_SETTLED = "EXECUTED_COVERS_SETTLED"
    CHECKPOINT_MOVES_NOTHING = "CHECKPOINT_MOVES_NOTHING"


OF_JOURNAL = frozenset(
    {
        AuditRule.JOURNAL_GAPLESS,
        AuditRule.JOURNAL_ADDS_UP,
        AuditRule.JOURNAL_IS_CHAINED,
        AuditRule.JOURNAL_HAS_HEADS,
        AuditRule.BALANCE_IS_JOURNAL,
        AuditRule.UNEXPLAINED_IS_SNAPSHOTS,
        AuditRule.CHECKPOINT_MOVES_NOTHING,
    }
)
"""The rules that journal and balances keep or break by themselves."""


class AuditFinding(Model):
    """Something that disagrees: `expected` by `rule`, `actual` as stored, where it is about numbers.

    It is found at an `asset`, a `seq` of its journal, or an order.
    """

    rule: AuditRule
    user_id: UUID
    asset: Key | None = None
    order_id: UUID | None = None
    seq: int | None = None
    expected: Sum | None = None
    actual: Sum | None = None


_BEGINNING = (0, ZERO, ZERO, ZERO, "")


class Audit:
    """What breaks a rule among the rows of one user, read in one snapshot.

    Journal and orders are read portion by portion, and not kept; `findings`, given the balances, comes last. Of a
    journal that entries were taken out of, what is before the newest CHECKPOINT's `first_after` may be missing, and the
    rest adds up from there on; not if it is told `whole`, with what was taken out. The journal must have the entries
    that `heads`, kept elsewhere, tell of, if they were not taken out.
    """

    def __init__(self, user_id: UUID, whole: bool = False, heads: Iterable[BalanceHead] = ()) -> None:
        self._user_id = user_id
        self._whole = whole
        kept = require_models(BalanceHead, heads, "heads")
        self._unmet = {(head.asset, head.seq, head.hash) for head in kept}
        self._gaps: dict[str, list[tuple[int, list[AuditFinding]]]] = {}
        self._firsts: dict[str, int] = {}
        self._findings: list[AuditFinding] = []
        self._ends: dict[str, tuple[int, Decimal, Decimal, Decimal, str]] = {}
        self._holds: dict[str, Decimal] = {}

    def read_entries(self, entries: Iterable[BalanceEntry]) -> None:
        """Read the next entries, by (asset, seq)."""
        with exact():
            for entry in entries:
                seq, free, locked, unexplained, previous = self._ends.get(entry.asset, _BEGINNING)
                where = {"asset": entry.asset, "seq": entry.seq}
                found = len(self._findings)
                self._expect(AuditRule.JOURNAL_GAPLESS, Decimal(seq + 1), Decimal(entry.seq), **where)
                self._expect(AuditRule.JOURNAL_ADDS_UP, free + entry.delta_free, entry.free_after, **where)
                self._expect(AuditRule.JOURNAL_ADDS_UP, locked + entry.delta_locked, entry.locked_after, **where)
                rule = AuditRule.UNEXPLAINED_IS_SNAPSHOTS
                self._expect(rule, unexplained + entry.delta_unexplained, entry.unexplained_after, **where)
                after = entry.free_after, entry.locked_after, entry.unexplained_after
                if entry.hash != entry_hash(previous, entry, entry.seq, after, entry.created_at):
                    self._find(AuditRule.JOURNAL_IS_CHAINED, **where)
                if entry.seq != seq + 1:
                    self._gaps.setdefault(entry.asset, []).append((entry.seq, self._findings[found:]))
                moved = entry.delta_free + entry.delta_locked if entry.reason is EntryReason.SNAPSHOT else ZERO
                # Neither the opening is unexplained, nor what took back a fact that is older than it.
                explained = moved if entry.delta_unexplained else ZERO
                self._expect(rule, explained, entry.delta_unexplained, **where)
                if entry.reason is EntryReason.CHECKPOINT:
                    self._read_checkpoint(entry)
                self._unmet.discard((entry.asset, entry.seq, entry.hash))
                self._ends[entry.asset] = (entry.seq, *after, entry.hash)

    def read_orders(self, orders: Iterable[tuple[Order, Decimal]]) -> None:
        """Read the next orders, each with the sum of its SETTLED trades."""
        with exact():
            for order, settled in orders:
                if order.held_asset is not None:
                    held = self._holds.get(order.held_asset, ZERO)
                    self._holds[order.held_asset] = held + order.held_amount
                executed, where = order.executed_quantity, {"order_id": order.id}
                self._expect(AuditRule.SETTLED_IS_TRADES, settled, order.settled_quantity, **where)
                self._expect(AuditRule.EXECUTED_COVERS_SETTLED, max(settled, executed), executed, **where)

    def read_reserved(self, reserved: Iterable[tuple[str, Decimal]]) -> None:
        """Read what reservations hold of each asset, or of some."""
        with exact():
            for asset, held in reserved:
                self._holds[asset] = self._holds.get(asset, ZERO) + held

    def last_seq(self, asset: str) -> int:
        """The `seq` of the last entry of a balance that was read, 0 before the first."""
        return self._ends.get(asset, _BEGINNING)[0]

    def of_history(self, balances: Iterable[Balance]) -> list[AuditFinding]:
        """What disagrees in journal and orders, given the `balances`, whatever holds of orders were not read."""
        return [found for found in self.findings(balances) if found.rule in OF_JOURNAL or found.order_id is not None]

    def findings(self, balances: Iterable[Balance]) -> list[AuditFinding]:
        """All that disagrees: in the journal, in the orders, and in the `balances` against both."""
        by_asset = {balance.asset: balance for balance in balances}
        for asset in sorted({*by_asset, *self._ends, *self._holds}):
            balance = by_asset.get(asset)
            free, locked = (balance.free, balance.locked) if balance else (ZERO, ZERO)
            seq, free_after, locked_after, unexplained_after, last_hash = self._ends.get(asset, _BEGINNING)
            last_seq = Decimal(balance.last_seq if balance else 0)
            self._expect(AuditRule.NOT_NEGATIVE, max(free, ZERO), free, asset=asset)
            self._expect(AuditRule.NOT_NEGATIVE, max(locked, ZERO), locked, asset=asset)
            self._expect(AuditRule.JOURNAL_GAPLESS, Decimal(seq), last_seq, asset=asset)
            self._expect(AuditRule.BALANCE_IS_JOURNAL, free_after, free, asset=asset)
            self._expect(AuditRule.BALANCE_IS_JOURNAL, locked_after, locked, asset=asset)
            unexplained = balance.unexplained if balance else ZERO
            self._expect(AuditRule.UNEXPLAINED_IS_SNAPSHOTS, unexplained_after, unexplained, asset=asset)
            self._expect(AuditRule.LOCKED_IS_HOLDS, self._holds.get(asset, ZERO), locked, asset=asset)
            if last_hash != (balance.head if balance else ""):
                self._find(AuditRule.JOURNAL_IS_CHAINED, asset=asset)
        for asset, seq, _ in sorted(self._unmet):
            if seq >= self._first(asset):
                self._find(AuditRule.JOURNAL_HAS_HEADS, asset=asset, seq=seq)
        excused = {id(finding) for finding in self._excused()}
        return [finding for finding in self._findings if id(finding) not in excused]

    def _read_checkpoint(self, entry: BalanceEntry) -> None:
        where = {"asset": entry.asset, "seq": entry.seq}
        for delta in (entry.delta_free, entry.delta_locked):
            self._expect(AuditRule.CHECKPOINT_MOVES_NOTHING, ZERO, delta, **where)
        if (first := first_after(entry)) is not None:
            self._firsts[entry.asset] = first

    def _first(self, asset: str) -> int:
        """The first entry of a balance that must be there, with all that follow."""
        return 0 if self._whole else self._firsts.get(asset, 0)

    def _excused(self) -> Iterator[AuditFinding]:
        """What was found only because the entries before were taken out."""
        for asset, gaps in self._gaps.items():
            first = self._first(asset)
            for seq, findings in gaps:
                if seq <= first:
                    yield from findings

    def _expect(self, rule: AuditRule, expected: Decimal, actual: Decimal, **where: Any) -> None:
        if expected != actual:
            self._find(rule, expected=expected, actual=actual, **where)

    def _find(self, rule: AuditRule, **what: Any) -> None:
        self._findings.append(AuditFinding(rule=rule, user_id=self._user_id, **what))
