"""UserState snapshots: what an exchange says an account holds, and how it is taken over."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Self
from uuid import UUID

from pydantic import model_validator

from metacore.domain.people.users import UserPatch
from metacore.domain.trading.balances import AccountBalance, Balance, BalanceKey, EntryReason, adjustments
from metacore.domain.trading.commands import Command
from metacore.domain.trading.decisions import Selection
from metacore.domain.trading.orders import Order
from metacore.domain.trading.reports import Outcome
from metacore.domain.trading.unit_of_work import UnitOfWork
from metacore.domain.trading.user_state import UserState
from metacore.domain.values.amounts import LIMIT, TOO_LARGE, ZERO, canonical, exact
from metacore.domain.values.model import Model, revised, unchecked
from metacore.domain.values.text import Key
from metacore.domain.values.times import Time


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
            raise ValueError("balances list an asset twice")
        if any(balance.total >= LIMIT for balance in self.balances):
            raise ValueError(f"a total has {TOO_LARGE}")
        return self

    def patch(self) -> UserPatch:
        """What it makes of its user: the time of the balances, and every flag that it tells."""
        flags = {name: getattr(self, name) for name in _FLAGS}
        return UserPatch(
            balances_as_of=self.taken_at, **{name: value for name, value in flags.items() if value is not None}
        )


_FLAGS = ("can_trade", "can_withdraw", "can_deposit", "account_type", "permissions")


class SnapshotResult(Model):
    """What became of a snapshot (APPLIED or STALE), and all balances of the user after it, by asset."""

    outcome: Outcome
    balances: tuple[Balance, ...]


@dataclass(frozen=True, slots=True)
class SyncAccount(Command[SnapshotResult]):
    """Take over an account snapshot, alone with its user."""

    user_id: UUID
    snapshot: AccountSnapshot

    def selection(self, exclusive: bool) -> Selection:  # noqa: ARG002
        return Selection(
            users=frozenset({self.user_id}),
            exclusive_users=True,
            holding=True,
            balances=True,
            moved_after=self.snapshot.taken_at,
        )

    def balances(self, work: UnitOfWork) -> set[BalanceKey]:
        """All that are stored, told or held; none if it is stale."""
        if self._is_stale(work):
            return set()
        assets = {balance.asset for balance in (*work.loaded.balances, *self.snapshot.balances)}
        assets |= {order.held_asset for order in work.loaded.orders if order.held_asset is not None}
        return {(self.user_id, asset) for asset in assets}

    def decide(self, work: UnitOfWork) -> SnapshotResult:
        if self._is_stale(work):
            return SnapshotResult(outcome=Outcome.STALE, balances=work.loaded.balances)
        balances = tuple(work.balances[key] for key in sorted(work.balances))
        take_over(work.state_of(self.user_id), self.snapshot, work.loaded.orders, balances)
        return SnapshotResult(outcome=Outcome.APPLIED, balances=balances)

    def result(self, decided: SnapshotResult, saved: Mapping[BalanceKey, Balance]) -> SnapshotResult:
        balances = tuple(saved.get(balance.key, balance) for balance in decided.balances)
        return SnapshotResult(outcome=decided.outcome, balances=balances)

    def _is_stale(self, work: UnitOfWork) -> bool:
        """Whether it is no newer than the one taken over before, or money moved after it."""
        as_of = work.state_of(self.user_id).user.balances_as_of
        return work.loaded.moved or (as_of is not None and self.snapshot.taken_at <= as_of)


def take_over(
    state: UserState, snapshot: AccountSnapshot, orders: Sequence[Order], balances: Sequence[Balance]
) -> None:
    """Write to `state` what makes the totals of `balances` those of `snapshot`, and the flags that it tells.

    Locked is the sum of the holds of `orders`. Holds above the total are cut, those of the newest orders, by
    (created_at, id), first. One SNAPSHOT entry for each balance that changes, dated `taken_at`, tells of all of it.
    """
    totals = {balance.asset: balance.total for balance in balances} if snapshot.is_partial else {}
    totals |= {balance.asset: balance.total for balance in snapshot.balances}
    holds: dict[str, Decimal] = {}
    with exact():
        for order in sorted(orders, key=lambda order: (order.created_at, order.id)):
            if order.held_asset is None:
                continue
            taken = holds.get(order.held_asset, ZERO)
            held = min(order.held_amount, totals.get(order.held_asset, ZERO) - taken)
            holds[order.held_asset] = taken + held
            if held != order.held_amount:
                cut = {"held_amount": canonical(held), "version": order.version + 1, "updated_at": state.now}
                state.put_order(revised(order, **cut))
        after = []
        for balance in balances:
            total, locked = totals.get(balance.asset, ZERO), holds.get(balance.asset, ZERO)
            after.append(unchecked(AccountBalance, {"asset": balance.asset, "free": total - locked, "locked": locked}))
    user_id = state.user.id
    state.post(adjustments(user_id, balances, after, False, snapshot.taken_at, EntryReason.SNAPSHOT))
    state.patch = snapshot.patch()
