"""The window of ticks, against the ticks themselves."""

from collections import defaultdict
from datetime import timedelta
from decimal import Decimal
from random import Random

import pytest

from metacore import InvalidDataError, NotFoundError, Tick, TickWindow
from metacore.domain.market.bars import MINUTE, average, minute_of
from metacore.testing.clock import START

FIRST = minute_of(START)
SECOND = timedelta(seconds=1)


def tick(price, at=FIRST, exchange="MEXC", symbol="BTCUSDT"):
    return Tick(exchange=exchange, symbol=symbol, price=Decimal(price), at=at)


def drawn(random, count=3000):
    """Ticks of two pairs over three minutes: late, doubled, equal, out of order, at the edges of minutes."""
    for _ in range(count):
        at = FIRST + timedelta(milliseconds=random.choice([random.randrange(180_000), *(0, 59_999, 60_000, 119_999)]))
        yield tick(Decimal(random.randrange(1, 10**6)) / 1000, at, random.choice(["MEXC", "BINANCE"]))


def newest_of(ticks):
    """The newest tick, the last one added of several."""
    return max(enumerate(ticks), key=lambda item: (item[1].at, item[0]))[1]


@pytest.mark.parametrize("seed", range(5))
def test_it_tells_what_the_ticks_tell(seed):
    random = Random(seed)
    window, ticks, parts = TickWindow(timedelta(minutes=5)), [], []
    for each in drawn(random):
        window.add(each)
        ticks.append(each)
        if random.random() < 0.01:
            parts += window.parts("live", random.choice([None, FIRST + MINUTE]))
    parts += window.parts()
    assert {part.feed for part in parts} == {"live"}
    assert window.parts() == ()
    for exchange in (None, "MEXC", "BINANCE"):
        for since in (None, FIRST + timedelta(seconds=100), FIRST + timedelta(seconds=100.5)):
            start = FIRST if since is None else since.replace(microsecond=0)
            of = [each for each in ticks if exchange in (None, each.exchange) and each.at >= start]
            found = window.summary("BTCUSDT", exchange, since)
            total = sum(each.price for each in of)
            assert (found.count, found.sum, found.average) == (len(of), total, average(total, len(of)))
            low, high = min(each.price for each in of), max(each.price for each in of)
            assert (found.low, found.high) == (low, high)
            assert found.low_at == min(each.at for each in of if each.price == low)
            assert found.high_at == min(each.at for each in of if each.price == high)
            assert found.since <= min(each.at for each in of)
            assert max(each.at for each in of) < found.until
        newest = newest_of([each for each in ticks if exchange in (None, each.exchange)])
        assert window.latest("BTCUSDT", exchange).at == newest.at
        if exchange is not None:
            assert window.latest("BTCUSDT", exchange) == newest
    minutes = defaultdict(list)
    for each in ticks:
        minutes[each.exchange, minute_of(each.at)].append(each.price)
    sums = defaultdict(lambda: [0, 0])
    for part in parts:
        sums[part.exchange, part.starts_at][0] += part.count
        sums[part.exchange, part.starts_at][1] += part.sum
    assert sums == {key: [len(prices), sum(prices)] for key, prices in minutes.items()}
    assert len({part.part for part in parts}) == len(parts)


def test_it_keeps_the_span_and_a_late_tick_is_in_its_minute():
    window = TickWindow(timedelta(seconds=10))
    for n in range(1000):
        window.add(tick(n + 1, FIRST + timedelta(milliseconds=100 * n)))
    assert window.summary("BTCUSDT").since == FIRST + timedelta(seconds=90)
    assert window.summary("BTCUSDT").count == 100
    window.add(tick(7, FIRST))
    assert window.summary("BTCUSDT").low == 901
    assert sum(part.count for part in window.parts("live")) == 1001
    window.trim(FIRST + timedelta(seconds=95.5))
    assert window.summary("BTCUSDT").count == 50
    window.trim(FIRST + timedelta(seconds=100))
    with pytest.raises(NotFoundError):
        window.summary("BTCUSDT")


def test_windows_tell_each_other_what_they_have_by_parts_of_a_second():
    random = Random(7)
    windows, whole = [TickWindow(timedelta(minutes=5)) for _ in range(2)], TickWindow(timedelta(minutes=5))
    exchanged = []
    for each in drawn(random):
        whole.add(each)
        random.choice(windows).add(each)
        if random.random() < 0.02:
            exchanged += [part for window in windows for part in window.parts("live", each_second=True)]
    exchanged += [part for window in windows for part in window.parts("live", each_second=True)]
    random.shuffle(exchanged)
    fresh = TickWindow(timedelta(minutes=5))
    for part in exchanged * 2:
        for window in (*windows, fresh):
            window.merge(part)
    for window in (*windows, fresh):
        assert window.parts("live") == ()
        for exchange in (None, "MEXC"):
            assert window.summary("BTCUSDT", exchange) == whole.summary("BTCUSDT", exchange)
            assert window.latest("BTCUSDT", exchange).at == whole.latest("BTCUSDT", exchange).at
    fresh.trim(FIRST + timedelta(seconds=120))
    assert fresh.summary("BTCUSDT").since == FIRST + timedelta(seconds=120)


def test_a_part_that_is_merged_is_of_one_second_and_of_the_span():
    window, other = TickWindow(timedelta(seconds=10)), TickWindow(MINUTE)
    for second in (0, 1, 30):
        other.add(tick(second + 1, FIRST + timedelta(seconds=second)))
    (minute,) = other.parts("live", before=FIRST + MINUTE)
    with pytest.raises(InvalidDataError):
        window.merge(minute)
    for second in (0, 1, 30):
        other.add(tick(second + 1, FIRST + timedelta(seconds=second)))
    for part in reversed(other.parts("live", each_second=True)):
        window.merge(part)
    assert window.summary("BTCUSDT").count == 1
    assert other.summary("BTCUSDT").count == 6


def test_where_there_is_nothing_there_is_no_zero():
    window = TickWindow(MINUTE)
    window.add(tick(1))
    for symbol, exchange, since in (
        ("ETHUSDT", None, None),
        ("BTCUSDT", "BINANCE", None),
        ("BTCUSDT", None, FIRST + SECOND),
    ):
        with pytest.raises(NotFoundError):
            window.summary(symbol, exchange, since)
    with pytest.raises(NotFoundError):
        window.latest("ETHUSDT")


def test_minutes_are_half_open_and_taken_when_they_have_ended():
    window = TickWindow(MINUTE)
    for at in (FIRST + timedelta(seconds=59, microseconds=999_999), FIRST + MINUTE):
        window.add(tick(1, at))
    assert window.parts("live", before=FIRST + MINUTE - SECOND) == ()
    (part,) = window.parts("live", before=FIRST + MINUTE)
    assert (part.starts_at, part.count, part.feed) == (FIRST, 1, "live")
    (part,) = window.parts("test")
    assert (part.starts_at, part.feed) == (FIRST + MINUTE, "test")


def test_bad_input_changes_nothing():
    window = TickWindow(MINUTE)
    for wrong in (None, {"price": 1}, 1):
        with pytest.raises(InvalidDataError):
            window.add(wrong)
    for call in (
        lambda: TickWindow(timedelta(milliseconds=1)),
        lambda: TickWindow(60),
        lambda: window.parts(""),
        lambda: window.parts("live", START.replace(tzinfo=None)),
        lambda: window.trim("now"),
        lambda: window.latest("\0"),
        lambda: window.summary("BTCUSDT", since=0),
    ):
        with pytest.raises(InvalidDataError):
            call()
    assert window.parts("live") == ()
