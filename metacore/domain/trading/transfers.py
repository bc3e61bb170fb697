"""Transfers: deposits and withdrawals, once for each reference."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from metacore.domain.trading.balances import Balance, BalanceEntry, BalanceKey, EntryReason
from metacore.domain.trading.commands import Command
from metacore.domain.trading.covering import alone_with_facts, explains, is_covered, note
from metacore.domain.trading.decisions import EntryReference, Selection
from metacore.domain.trading.facts import Fact
from metacore.domain.trading.journal import covered, line
from metacore.domain.trading.reports import Outcome
from metacore.domain.trading.sides import TOLERANCE
from metacore.domain.trading.unit_of_work import UnitOfWork
from metacore.domain.trading.user_state import UserState
from metacore.domain.values.amounts import ZERO, PositiveAmount
from metacore.domain.values.model import Model
from metacore.domain.values.text import Key
from metacore.domain.values.times import Time, require_possible
from metacore.errors import ConflictError, InsufficientFundsError


class Transfer(Model):
    """An amount that came in (DEPOSIT) or went out (WITHDRAWAL); `reference` is unique per user and reason."""

    user_id: UUID
    asset: Key
    amount: PositiveAmount
    reference: Key
    reason: EntryReason
    occurred_at: Time

    @property
    def key(self) -> BalanceKey:
        return self.user_id, self.asset

    @property
    def entry(self) -> EntryReference:
        """What its journal entry is found by."""
        return self.user_id, self.reason, self.reference

    def is_told_by(self, entry: BalanceEntry) -> bool:
        """Whether `entry`, which has its reference, is of the same asset and amount."""
        return self.asset == entry.asset and self.amount == entry.delta_free.copy_abs()


class TransferResult(Model):
    """What became of a deposit or withdrawal (APPLIED, COVERED or DUPLICATE), and the balance after it."""

    outcome: Outcome
    balance: Balance


@dataclass(frozen=True, slots=True)
class TransferFunds(Command[TransferResult]):
    """Deposit or withdraw an amount, once; `tolerance` is that of account snapshots."""

    transfer: Transfer
    tolerance: timedelta = TOLERANCE
    is_fact: bool = False
    """Whether the exchange tells of it, so that no flag of the user refuses it."""

    def selection(self, exclusive: bool) -> Selection:
        return Selection(
            users=frozenset({self.transfer.user_id}),
            exclusive_users=exclusive,
            entries=(self.transfer.entry,),
            locked_balances=() if exclusive else (self.transfer.key,),
            **(alone_with_facts(self.tolerance) if exclusive else {}),
        )

    def balances(self, work: UnitOfWork) -> set[BalanceKey]:
        return {self.transfer.key, *work.balances_of_facts()}

    def decide(self, work: UnitOfWork) -> TransferResult:
        outcome = transfer_funds(work, self.transfer, self.tolerance, self.is_fact)
        return TransferResult(outcome=outcome, balance=work.balances[self.transfer.key])

    def result(self, decided: TransferResult, saved: Mapping[BalanceKey, Balance]) -> TransferResult:
        balance = saved.get(self.transfer.key, decided.balance)
        return TransferResult(outcome=decided.outcome, balance=balance)


def transfer_funds(
    work: UnitOfWork, transfer: Transfer, tolerance: timedelta = TOLERANCE, is_fact: bool = False
) -> Outcome:
    """Write `transfer` to `work`, unless its entry is stored already.

    A COVERED one, which an account snapshot has told, is entered together with the SNAPSHOT entry that takes it back:
    the journal tells of it, and no total moves. ConflictError if its reference is stored with another asset or
    amount, InsufficientFundsError if too little is free, InvalidDataError if its time cannot be; NotAllowedError if it
    is a withdrawal, no fact, and the user's flag refuses it.
    """
    state = work.state_of(transfer.user_id)
    require_possible(transfer.occurred_at, state.now, "occurred_at")
    if (stored := work.entry(transfer.entry)) is not None:
        if not transfer.is_told_by(stored):
            raise ConflictError(
                f"{transfer.reason} {transfer.reference} is stored with another asset or amount; choose a reference",
                conflicts=(transfer.reference,),
            )
        return Outcome.DUPLICATE
    is_deposit = transfer.reason is EntryReason.DEPOSIT
    if not is_deposit and not is_fact:
        state.user.require_flags("can_withdraw")
    move = transfer.amount if is_deposit else transfer.amount.copy_negate()
    return enter(
        state, Fact(transfer.reason, transfer.reference, transfer.occurred_at, {transfer.asset: move}), tolerance
    )


def enter(state: UserState, fact: Fact, tolerance: timedelta) -> Outcome:
    """Write the entry of a `fact` that moves what is free of one asset to `state`: COVERED, with the entry that takes
    it back, if an account snapshot has told it, else APPLIED.

    InsufficientFundsError if too little is free, InvalidDataError if the balance has no room for it.
    """
    [(asset, move)] = fact.moves.items()
    amount, free = move.copy_abs(), state.funds[asset].free
    before = is_covered(state, fact, tolerance)
    explained = before and explains(state, fact.occurred_at, tolerance)
    if move > 0 or before:
        state.require_room(asset, amount, move.copy_negate() if explained else ZERO, "amount")
    elif free < amount:
        raise InsufficientFundsError(asset, needed=amount, available=free, user_id=state.user.id)
    entry = line(state.user.id, asset, fact.kind, fact.reference, fact.occurred_at, free=move)
    state.post(covered(entry, explained) if before else (entry,))
    note(state, fact, before, tolerance)
    return Outcome.COVERED if before else Outcome.APPLIED
