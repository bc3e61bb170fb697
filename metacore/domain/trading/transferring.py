"""The command that hands an amount from one user to another, once."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta

from metacore.domain.trading.balances import Balance, BalanceKey
from metacore.domain.trading.commands import Command
from metacore.domain.trading.covering import alone_with_facts
from metacore.domain.trading.decisions import Selection
from metacore.domain.trading.facts import moved
from metacore.domain.trading.reports import Outcome
from metacore.domain.trading.sides import TOLERANCE
from metacore.domain.trading.transfers import enter
from metacore.domain.trading.unit_of_work import UnitOfWork
from metacore.domain.trading.user_transfers import UserTransfer
from metacore.domain.values.model import Model
from metacore.domain.values.times import require_possible
from metacore.errors import ConflictError


class UserTransferResult(Model):
    """What became of a transfer between users, and what the one who gives has after it.

    APPLIED moved both balances; COVERED is entered, but the account snapshot of one of them, or of both, knew of it,
    and moved its total already; DUPLICATE was stored before.
    """

    outcome: Outcome
    balance: Balance


@dataclass(frozen=True, slots=True)
class HandOver(Command[UserTransferResult]):
    """Hand an amount from one user to another, once; `tolerance` is that of account snapshots."""

    transfer: UserTransfer
    tolerance: timedelta = TOLERANCE

    def selection(self, exclusive: bool) -> Selection:
        return Selection(
            users=frozenset({self.transfer.user_id, self.transfer.to_user_id}),
            exclusive_users=exclusive,
            user_transfers=(self.transfer.key,),
            locked_balances=() if exclusive else tuple(self.transfer.balance_keys),
            **(alone_with_facts(self.tolerance) if exclusive else {}),
        )

    def balances(self, work: UnitOfWork) -> set[BalanceKey]:
        return self.transfer.balance_keys | work.balances_of_facts()

    def decide(self, work: UnitOfWork) -> UserTransferResult:
        outcome = hand_over(work, self.transfer, self.tolerance)
        return UserTransferResult(outcome=outcome, balance=work.balances[self.transfer.user_id, self.transfer.asset])

    def result(self, decided: UserTransferResult, saved: Mapping[BalanceKey, Balance]) -> UserTransferResult:
        balance = saved.get(decided.balance.key, decided.balance)
        return UserTransferResult(outcome=decided.outcome, balance=balance)


def hand_over(work: UnitOfWork, transfer: UserTransfer, tolerance: timedelta = TOLERANCE) -> Outcome:
    """Write `transfer`, and the TRANSFER entries of both users, to `work`, unless it is stored already.

    Each side is COVERED by itself, where that user's account snapshot has told it. ConflictError if its reference is
    stored with other content, InsufficientFundsError if too little is free, InvalidDataError if its time cannot be, or
    the other user has no room for it; NotAllowedError if a flag of the user who gives refuses it.
    """
    giver = work.state_of(transfer.user_id)
    require_possible(transfer.occurred_at, work.now, "occurred_at")
    if (stored := work.user_transfer(transfer.key)) is not None:
        if stored.content() != transfer.content():
            raise ConflictError(
                f"transfer {transfer.reference} is stored with another user, asset or amount; choose a reference",
                conflicts=(transfer.reference,),
            )
        return Outcome.DUPLICATE
    receiver = work.state_of(transfer.to_user_id)
    giver.user.require_flags("can_withdraw")
    named = transfer.reference, transfer.asset
    sent = enter(giver, moved(*named, transfer.amount.copy_negate(), transfer.occurred_at), tolerance)
    received = enter(receiver, moved(*named, transfer.amount, transfer.occurred_at), tolerance)
    work.user_transfers[transfer.key] = transfer
    return Outcome.COVERED if Outcome.COVERED in (sent, received) else Outcome.APPLIED
