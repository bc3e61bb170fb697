"""Times are aware, in UTC, to the microsecond, or refused."""

from datetime import UTC, date, datetime, timedelta, timezone
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from metacore.domain.trading.snapshots import AccountSnapshot
from metacore.domain.values.times import from_milliseconds, parse_time
from metacore.testing.cases import each_case

NOON = datetime(2026, 1, 31, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    "value",
    [
        NOON,
        NOON.astimezone(timezone(timedelta(hours=9))),
        NOON.astimezone(ZoneInfo("America/New_York")),
        "2026-01-31T12:00:00Z",
        "2026-01-31 12:00:00.000000+00:00",
        "2026-01-31T21:00:00+0900",
        "2026-01-31t12:00z",
    ],
    ids=str,
)
def test_a_time_is_one_moment_in_utc(value):
    assert parse_time(value) == NOON
    assert parse_time(value).tzinfo is UTC


@each_case(
    "value",
    [
        datetime(2026, 1, 31, 12),  # noqa: DTZ001 - that is the point
        "2026-01-31T12:00:00",
        "2026-01-31",
        "2026-01-31T12:00:00.1234567Z",
        "2026-01-31T25:00:00Z",
        "2026-W05-6T12:00:00Z",
        "1769860800",
        1769860800,
        1769860800.5,
        True,
        None,
        date(2026, 1, 31),
        "now",
        "2026-01-31T12:00:00Z\n",
        "٢026-01-31T12:00:00Z",
        datetime.max.replace(tzinfo=timezone(timedelta(hours=-1))),
        datetime.min.replace(tzinfo=timezone(timedelta(hours=1))),
    ],
)
def test_what_does_not_say_which_moment_is_refused(value):
    with pytest.raises(ValueError, match=r"time|hour|year"):
        parse_time(value)


@given(st.datetimes(timezones=st.timezones()))
def test_a_time_survives_json(time):
    try:
        snapshot = AccountSnapshot(taken_at=time, balances=())
    except ValueError:
        assert time.year in (1, 9999)
        return
    assert snapshot.taken_at == time.astimezone(UTC)
    assert AccountSnapshot.model_validate_json(snapshot.model_dump_json()) == snapshot


@pytest.mark.parametrize("milliseconds", [0, 1, 1_769_860_800_123, -1, 253_402_300_799_999])
def test_milliseconds_are_exact(milliseconds):
    time = from_milliseconds(milliseconds)
    assert (time - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(milliseconds=1) == milliseconds
    assert time.tzinfo is UTC
