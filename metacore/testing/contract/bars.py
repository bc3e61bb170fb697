"""The contract of the storage of bars."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from metacore.domain.market.bars import MINUTE, Bar, BarPart, Summary, bar_of, minute_of
from metacore.domain.market.ticks import Tick
from metacore.domain.values.amounts import total
from metacore.domain.values.imports import ImportResult
from metacore.errors import ConflictError, InvalidDataError, NotFoundError
from metacore.ids import new_id
from metacore.sync.storage.bars import BarStorage
from metacore.sync.storage.storage import Storage
from metacore.testing.clock import START
from metacore.testing.contract.base import Contract
from metacore.testing.contract.samples import EDGE_AMOUNTS, HOSTILE_TEXTS, SPOILT_TEXTS
from metacore.testing.factories import BarPartFactory
from metacore.testing.runners import Runner

FIRST = minute_of(START)
EVER = (datetime.min.replace(tzinfo=UTC), datetime.max.replace(tzinfo=UTC))

OPERATIONS: dict[str, Callable[[BarStorage], object]] = {
    "add": lambda bars: bars.add([BarPartFactory.build()]),
    "summary": lambda bars: bars.summary("live", "BTCUSDT", *EVER),
    "latest": lambda bars: bars.latest("live", "BTCUSDT"),
    "latest_of": lambda bars: bars.latest_of("live", ["BTCUSDT"]),
    "list": lambda bars: bars.list("live", "BTCUSDT"),
    "stream": lambda bars: list(bars.stream("live", "BTCUSDT")),
    "purge": lambda bars: bars.purge("live", START),
}
"""Every operation, on what does not exist."""


def part(minute: int = 0, **values: Any) -> BarPart:
    """A part of the minute that is so many after the first."""
    return BarPartFactory.build(starts_at=FIRST + minute * MINUTE, **values)


def priced(*prices: str | Decimal, minute: int = 0, second: int = 0, **values: Any) -> BarPart:
    """A part of ticks of these prices, a second apart."""
    amounts = list(map(Decimal, prices))
    at = FIRST + minute * MINUTE + timedelta(seconds=second)
    low, high = min(amounts), max(amounts)
    found = {"low": low, "high": high, "last": amounts[-1], "sum": total(amounts), "count": len(amounts)}
    times = {"low_at": amounts.index(low), "high_at": amounts.index(high), "last_at": len(amounts) - 1}
    return part(minute, **found, **{name: at + timedelta(seconds=n) for name, n in times.items()}, **values)


class BarStorageContract(Contract):
    """Of `metacore.storage.bars.BarStorage`."""

    def test_parts_add_up(self, storage: Storage) -> None:
        parts = [
            priced("3", "1", "2", second=10),
            priced("1", "7", second=40),
            priced("7", second=5),
            priced("5", second=59, exchange="BINANCE"),
            priced("2", "2", minute=1),
        ]
        assert storage.bars.add(parts) == ImportResult(inserted=5, duplicates=0)
        storage.bars.add([priced("1000", feed="test"), priced("1000", symbol="btcusdt"), priced("1000", minute=2)])
        found = storage.bars.summary("live", "BTCUSDT", FIRST, FIRST + 2 * MINUTE)
        second = timedelta(seconds=1)
        assert found == Summary(
            symbol="BTCUSDT",
            exchange=None,
            since=FIRST,
            until=FIRST + 2 * MINUTE,
            count=9,
            sum=Decimal(30),
            average=Decimal("3.333333333333333333"),
            low=Decimal(1),
            low_at=FIRST + 11 * second,
            high=Decimal(7),
            high_at=FIRST + 5 * second,
        )
        mexc = storage.bars.summary("live", "BTCUSDT", FIRST, FIRST + MINUTE, "MEXC")
        assert (mexc.count, mexc.exchange) == (6, "MEXC")
        assert (mexc.sum, mexc.average) == (Decimal(21), Decimal("3.5"))

    def test_a_sum_is_in_canonical_form(self, storage: Storage) -> None:
        storage.bars.add([priced("1.5"), priced("1.5")])
        found = storage.bars.summary("live", "BTCUSDT", *EVER)
        (bar,) = storage.bars.list("live", "BTCUSDT")
        assert (str(found.sum), str(bar.sum), str(bar.average)) == ("3", "3", "1.5")

    def test_a_summary_is_of_whole_minutes(self, storage: Storage) -> None:
        storage.bars.add([part(0), part(1), part(2)])
        instant = timedelta(microseconds=1)
        found = storage.bars.summary("live", "BTCUSDT", FIRST + instant, FIRST + MINUTE + instant)
        assert (found.since, found.until, found.count) == (FIRST + MINUTE, FIRST + 2 * MINUTE, 2)
        assert storage.bars.summary("live", "BTCUSDT", *EVER).count == 6

    def test_where_there_is_nothing_there_is_no_zero(self, storage: Storage) -> None:
        storage.bars.add([part(0)])
        for feed, symbol, since, exchange in (
            ("live", "BTCUSDT", FIRST + MINUTE, None),
            ("live", "BTCUSDT", FIRST, "BINANCE"),
            ("live", "btcusdt", FIRST, None),
            ("test", "BTCUSDT", FIRST, None),
        ):
            with pytest.raises(NotFoundError) as caught:
                storage.bars.summary(feed, symbol, since, since + MINUTE, exchange)
            assert (caught.value.entity, caught.value.key) == ("bar", (feed, symbol, exchange))
        with pytest.raises(NotFoundError):
            storage.bars.summary("live", "BTCUSDT", FIRST + MINUTE, FIRST)
        with pytest.raises(NotFoundError) as caught:
            storage.bars.latest("live", "BTCUSDT", "BINANCE")
        assert (caught.value.entity, caught.value.key) == ("tick", ("live", "BTCUSDT", "BINANCE"))

    def test_a_part_is_stored_once(self, storage: Storage, runner: Runner) -> None:
        parts = [part(n) for n in range(3)]
        results = runner.together(*[lambda: storage.bars.add([*parts, parts[0]])] * 4)
        assert sorted((found.inserted, found.duplicates) for found in results if isinstance(found, ImportResult)) == [
            (0, 4),
            (0, 4),
            (0, 4),
            (3, 1),
        ]
        assert storage.bars.summary("live", "BTCUSDT", *EVER).count == 6

    def test_a_part_that_differs_is_a_conflict_and_nothing_is_stored(self, storage: Storage) -> None:
        stored = part(0)
        storage.bars.add([stored])
        others = [stored.changed(count=3, sum=stored.sum + stored.low), *[part(1)] * 2]
        doubled = [part(1, part=new_id()) for _ in range(12)]
        for parts, names in (
            (others, [str(stored.part)]),
            ([*doubled, *(each.changed(last=each.low) for each in doubled)], [str(each.part) for each in doubled[:10]]),
        ):
            with pytest.raises(ConflictError) as caught:
                storage.bars.add(parts)
            assert caught.value.conflicts == tuple(names)
            assert [bar.starts_at for bar in storage.bars.list("live", "BTCUSDT")] == [FIRST]
        assert storage.bars.summary("live", "BTCUSDT", *EVER).count == 2
        assert storage.bars.add([stored.changed(part=new_id()), stored.changed(exchange="BINANCE")]).inserted == 2

    def test_it_takes_any_iterable_of_any_length(self, storage: Storage) -> None:
        one = part()

        def parts(count: int, **values: Any) -> Iterator[BarPart]:
            times = {name: getattr(one, name) for name in ("starts_at", "low_at", "high_at", "last_at")}
            for n in range(count):
                own = {"part": new_id(), **{name: time + n * MINUTE for name, time in times.items()}}
                yield one.model_copy(update={**own, "symbol": f"S{n % 7}", **values})

        assert storage.bars.add(parts(2100)) == ImportResult(inserted=2100, duplicates=0)
        assert storage.bars.add([]) == ImportResult(inserted=0, duplicates=0)
        assert sum(1 for _ in storage.bars.stream("live", "S3")) == 300

        def broken() -> Iterator[BarPart]:
            yield from parts(2050, symbol="T")
            raise KeyError("broken")

        with pytest.raises(KeyError):
            storage.bars.add(broken())
        assert storage.bars.list("live", "T").items == ()

    def test_the_latest_is_that_of_the_newest_tick(self, storage: Storage) -> None:
        storage.bars.add([priced("5", "6", minute=3), priced("9", minute=3, second=1, exchange="BINANCE")])
        storage.bars.add([priced("7", minute=2, second=59), priced("8", minute=3)])
        at = FIRST + 3 * MINUTE + timedelta(seconds=1)
        assert storage.bars.latest("live", "BTCUSDT") == Tick(
            exchange="MEXC", symbol="BTCUSDT", price=Decimal(6), at=at
        )
        assert storage.bars.latest("live", "BTCUSDT", "BINANCE").price == 9
        first, last = sorted([new_id(), new_id()])
        storage.bars.add([priced("3", minute=4, part=last), priced("2", minute=4, part=first)])
        assert storage.bars.latest("live", "BTCUSDT").price == 3
        assert storage.bars.latest("live", "BTCUSDT", "MEXC").price == 3

    def test_the_latest_of_several_symbols_are_as_those_of_each(self, storage: Storage) -> None:
        storage.bars.add([part(0), part(1), part(1, exchange="BINANCE"), part(0, symbol="ETHUSDT"), part(feed="test")])
        symbols = ["ETHUSDT", "BTCUSDT", "DOGEUSDT", "BTCUSDT"]
        found = storage.bars.latest_of("live", iter(symbols))
        assert list(found.items()) == [(each, storage.bars.latest("live", each)) for each in symbols[:2]]
        assert storage.bars.latest_of("live", symbols, "BINANCE").keys() == {"BTCUSDT"}
        assert storage.bars.latest_of("live", []) == {}
        for wrong in ("BTCUSDT", ["BTCUSDT", ""]):
            with pytest.raises(InvalidDataError) as caught:
                storage.bars.latest_of("live", wrong)
            assert caught.value.field == "symbols"

    def test_every_amount_and_text_comes_back(self, storage: Storage) -> None:
        for n, price in enumerate(EDGE_AMOUNTS):
            stored = priced(price, minute=n, symbol="edge")
            storage.bars.add([stored])
            (bar,) = storage.bars.list("live", "edge", since=stored.starts_at, until=stored.starts_at + MINUTE)
            assert bar == bar_of([stored])
            assert storage.bars.latest("live", "edge").price == price
        for text in HOSTILE_TEXTS:
            stored = part(feed=text, symbol=text, exchange=text)
            storage.bars.add([stored])
            assert storage.bars.list(text, text, text).items == (bar_of([stored]),)
            assert storage.bars.latest(text, text).exchange == text

    def test_what_is_no_key_is_refused(self, storage: Storage) -> None:
        for text in (*SPOILT_TEXTS, "", "x" * 256):
            for named in ({"feed": text}, {"symbol": text}, {"exchange": text}):
                with pytest.raises(InvalidDataError) as caught:
                    storage.bars.latest(**{"feed": "live", "symbol": "BTCUSDT", **named})
                assert caught.value.field in named

    def test_the_minutes_are_listed_newest_first_and_paged(self, storage: Storage) -> None:
        parts = [part(n // 2, exchange=f"E{n % 3}", part=new_id()) for n in range(14)]
        parts += [each.changed(part=new_id(), last=each.low) for each in parts[:5]]
        storage.bars.add([*parts, part(feed="test"), part(symbol="ETHUSDT")])
        minutes: dict[tuple[datetime, str], list[BarPart]] = {}
        for each in parts:
            minutes.setdefault((each.starts_at, each.exchange), []).append(each)
        expected = [bar_of(minutes[key]) for key in sorted(minutes, reverse=True)]

        def listed(
            exchange: str | None = None, since: datetime | None = None, until: datetime | None = None
        ) -> list[Bar]:
            found, after = list[Bar](), None
            while True:
                page = storage.bars.list("live", "BTCUSDT", exchange, since, until, after=after, limit=3)
                found += page.items
                if (after := page.next) is None:
                    assert list(storage.bars.stream("live", "BTCUSDT", exchange, since, until)) == found
                    return found

        assert listed() == expected
        assert listed("E1") == [bar for bar in expected if bar.exchange == "E1"]
        since, until = FIRST + MINUTE, FIRST + 3 * MINUTE
        assert listed(None, since, until) == [bar for bar in expected if since <= bar.starts_at < until]
        assert listed("E2", None, until) == [bar for bar in expected if bar.exchange == "E2" and bar.starts_at < until]
        assert listed("E9") == []

    def test_old_minutes_are_deleted_whole_the_oldest_first(self, storage: Storage) -> None:
        storage.bars.add([part(n, symbol=symbol) for n in (2, 0, 1) for symbol in ("A", "B") for _ in range(2)])
        storage.bars.add([part(0, feed="test")])
        before = FIRST + 2 * MINUTE
        assert [storage.bars.purge("live", before, limit) for limit in (1, 2, 1000, 1000)] == [1, 2, 1, 0]
        for symbol in ("A", "B"):
            assert [(bar.starts_at, bar.count) for bar in storage.bars.list("live", symbol)] == [(before, 4)]
        assert storage.bars.latest("test", "BTCUSDT")
        for limit in (0, 1001):
            with pytest.raises(InvalidDataError):
                storage.bars.purge("live", before, limit)

    def test_it_takes_part_in_a_transaction(self, storage: Storage) -> None:
        with pytest.raises(KeyError), storage.transaction() as tx:
            tx.bars.add([part()])
            assert tx.bars.latest("live", "BTCUSDT")
            raise KeyError
        assert storage.bars.list("live", "BTCUSDT").items == ()
