"""Facts: what happened to an account, as its journal tells it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from metacore.domain.trading.balances import FACTS, BalanceEntry, EntryReason
from metacore.domain.values.amounts import ZERO, canonical, exact

Placement = tuple[bool, datetime | None]
"""Whether the order of a trade is stored, and when it was placed here, if it was."""


@dataclass(frozen=True, slots=True)
class Fact:
    """A trade, deposit, withdrawal or transfer: what it moved of each asset's total, when, by the exchange's clock.

    `moves` leaves out what it moves by zero. `placed_at` is when the order of a trade was placed here, by our clock;
    None where it was not. A fact whose order is unknown, or that has no reference, `is_fixed`: whatever an account
    snapshot tells, it stays on its side.
    """

    kind: EntryReason
    reference: str | None
    occurred_at: datetime
    moves: Mapping[str, Decimal]
    placed_at: datetime | None = None
    is_fixed: bool = False

    @property
    def place(self) -> tuple[datetime, str, str]:
        """Where it stands among the facts of its user: by (occurred_at, reference, key)."""
        return self.occurred_at, self.reference or "", self.key

    @property
    def key(self) -> str:
        """What tells it from every other fact of its user: a reference alone does not tell transfers apart, of which
        several users may send some under the same one.
        """
        if self.kind is not EntryReason.TRANSFER:
            return f"{self.kind}:{self.reference}"
        [(asset, move)] = self.moves.items() or [("", ZERO)]
        return f"{self.kind}:{self.reference}:{asset}:{'-' if move < 0 else '+'}:{self.occurred_at.isoformat()}"


def moved(reference: str, asset: str, amount: Decimal, occurred_at: datetime) -> Fact:
    """That `amount` was moved to the user by another one; from the user, if it is below zero."""
    return Fact(EntryReason.TRANSFER, reference, occurred_at, {asset: amount})


def moves_of(parts: Iterable[tuple[str, Decimal]]) -> dict[str, Decimal]:
    """What `parts` move of each asset together; nothing of those that they move by zero."""
    sums: dict[str, Decimal] = {}
    with exact():
        for asset, amount in parts:
            sums[asset] = sums.get(asset, ZERO) + amount
    return {asset: canonical(sums[asset]) for asset in sorted(sums) if sums[asset]}


def facts_of(entries: Iterable[BalanceEntry], placements: Mapping[UUID, Placement]) -> list[Fact]:
    """The facts that `entries` of one user tell of; `placements` are those of the trades among them, by their ids."""
    grouped: dict[Any, list[BalanceEntry]] = {}
    for entry in entries:
        if entry.reason in FACTS:
            # A commission is part of its trade. What has no reference stands for itself.
            kind = EntryReason.TRADE if entry.reason is EntryReason.COMMISSION else entry.reason
            alone: object = None if entry.reference is not None else (entry.asset, entry.seq)
            if kind is EntryReason.TRANSFER and alone is None:
                alone = entry.asset, entry.delta_free + entry.delta_locked < 0, entry.occurred_at
            grouped.setdefault((kind, entry.reference, alone), []).append(entry)
    placed = {str(trade_id): placement for trade_id, placement in placements.items()}
    facts = []
    for (kind, reference, _), parts in grouped.items():
        known, placed_at = placed.get(reference, (False, None)) if kind is EntryReason.TRADE else (True, None)
        with exact():
            moves = moves_of((entry.asset, entry.delta_free + entry.delta_locked) for entry in parts)
        is_fixed = reference is None or not known
        facts.append(Fact(kind, reference, parts[0].occurred_at, moves, placed_at, is_fixed))
    return facts
