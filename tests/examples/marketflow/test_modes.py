"""Modes switched under load, a source that floods, minutes that are old."""

import os
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from decimal import Decimal
from typing import Any

import psutil
import pytest

import metacore.sync
from metacore.domain.market.bars import minute_of
from metacore.testing.factories import BarPartFactory

FLOOD = float(os.environ.get("MARKETFLOW_TEST_FLOOD", "1"))
"""For how many seconds a source floods."""
DEAR = 10**9
"""No generator tells such a price."""


@contextmanager
def beside(work: Callable[[threading.Event], None]) -> Iterator[None]:
    """Let `work` run in a thread until the block ends, whichever way, and its event is set."""
    ended = threading.Event()
    thread = threading.Thread(target=work, args=(ended,))
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()


@pytest.fixture(scope="module")
def old_minutes(database_url: str, symbols: list[str]) -> Iterator[None]:
    """More minutes than are deleted at once, before the system starts."""
    with metacore.sync.connect(database_url) as storage:
        first = minute_of(storage.now()) - timedelta(days=3)
        parts = (
            BarPartFactory.build(feed="live", symbol=symbols[4], exchange="old", starts_at=first + timedelta(minutes=n))
            for n in range(1500)
        )
        storage.bars.add(parts)
        yield


@pytest.fixture(scope="module")
def system(start_copy: Any, old_minutes: None, variables: dict[str, str], await_connections: Any) -> Any:
    """A service that keeps minutes for a day."""
    system = start_copy("marketflow", **variables, MARKETFLOW_RETENTION_DAYS="1")
    await_connections()
    return system


def test_old_minutes_are_deleted_in_chunks(system: Any, database_url: str, symbols: list[str], eventually: Any) -> None:
    with metacore.sync.connect(database_url) as storage:
        eventually(lambda: not storage.bars.list("live", symbols[4], "old").items, 20)


def test_switched_twenty_times_under_load_nothing_is_under_the_other_mode(
    system: Any, feed: Any, symbols: Any, reckoning: Any, stored: Any, eventually: Any
) -> None:
    def load(ended: threading.Event) -> None:
        n = 0
        while not ended.wait(0.005):
            n += 1
            now = reckoning.milliseconds()
            feed.send(reckoning.Sent(f"exchange{n % 3 + 1}", symbols[n % 5], Decimal(DEAR + n), now))

    with beside(load):
        for n in range(20):
            mode = ("test", "live")[n % 2]
            assert system.http.post(f"/mode/{mode}").json() == {"mode": mode}
            time.sleep(0.1)
            answer = system.http.get(f"/prices/latest/{symbols[0]}")
            if answer.status_code == 200:
                assert (Decimal(answer.json()["price"]) >= DEAR) == (mode == "live")
    eventually(lambda: stored("market_minutes_test"), 20)
    live, test = stored(), stored("market_minutes_test")
    assert all(low >= DEAR for _, _, low, _ in live.values())
    assert all(high < DEAR for _, _, _, high in test.values())
    assert 0 < sum(row[0] for row in live.values()) < len(feed.sent)


def test_a_flood_of_one_source_is_its_own_matter(
    system: Any,
    await_connections: Any,
    exchanges: Any,
    feed: Any,
    symbols: Any,
    reckoning: Any,
    eventually: Any,
) -> None:
    assert system.http.post("/mode/live").status_code == 200
    await_connections()
    latest, sent = f"/prices/latest/exchange2/{symbols[1]}", []

    def flood(ended: threading.Event) -> None:
        while not ended.wait(0.1):
            line = reckoning.Sent("exchange1", symbols[0], Decimal(DEAR), reckoning.milliseconds()).line()
            exchanges[0].send(line * 5000)
            sent.append(5000)

    with beside(flood):
        process = psutil.Process(system.process.pid)
        time.sleep(0.5)
        memory, delays = process.memory_info().rss, []
        until = time.monotonic() + FLOOD
        while time.monotonic() < until:
            one = reckoning.Sent("exchange2", symbols[1], Decimal(DEAR), reckoning.milliseconds())
            feed.send(one)
            began = time.monotonic()
            eventually(lambda one=one: system.http.get(latest).json().get("timestamp") == one.at, 10)
            delays.append(time.monotonic() - began)
        assert process.memory_info().rss - memory < 64 * 2**20
        assert sorted(delays)[len(delays) // 2] < 1
    assert sum(sent) > 10_000
