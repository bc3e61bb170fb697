"""Adjustments: what brings balances to what a caller tells them to be."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from uuid import UUID

from metacore.domain.trading.balances import AccountBalance, Balance, BalanceDelta, EntryReason
from metacore.domain.values.amounts import ZERO, exact
from metacore.domain.values.model import build
from metacore.errors import InvalidDataError


def parse_balances(balances: Iterable[object]) -> tuple[AccountBalance, ...]:
    """`balances`, checked: InvalidDataError for an asset named twice, or what is no amount, or a negative one."""
    parsed = []
    for balance in balances:
        values = balance if isinstance(balance, Mapping) else {name: getattr(balance, name, None) for name in _FIELDS}
        parsed.append(build(AccountBalance, values))
    if len({balance.asset for balance in parsed}) < len(parsed):
        raise InvalidDataError("an asset is named twice", field="balances")
    return tuple(parsed)


_FIELDS = ("asset", "free", "locked")


def adjustments(
    user_id: UUID,
    stored: Iterable[Balance],
    targets: Sequence[AccountBalance],
    replace: bool,
    now: datetime,
    reason: EntryReason = EntryReason.ADJUSTMENT,
) -> list[BalanceDelta]:
    """The deltas, by asset, that bring the balances to the `targets`; with `replace`, all others to zero."""
    amounts = {balance.asset: (balance.free, balance.locked) for balance in targets}
    deltas = []
    with exact():
        for balance in sorted(stored, key=lambda balance: balance.asset):
            default = (ZERO, ZERO) if replace else (balance.free, balance.locked)
            free, locked = amounts.get(balance.asset, default)
            if (free, locked) != (balance.free, balance.locked):
                deltas.append(
                    BalanceDelta(
                        user_id=user_id,
                        asset=balance.asset,
                        delta_free=free - balance.free,
                        delta_locked=locked - balance.locked,
                        reason=reason,
                        occurred_at=now,
                    )
                )
    return deltas
