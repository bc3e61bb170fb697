"""The smallest set of changes that leaves nothing unexplained, against trying all of them."""

from decimal import Decimal
from itertools import combinations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from metacore.domain.trading.choice import MOST, choose

AMOUNTS = st.integers(-3, 3).map(Decimal)
STEPS = st.lists(st.dictionaries(st.sampled_from("AB"), AMOUNTS, max_size=2), max_size=7)


def tried(unexplained, steps):
    """The answer, found by trying every set, the smallest first."""
    if not any(unexplained.values()):
        return None
    for count in range(1, len(steps) + 1):
        for places in combinations(range(len(steps)), count):
            sums = {
                asset: amount + sum(steps[place].get(asset, 0) for place in places)
                for asset, amount in unexplained.items()
            }
            others = {asset for place in places for asset in steps[place]} - sums.keys()
            if not any(sums.values()) and not any(
                sum(steps[place].get(asset, 0) for place in places) for asset in others
            ):
                return places
    return None


@given(st.dictionaries(st.sampled_from("AB"), AMOUNTS), STEPS)
@example({"A": Decimal(-2)}, [{"A": Decimal(amount)} for amount in (3, 3, 3, 1, 1, 2)])
def test_it_is_the_smallest_and_of_those_the_first(unexplained, steps):
    assert choose(unexplained, steps) == tried(unexplained, steps)


@pytest.mark.parametrize("unexplained", [{}, {"A": Decimal(0)}])
def test_where_all_is_explained_nothing_changes(unexplained):
    assert choose(unexplained, [{"A": Decimal(1)}, {"A": Decimal(-1)}]) is None


def test_what_no_step_moves_cannot_be_explained():
    assert choose({"A": Decimal(1), "B": Decimal(1)}, [{"A": Decimal(-1)}]) is None
    assert choose({"A": Decimal(1)}, []) is None


def test_as_many_as_may_take_part_are_soon_decided():
    steps = [{"A": Decimal(2**place), "B": Decimal(-(3**place))} for place in range(MOST)]
    expected = tuple(range(0, MOST, 2))
    unexplained = {asset: -sum(steps[place][asset] for place in expected) for asset in "AB"}
    assert choose(unexplained, steps) == expected


def test_the_smallest_units_of_large_amounts_count():
    large, unit = Decimal("1" + "0" * 37), Decimal("1E-36")
    steps = [{"A": large}, {"A": unit}, {"A": unit * 2}]
    assert choose({"A": -(unit * 2)}, steps) == (2,)
    assert choose({"A": -(unit * 3)}, steps) == (1, 2)
    assert choose({"A": Decimal("-1" + "0" * 37 + "." + "0" * 35 + "1")}, steps) == (0, 1)
