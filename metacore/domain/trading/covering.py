"""Covering: what an account snapshot knew of moves no total again, and the books choose where times cannot tell."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from metacore.domain.trading.balances import EntryReason
from metacore.domain.trading.choice import MOST, choose
from metacore.domain.trading.commands import NotAloneError
from metacore.domain.trading.decisions import FactWindow
from metacore.domain.trading.facts import Fact
from metacore.domain.trading.journal import line
from metacore.domain.trading.reservations import Reservation
from metacore.domain.trading.sides import SnapshotTime
from metacore.domain.trading.user_state import UserState
from metacore.domain.values.amounts import LIMIT, ZERO, addition, canonical, difference, exact
from metacore.domain.values.model import revised


def is_covered(state: UserState, fact: Fact, tolerance: timedelta) -> bool:
    """Whether the account snapshot knew of `fact`, which is told now.

    NotAloneError if only the books can tell, or a total is to be taken back, and others may change them meanwhile.
    """
    taken = SnapshotTime.of(state.user, tolerance)
    if taken is None or not is_close(state, fact.occurred_at, tolerance) or taken.is_sure(fact):
        return False
    if not state.alone:
        raise NotAloneError
    return taken.puts_before(fact, state.unexplained)


def alone_with_facts(tolerance: timedelta) -> dict[str, Any]:
    """What more to select, beside locking the users exclusively, so that the books can choose."""
    return {"balances": True, "holding": True, "facts": FactWindow(tolerance)}


def is_close(state: UserState, moment: datetime, tolerance: timedelta) -> bool:
    """Whether the newest account snapshot may know of what happened at `moment`."""
    as_of = state.user.balances_as_of
    return as_of is not None and moment - as_of <= tolerance


def explains(state: UserState, moment: datetime, tolerance: timedelta) -> bool:
    """Whether a fact of that time can explain what account snapshots told: it is not before the first of them."""
    taken = SnapshotTime.of(state.user, tolerance)
    return taken is not None and taken.explains(moment)


def note(state: UserState, fact: Fact, before: bool, tolerance: timedelta) -> None:
    """Take note in `state` that `fact` was told, on which side; then the books choose."""
    taken = SnapshotTime.of(state.user, tolerance)
    if taken is None or not is_close(state, fact.occurred_at, tolerance) or taken.is_sure(fact):
        return
    if taken.is_near(fact.occurred_at):
        state.facts[fact.key] = fact
        _put(state, taken, fact, before)
    reconsider(state, tolerance)


def note_command(state: UserState, fact: Fact, tolerance: timedelta) -> None:
    """Take note in `state` of what one of our own commands did, which no account snapshot knew of that was taken over;
    then the books choose. NotAloneError if they may, and others may change them meanwhile.
    """
    if is_close(state, fact.occurred_at, tolerance):
        if not state.alone:
            raise NotAloneError
        note(state, fact, before=False, tolerance=tolerance)


def reconsider(state: UserState, tolerance: timedelta) -> None:
    """Let the smallest set of facts near the account snapshot change sides that leaves nothing unexplained, if any.

    Of several, that with the earliest facts. A set that would take a total below zero, or above what can be stored,
    is left out.
    """
    taken = SnapshotTime.of(state.user, tolerance)
    if taken is None or not any(state.unexplained.values()):
        return
    near = _nearest(state.facts.values(), taken)
    steps = [_flip(fact, taken.is_before(fact)) for fact in near]
    chosen = choose(state.unexplained, steps)
    if chosen is None:
        return
    shifts = [(amount, asset, near[place]) for place in chosen for asset, amount in steps[place].items()]
    with exact():
        sums: dict[str, Decimal] = {}
        gains: dict[str, Decimal] = {}
        for amount, asset, _ in shifts:
            sums[asset] = sums.get(asset, ZERO) + amount
            gains[asset] = gains.get(asset, ZERO) + max(amount, ZERO)
        totals = {asset: state.funds[asset].total for asset in sums}
        if any(total + sums[asset] < 0 or total + gains[asset] >= LIMIT for asset, total in totals.items()):
            return
    # The credits come first, so that no balance falls below zero on the way.
    for amount, asset, fact in sorted(shifts, key=lambda shift: shift[0] < 0):
        shift_total(state, asset, amount, fact)
    for place in chosen:
        _put(state, taken, near[place], not taken.is_before(near[place]))


def shift_total(state: UserState, asset: str, amount: Decimal, fact: Fact) -> None:
    """Move a total, and what is unexplained of it, by a SNAPSHOT entry of `fact`; cut holds if too little is free."""
    funds = state.funds[asset]
    free = amount if amount >= 0 else max(amount, funds.free.copy_negate())
    locked = canonical(difference(amount, free))
    if locked:
        cut_holds(state, asset, canonical(addition(funds.locked, locked)))
    entry = line(
        state.user.id,
        asset,
        EntryReason.SNAPSHOT,
        fact.reference or "",
        fact.occurred_at,
        free=canonical(free),
        locked=locked,
        unexplained=amount,
    )
    state.post((entry,))


def cut_holds(state: UserState, asset: str, most: Decimal) -> Decimal:
    """Cut what orders and reservations hold of `asset` to `most` together, orders first, the newest first of each, by
    (created_at, id); what they hold then.

    The entry that tells of it is the caller's.
    """
    held = ZERO
    holding = [order for order in state.orders.values() if order.held_amount and order.held_asset == asset]
    reserved = [row for row in state.reservations.values() if row.held_amount and row.asset == asset]
    with exact():
        for row in sorted(reserved, key=Reservation.place):
            kept = canonical(min(row.held_amount, most - held))
            held += kept
            if kept != row.held_amount:
                state.put_reservation(revised(row, held_amount=kept, version=row.version + 1, updated_at=state.now))
        for order in sorted(holding, key=lambda order: (order.created_at, order.id)):
            kept = canonical(min(order.held_amount, most - held))
            held += kept
            if kept != order.held_amount:
                state.revise_order(order, held_amount=kept)
        return canonical(held)


def _put(state: UserState, taken: SnapshotTime, fact: Fact, before: bool) -> None:
    contrary = taken.contrary_with(state.user.balances_contrary, fact, before)
    if contrary != state.user.balances_contrary:
        state.revise_user(balances_contrary=contrary)


def _flip(fact: Fact, before: bool) -> dict[str, Decimal]:
    return {asset: move if before else move.copy_negate() for asset, move in fact.moves.items()}


def _nearest(facts: Iterable[Fact], taken: SnapshotTime) -> Sequence[Fact]:
    """Those that may change sides, the nearest ones if they are many, by (occurred_at, key)."""
    free = [fact for fact in facts if taken.is_near(fact.occurred_at) and not taken.is_sure(fact) and not fact.is_fixed]
    free.sort(key=lambda fact: (abs(fact.occurred_at - taken.as_of), *fact.place))
    return sorted(free[:MOST], key=lambda fact: fact.place)
