"""Account snapshots: what an exchange says an account holds, and how it is taken over."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from typing import Self
from uuid import UUID

from pydantic import Field, model_validator

from metacore.domain.trading.archiving import is_too_old_for_facts
from metacore.domain.trading.asset_names import require_own_names
from metacore.domain.trading.balances import AccountBalance, Balance, BalanceKey, EntryReason
from metacore.domain.trading.commands import Command
from metacore.domain.trading.covering import cut_holds, reconsider
from metacore.domain.trading.decisions import FactWindow, Selection
from metacore.domain.trading.facts import Fact
from metacore.domain.trading.journal import line
from metacore.domain.trading.reports import Outcome
from metacore.domain.trading.sides import TOLERANCE, SnapshotTime
from metacore.domain.trading.unit_of_work import UnitOfWork
from metacore.domain.trading.user_state import UserState
from metacore.domain.values.amounts import LIMIT, TOO_LARGE, ZERO, canonical, exact
from metacore.domain.values.frozen import FrozenDict
from metacore.domain.values.model import Model, across
from metacore.domain.values.symbols import SumsByAsset
from metacore.domain.values.text import Key, Text
from metacore.domain.values.times import Time, require_possible


class AccountSnapshot(Model):
    """All balances of an account at `taken_at`: the exchange's time or, if it gives none, the clock before the request.

    An asset that is not listed is held at zero; a partial snapshot, of which some balances could not be read, tells
    nothing of it. The flags are None where the message does not tell them.
    """

    taken_at: Time
    balances: tuple[AccountBalance, ...]
    is_partial: bool = False
    can_trade: bool | None = None
    can_withdraw: bool | None = None
    can_deposit: bool | None = None
    account_type: Key | None = None
    permissions: tuple[Key, ...] | None = None

    @model_validator(mode="after")
    def _tells_one_total_of_each_asset(self) -> Self:
        if len({balance.asset for balance in self.balances}) < len(self.balances):
            raise across("balances list an asset twice", "balances")
        if any(balance.total >= LIMIT for balance in self.balances):
            raise across(f"a total has {TOO_LARGE}", "balances")
        return self

    def flags(self) -> dict[str, object]:
        """The flags that it tells."""
        return {name: value for name in _FLAGS if (value := getattr(self, name)) is not None}


_FLAGS = ("can_trade", "can_withdraw", "can_deposit", "account_type", "permissions")


class SnapshotResult(Model):
    """What became of a snapshot (APPLIED or STALE), and all balances of the user after it, by asset.

    `differences` are by how much the snapshot tells more of each asset than the facts told before it, which is now
    unexplained (but for the first snapshot, which is the opening); zero ones are left out. `reason` says why it is
    STALE.
    """

    outcome: Outcome
    balances: tuple[Balance, ...]
    differences: SumsByAsset = Field(default_factory=FrozenDict)
    reason: Text | None = None


@dataclass(frozen=True, slots=True)
class SyncAccount(Command[SnapshotResult]):
    """Take over an account snapshot, alone with its user."""

    user_id: UUID
    snapshot: AccountSnapshot
    tolerance: timedelta = TOLERANCE

    def selection(self, exclusive: bool) -> Selection:  # noqa: ARG002
        return Selection(
            users=frozenset({self.user_id}),
            exclusive_users=True,
            holding=True,
            balances=True,
            facts=FactWindow(self.tolerance, around=self.snapshot.taken_at, later=True),
        )

    def balances(self, work: UnitOfWork) -> set[BalanceKey]:
        """All that are stored, told or held; none if it is stale."""
        if self._stale(work) is not None:
            return set()
        assets = {balance.asset for balance in (*work.loaded.balances, *self.snapshot.balances)}
        assets |= {order.held_asset for order in work.loaded.orders if order.held_asset is not None}
        assets |= {reservation.asset for reservation in work.loaded.reservations}
        return {(self.user_id, asset) for asset in assets} | work.balances_of_facts()

    def decide(self, work: UnitOfWork) -> SnapshotResult:
        state = work.state_of(self.user_id)
        require_possible(self.snapshot.taken_at, work.now, "taken_at")
        if (reason := self._stale(work)) is not None:
            return SnapshotResult(outcome=Outcome.STALE, balances=work.loaded.balances, reason=reason)
        require_own_names(((self.user_id, balance.asset) for balance in self.snapshot.balances), work.balances.values())
        balances = tuple(work.balances[key] for key in sorted(work.balances))
        differences = _differences(state, self.snapshot, balances, self.tolerance)
        take_over(state, self.snapshot, balances, differences, self.tolerance)
        differing = FrozenDict({asset: amount for asset, amount in differences.items() if amount})
        return SnapshotResult(outcome=Outcome.APPLIED, balances=balances, differences=differing)

    def result(self, decided: SnapshotResult, saved: Mapping[BalanceKey, Balance]) -> SnapshotResult:
        balances = tuple(saved.get(balance.key, balance) for balance in decided.balances)
        return decided.changed(balances=balances)

    def _stale(self, work: UnitOfWork) -> str | None:
        """Why it is stale: it is no newer than the one taken over before or, the first one, too close to a fact."""
        state, taken_at = work.state_of(self.user_id), self.snapshot.taken_at
        as_of = state.user.balances_as_of
        if is_too_old_for_facts(state.user, taken_at - self.tolerance):
            return "facts of after it are archived"
        if as_of is not None:
            return None if taken_at > as_of else f"it is not newer than that of {as_of.isoformat()}, taken over before"
        if not any(abs(fact.occurred_at - taken_at) <= self.tolerance for fact in state.facts.values()):
            return None
        if not any(_differences(state, self.snapshot, work.loaded.balances, self.tolerance).values()):
            return None
        return "money moved too close to it to tell which came first: take another"


def take_over(
    state: UserState,
    snapshot: AccountSnapshot,
    balances: Sequence[Balance],
    differences: Mapping[str, Decimal],
    tolerance: timedelta,
) -> None:
    """Write to `state` what moves each total of `balances` by its difference, and the flags that `snapshot` tells.

    Locked is the sum of the holds, free the rest; holds above the total are cut, those of the newest orders, by
    (created_at, id), first, those of reservations last, and no total goes below zero. One SNAPSHOT entry for each
    balance that changes, dated `taken_at`, tells of all of it. Then the books choose.
    """
    taken_at, before = snapshot.taken_at, SnapshotTime.of(state.user, tolerance)
    contrary = sorted(fact.key for fact in _later(state, snapshot) if before is not None and before.is_before(fact))
    entries = []
    with exact():
        for balance in balances:
            total = canonical(max(balance.total + differences.get(balance.asset, ZERO), ZERO))
            locked = cut_holds(state, balance.asset, total)
            free, locked = canonical(total - locked - balance.free), canonical(locked - balance.locked)
            if free or locked:
                unexplained = canonical(free + locked) if before is not None else ZERO
                state.require_room(balance.asset, free + locked, unexplained, "balances")
                moved = {"free": free, "locked": locked, "unexplained": unexplained}
                entries.append(line(state.user.id, balance.asset, EntryReason.SNAPSHOT, None, taken_at, **moved))
    state.post(entries)
    since = {} if before is not None else {"balances_since": taken_at}
    state.revise_user(
        balances_as_of=taken_at,
        balances_synced_at=state.now,
        balances_contrary=tuple(contrary),
        **since,
        **snapshot.flags(),
    )
    reconsider(state, tolerance)


def _differences(
    state: UserState, snapshot: AccountSnapshot, balances: Sequence[Balance], tolerance: timedelta
) -> dict[str, Decimal]:
    """By how much the told total of each asset is above ours, without what the facts after the snapshot moved."""
    before = SnapshotTime.of(state.user, tolerance)
    ours = {balance.asset: balance.total for balance in balances}
    theirs = {balance.asset: balance.total for balance in snapshot.balances}
    assets = theirs.keys() if snapshot.is_partial else ours.keys() | theirs.keys()
    after: dict[str, Decimal] = {}
    with exact():
        for fact in _later(state, snapshot):
            if before is None or not before.is_before(fact):
                for asset, move in fact.moves.items():
                    after[asset] = after.get(asset, ZERO) + move
        return {
            asset: canonical(theirs.get(asset, ZERO) + after.get(asset, ZERO) - ours.get(asset, ZERO))
            for asset in sorted(assets if snapshot.is_partial else assets | after.keys())
        }


def _later(state: UserState, snapshot: AccountSnapshot) -> list[Fact]:
    return [fact for fact in state.facts.values() if fact.occurred_at > snapshot.taken_at]
