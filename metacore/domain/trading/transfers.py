"""Transfers: deposits and withdrawals, once for each reference."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from metacore.domain.trading.balances import Balance, BalanceKey, EntryReason
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
from metacore.domain.values.model import Model, unchecked
from metacore.domain.values.text import Key
from metacore.domain.values.times import Time, require_possible
from metacore.errors import ConflictError, InsufficientFundsError


class NewDeposit(Model):
    """An amount that has come in, once for each user and `reference`; it occurred now by default."""

    user_id: UUID
    asset: Key
    amount: PositiveAmount
    reference: Key
    occurred_at: Time | None = None


class Transfer(Model):
    """An amount that came in (DEPOSIT) or went out (WITHDRAWAL); `reference` is unique per user and reason."""

    user_id: UUID
    asset: Key
    amount: PositiveAmount
    reference: Key
    reason: EntryReason
    occurred_at: Time

    @classmethod
    def deposited(cls, new: NewDeposit, now: datetime) -> Transfer:
        """What comes in by a deposit that is told at `now`."""
        occurred_at = now if new.occurred_at is None else new.occurred_at
        return unchecked(cls, {**dict(new), "reason": EntryReason.DEPOSIT, "occurred_at": occurred_at})

    @property
    def key(self) -> BalanceKey:
        return self.user_id, self.asset

    @property
    def entry(self) -> EntryReference:
        """What its journal entry is found by."""
        return self.user_id, self.reason, self.reference


class TransferResult(Model):
    """What became of a deposit or withdrawal (APPLIED, COVERED or DUPLICATE), and the balance after it."""

    outcome: Outcome
    balance: Balance


@dataclass(frozen=True, slots=True)
class TransferFunds(Command[Sequence[TransferResult]]):
    """Deposit or withdraw amounts, each once, all or none, in list order; `tolerance` is that of account snapshots."""

    transfers: Sequence[Transfer]
    tolerance: timedelta = TOLERANCE
    is_fact: bool = False
    """Whether the exchange tells of them, so that no flag of a user refuses them."""

    def selection(self, exclusive: bool) -> Selection:
        return Selection(
            users=frozenset(transfer.user_id for transfer in self.transfers),
            exclusive_users=exclusive,
            entries=tuple({transfer.entry for transfer in self.transfers}),
            locked_balances=() if exclusive else tuple({transfer.key for transfer in self.transfers}),
            **(alone_with_facts(self.tolerance) if exclusive else {}),
        )

    def balances(self, work: UnitOfWork) -> set[BalanceKey]:
        return {*(transfer.key for transfer in self.transfers), *work.balances_of_facts()}

    def decide(self, work: UnitOfWork) -> Sequence[TransferResult]:
        outcomes = [transfer_funds(work, transfer, self.tolerance, self.is_fact) for transfer in self.transfers]
        return tuple(
            TransferResult(outcome=outcome, balance=work.balances[transfer.key])
            for transfer, outcome in zip(self.transfers, outcomes, strict=True)
        )

    def result(
        self, decided: Sequence[TransferResult], saved: Mapping[BalanceKey, Balance]
    ) -> Sequence[TransferResult]:
        return tuple(
            TransferResult(outcome=one.outcome, balance=saved.get(one.balance.key, one.balance)) for one in decided
        )


def transfer_funds(
    work: UnitOfWork, transfer: Transfer, tolerance: timedelta = TOLERANCE, is_fact: bool = False
) -> Outcome:
    """Write `transfer` to `work`, unless its reference is known already.

    A COVERED one, which an account snapshot has told, is entered together with the SNAPSHOT entry that takes it back:
    the journal tells of it, and no total moves. ConflictError if its reference is stored with another asset or
    amount, InsufficientFundsError if too little is free, InvalidDataError if its time cannot be; NotAllowedError if it
    is a withdrawal, no fact, and the user's flag refuses it.
    """
    state = work.state_of(transfer.user_id)
    require_possible(transfer.occurred_at, state.now, "occurred_at")
    content = (transfer.asset, transfer.amount)
    if (entered := work.entered.get(transfer.entry)) is not None:
        if entered != content:
            raise ConflictError(
                f"{transfer.reason} {transfer.reference} is stored with another asset or amount; choose a reference",
                conflicts=(transfer.reference,),
            )
        return Outcome.DUPLICATE
    is_deposit = transfer.reason is EntryReason.DEPOSIT
    if not is_deposit and not is_fact:
        state.user.require_flags("can_withdraw")
    move = transfer.amount if is_deposit else transfer.amount.copy_negate()
    outcome = enter(
        state, Fact(transfer.reason, transfer.reference, transfer.occurred_at, {transfer.asset: move}), tolerance
    )
    work.entered[transfer.entry] = content
    return outcome


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
