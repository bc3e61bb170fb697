"""Balances, what moves them, reservations and account snapshots, drawn."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any
from uuid import UUID

from hypothesis import strategies as st

from metacore.domain.trading.balances import AccountBalance, BalanceDelta, EntryFilter, EntryReason
from metacore.domain.trading.reservations import NewReservation
from metacore.domain.trading.snapshots import AccountSnapshot
from metacore.domain.values.amounts import ATTO, LIMIT, addition

from .values import (
    FUNDS,
    USERS,
    amounts,
    assets,
    edges,
    maybe,
    money,
    mostly,
    references,
    reservation_ids,
    times,
    users,
)


@st.composite
def snapshots(draw: Any) -> AccountSnapshot:
    listed = draw(st.lists(assets, unique=True, max_size=2))
    listed += [asset for asset in FUNDS if asset not in listed and draw(st.integers(0, 3))]
    return AccountSnapshot(
        taken_at=draw(times),
        balances=tuple(
            AccountBalance(asset=asset, free=draw(mostly(st.just(FUNDS.get(asset, ATTO)), money)), locked=draw(money))
            for asset in listed
        ),
        can_trade=draw(maybe(st.booleans())),
    )


@st.composite
def near_snapshots(draw: Any, totals: Mapping[UUID, Mapping[str, Decimal]]) -> tuple[UUID, AccountSnapshot]:
    """A user, and a snapshot that tells what is stored, or by an amount more or less: facts may explain it."""
    user = draw(st.sampled_from(USERS[:2]))
    snapshot_totals = {}
    for asset, total in totals.get(user, {}).items():
        more = draw(st.sampled_from([Decimal(0)] * 3 + [Decimal("0.5"), Decimal(1), Decimal(500), Decimal(1000)]))
        changed = addition(total, more if draw(st.booleans()) else more.copy_negate())
        snapshot_totals[asset] = changed if 0 <= changed < LIMIT else total
    rows = tuple(AccountBalance(asset=asset, free=total) for asset, total in snapshot_totals.items() if total < LIMIT)
    return user, AccountSnapshot(taken_at=draw(times), balances=rows)


deltas = st.builds(
    BalanceDelta,
    user_id=users,
    asset=assets,
    delta_free=st.one_of(money, money.map(lambda amount: -amount), edges),
    delta_locked=st.one_of(amounts("0", "1", "-1"), edges),
    reason=st.sampled_from(EntryReason),
    reference=maybe(references),
    occurred_at=times,
)

balances = st.builds(AccountBalance, asset=assets, free=st.one_of(money, edges, amounts("0")), locked=amounts("0", "2"))

new_reservations = st.builds(
    NewReservation,
    id=reservation_ids,
    user_id=users,
    asset=assets,
    amount=money,
    reference=references,
    expires_at=maybe(times),
)

entry_filters = st.builds(
    EntryFilter,
    asset=maybe(assets),
    reason=maybe(st.sampled_from(EntryReason)),
    since=maybe(times),
    until=maybe(times),
)
