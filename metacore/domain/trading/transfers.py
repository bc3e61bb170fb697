"""Transfers: deposits and withdrawals, once for each reference."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from uuid import UUID

from metacore.domain.trading.balances import Balance, BalanceEntry, BalanceKey, EntryReason
from metacore.domain.trading.commands import Command
from metacore.domain.trading.decisions import EntryReference, Selection
from metacore.domain.trading.journal import line
from metacore.domain.trading.reports import Outcome
from metacore.domain.trading.unit_of_work import UnitOfWork
from metacore.domain.values.amounts import PositiveAmount
from metacore.domain.values.model import Model
from metacore.domain.values.text import Key
from metacore.domain.values.times import Time
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
    """Deposit or withdraw an amount, once."""

    transfer: Transfer

    def selection(self, exclusive: bool) -> Selection:
        user_id, entry = self.transfer.user_id, self.transfer.entry
        return Selection(users=frozenset({user_id}), exclusive_users=exclusive, entries=(entry,))

    def balances(self, work: UnitOfWork) -> set[BalanceKey]:  # noqa: ARG002
        return {self.transfer.key}

    def decide(self, work: UnitOfWork) -> TransferResult:
        outcome = transfer_funds(work, self.transfer)
        return TransferResult(outcome=outcome, balance=work.balances[self.transfer.key])

    def result(self, decided: TransferResult, saved: Mapping[BalanceKey, Balance]) -> TransferResult:
        balance = saved.get(self.transfer.key, decided.balance)
        return TransferResult(outcome=decided.outcome, balance=balance)


def transfer_funds(work: UnitOfWork, transfer: Transfer) -> Outcome:
    """Write `transfer` to `work`, unless its entry is stored already.

    A COVERED one, which an account snapshot has told, is entered together with the SNAPSHOT entry that takes it back:
    the journal tells of it, and no total moves. ConflictError if its reference is stored with another asset or
    amount, InsufficientFundsError if too little is free.
    """
    state = work.state_of(transfer.user_id)
    as_of = state.user.balances_as_of
    if (stored := work.entry(transfer.entry)) is not None:
        if not transfer.is_told_by(stored):
            raise ConflictError(
                f"{transfer.reason} {transfer.reference} is stored with another asset or amount; choose a reference",
                conflicts=(transfer.reference,),
            )
        return Outcome.DUPLICATE
    funds, covered = (
        state.funds[transfer.asset],
        as_of is not None and transfer.occurred_at <= as_of,
    )
    credit, debit = transfer.amount, transfer.amount.copy_negate()
    is_deposit = transfer.reason is EntryReason.DEPOSIT
    if is_deposit or covered:
        funds.require_room(credit, "amount")
    elif funds.free < credit:
        raise InsufficientFundsError(transfer.asset, needed=credit, available=funds.free, user_id=transfer.user_id)
    lines = [(transfer.reason, credit if is_deposit else debit)]
    if covered:
        # The credit comes first: the balance need not have what a covered withdrawal took.
        lines.insert(1 if is_deposit else 0, (EntryReason.SNAPSHOT, debit if is_deposit else credit))
    state.post(
        [line(*transfer.key, reason, transfer.reference, transfer.occurred_at, free=free) for reason, free in lines],
    )
    return Outcome.COVERED if covered else Outcome.APPLIED
