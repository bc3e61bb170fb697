"""What a part of a bar may tell."""

from datetime import timedelta
from decimal import Decimal

import pytest
from pydantic import ValidationError

from metacore import Bar, BarPart
from metacore.domain.market.bars import average, bar_of, first_minute, minute_of
from metacore.testing.clock import START
from metacore.testing.factories import BarPartFactory

FIRST = minute_of(START)


@pytest.mark.parametrize(
    ("values", "field"),
    [
        ({"count": 0, "sum": Decimal(1)}, "count"),
        ({"count": 2**31}, "count"),
        ({"low": Decimal(0)}, "low"),
        ({"sum": Decimal(-1)}, "sum"),
        ({"starts_at": START, "low_at": START, "high_at": START, "last_at": START}, "starts_at"),
        ({"low_at": FIRST - timedelta(microseconds=1)}, "low_at"),
        ({"high_at": FIRST + timedelta(minutes=1)}, "high_at"),
        ({"last_at": FIRST + timedelta(minutes=1)}, "last_at"),
        ({"last": Decimal(50101)}, "low, last, high"),
        ({"last": Decimal(49999)}, "low, last, high"),
        ({"sum": Decimal(100201)}, "low, sum, high"),
        ({"sum": Decimal(99999)}, "low, sum, high"),
        ({"feed": ""}, "feed"),
        ({"symbol": "x" * 256}, "symbol"),
        ({"exchange": "\0"}, "exchange"),
    ],
)
def test_what_cannot_be_is_refused(values, field):
    with pytest.raises(ValidationError) as caught:
        BarPartFactory.build(**values)
    (error,) = caught.value.errors()
    assert ", ".join(error.get("ctx", {}).get("fields", error["loc"])) == field


def test_an_average_is_of_the_very_prices_at_18_places_half_to_even():
    assert average(Decimal(10), 3) == Decimal("3.333333333333333333")
    assert average(Decimal("0.000000000000000001"), 2) == 0
    assert average(Decimal("0.000000000000000003"), 2) == Decimal("0.000000000000000002")
    assert str(average(Decimal(100), 2)) == "50"


def test_it_survives_json():
    part = BarPartFactory.build()
    assert BarPart.model_validate_json(part.model_dump_json()) == part
    bar = bar_of([part, BarPartFactory.build(last=part.low)])
    assert Bar.model_validate_json(bar.model_dump_json()) == bar
    assert bar.last == part.low


def test_a_minute_takes_in_its_start_and_not_its_end():
    last = FIRST + timedelta(seconds=59, microseconds=999_999)
    assert minute_of(FIRST) == minute_of(last) == first_minute(FIRST) == FIRST
    assert first_minute(last) == FIRST + timedelta(minutes=1)
