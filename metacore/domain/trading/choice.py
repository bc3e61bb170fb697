"""The choice of the books: which facts near an account snapshot it must have known, so that nothing is unexplained."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal

from metacore.domain.values.amounts import ZERO, exact

MOST = 24
"""How many facts may take part: each half of them has 4,096 sums."""

Steps = Mapping[str, Decimal]
"""By how much a change of side moves what is unexplained of each asset."""

_Way = tuple[int, tuple[int, ...]]
"""How many change sides, and which: the smaller way is the better."""


def choose(unexplained: Mapping[str, Decimal], steps: Sequence[Steps]) -> tuple[int, ...] | None:
    """The smallest set of `steps`, by their places, that leaves nothing of `unexplained`; None if there is none.

    Of several, that whose first place is the lowest, then the second... Found by meeting in the middle: the sums that
    one half of the steps can make are looked up among those of the other half.
    """
    assets = sorted({asset for asset, amount in unexplained.items() if amount}.union(*steps))
    if not any(unexplained.values()) or any(
        unexplained.get(asset, ZERO) and not any(asset in step for step in steps) for asset in assets
    ):
        return None
    numbers = _whole([[step.get(asset, ZERO) for asset in assets] for step in steps])
    (missing,) = _whole([[unexplained.get(asset, ZERO).copy_negate() for asset in assets]])
    middle = len(steps) // 2
    first, second = _ways(numbers, range(middle)), _ways(numbers, range(middle, len(steps)))
    found: list[_Way] = []
    for reached, (count, places) in first.items():
        rest = tuple(whole - part for whole, part in zip(missing, reached, strict=True))
        if (other := second.get(rest)) is not None:
            found.append((count + other[0], places + other[1]))
    return min(found)[1] if found else None


def _ways(numbers: Sequence[tuple[int, ...]], places: range) -> dict[tuple[int, ...], _Way]:
    """The best way to each sum that some of the steps at `places` have."""
    ways: dict[tuple[int, ...], _Way] = {(0,) * (len(numbers[0]) if numbers else 0): (0, ())}
    for place in places:
        for reached, (count, chosen) in list(ways.items()):
            total = tuple(map(sum, zip(reached, numbers[place], strict=True)))
            way = (count + 1, (*chosen, place))
            if total not in ways or way < ways[total]:
                ways[total] = way
    return ways


def _whole(rows: Sequence[Sequence[Decimal]]) -> list[tuple[int, ...]]:
    """Amounts as whole numbers of their smallest unit, which add up faster."""
    with exact():
        return [tuple(int(amount.scaleb(_PLACES)) for amount in row) for row in rows]


_PLACES = 36
"""An amount has no more digits after the point."""
