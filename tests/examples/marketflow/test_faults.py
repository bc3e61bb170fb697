"""The market data service killed, and its parts stopped under it: minutes are exact, and nothing comes twice."""

import os
import signal
import time
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from common.servers import RedisServer
from metacore.postgres import EmbeddedPostgres, SchemaDeployer

KILLS = int(os.environ.get("MARKETFLOW_TEST_KILLS", "1"))
AWAY = float(os.environ.get("MARKETFLOW_TEST_AWAY", "1"))
"""For how many seconds the database is away."""


def sample(reckoning: Any, symbols: Any, count: int = 60) -> list[Any]:
    """Ticks of now and of the minute before, on all exchanges."""
    now = reckoning.milliseconds()
    return [
        reckoning.Sent(f"exchange{n % 3 + 1}", symbols[n % 5], Decimal(n + 1) / 7, now - (n % 4) * 20_000)
        for n in range(count)
    ]


def answers(system: Any, feed: Any, symbols: Any, reckoning: Any) -> bool:
    """Whether the service tells what was sent."""
    bodies = [system.http.get(f"/prices/average/{symbol}", params={"period": "5m"}).json() for symbol in symbols]
    if not all("since" in body for body in bodies):
        return False
    sent = [[one.price for one in reckoning.window(feed.sent, body)] for body in bodies]
    return [(body["count"], Decimal(body["price"])) for body in bodies] == [
        (len(prices), reckoning.average(prices)) for prices in sent
    ]


def test_killed_in_mid_minute_both_parts_are_there(
    start_copy: Any,
    await_connections: Any,
    variables: Any,
    feed: Any,
    symbols: Any,
    reckoning: Any,
    stored: Any,
    eventually: Any,
) -> None:
    for _ in range(KILLS):
        system = start_copy("marketflow", **variables)
        await_connections()
        feed.send(*sample(reckoning, symbols))
        eventually(lambda: sum(row[0] for row in stored().values()) == len(feed.sent), 20)
        time.sleep(1)  # all but the last second's are told
        system.stop(signal.SIGKILL)
    system = start_copy("marketflow", **variables)
    await_connections()
    feed.send(*sample(reckoning, symbols))
    eventually(lambda: sum(row[0] for row in stored().values()) == len(feed.sent), 20)
    assert answers(system, feed, symbols, reckoning)
    assert stored() == reckoning.recomputed(feed)
    assert system.stop() == 0


def test_of_two_instances_one_reads_both_tell_and_the_other_takes_over(
    start_copy: Any,
    await_connections: Any,
    variables: Any,
    exchanges: Any,
    feed: Any,
    symbols: Any,
    reckoning: Any,
    stored: Any,
    eventually: Any,
) -> None:
    own = {**variables, "MARKETFLOW_SILENCE": "1"}
    first = start_copy("marketflow", **own)
    await_connections()
    before = stored()
    second = start_copy("marketflow", **own)

    def counted() -> int:
        return sum(second.http.get(f"/prices/highest/{symbol}?period=5m").json().get("count", 0) for symbol in symbols)

    already = counted()
    feed.send(*sample(reckoning, symbols))
    eventually(lambda: counted() >= already + len(feed.sent), 20)
    assert {source["state"] for source in second.http.get("/sources").json()} == {"read by another instance"}
    assert [exchange.connections for exchange in exchanges] == [1, 1, 1]
    for mode in ("test", "live"):
        assert second.http.post(f"/mode/{mode}").json() == {"mode": mode}
        eventually(lambda mode=mode: first.http.get("/mode").json() == {"mode": mode}, 20)
    await_connections()
    first.stop(signal.SIGKILL)
    await_connections()
    feed.send(*sample(reckoning, symbols))

    def added() -> int:
        return sum(row[0] for row in stored().values()) - sum(row[0] for row in before.values())

    eventually(lambda: added() == len(feed.sent), 20)

    exchanges[1].close()
    eventually(lambda: second.http.get("/sources").json()[1]["state"] == "not connected", 20)
    assert second.http.get("/health").json()["parts"]["exchange2"] == {"status": "down", "reason": "not connected"}
    exchanges[1].open()
    eventually(lambda: second.http.get("/sources").json()[1]["state"] == "connected", 5)
    eventually(lambda: second.http.get("/health").json()["parts"]["exchange2"]["reason"] == "silent", 20)
    assert second.stop() == 0


@pytest.fixture
def own_parts(tmp_path: Path, variables: dict[str, str]) -> Iterator[tuple[EmbeddedPostgres, RedisServer, Any]]:
    """A server and a Redis that may be stopped, and the variables that name them."""
    (tmp_path / "redis").mkdir()
    redis = RedisServer(tmp_path / "redis")
    redis.start()
    with EmbeddedPostgres(tmp_path / "postgres") as server:
        SchemaDeployer(server.url).deploy()
        before = dict(variables)
        variables.update({"METACORE_URL": server.url, "SERVICES_REDIS": redis.url})
        yield server, redis, variables
        variables.update(before)
    redis.stop()


def test_parts_go_and_come_back(
    start_copy: Any,
    await_connections: Any,
    own_parts: Any,
    feed: Any,
    symbols: Any,
    reckoning: Any,
    stored: Any,
    eventually: Any,
) -> None:
    server, redis, variables = own_parts
    system = start_copy("marketflow", **variables)
    await_connections()
    feed.send(*sample(reckoning, symbols))
    eventually(lambda: system.http.get(f"/prices/latest/exchange3/{symbols[2]}").status_code == 200, 20)

    redis.stop(signal.SIGKILL)
    feed.send(*sample(reckoning, symbols))
    eventually(lambda: system.http.get("/health").json()["parts"]["redis"]["status"] == "down", 20)
    began = time.monotonic()
    assert system.http.get(f"/prices/latest/{symbols[0]}").status_code == 200
    assert time.monotonic() - began < 1
    eventually(lambda: sum(row[0] for row in stored().values()) == len(feed.sent), 20)
    assert answers(system, feed, symbols, reckoning)
    redis.start()
    eventually(lambda: system.http.get("/health").json()["parts"]["redis"]["status"] == "ok", 5)

    os.kill(server.pid, signal.SIGINT)  # its fast shutdown
    feed.send(*sample(reckoning, symbols))
    eventually(lambda: system.http.get("/health").json()["parts"]["minutes"]["status"] == "down", 20)
    time.sleep(AWAY)
    feed.send(*sample(reckoning, symbols))
    eventually(
        lambda: system.http.get("/sources").json()[0]["ticks"] == sum(one.exchange == "exchange1" for one in feed.sent),
        20,
    )
    assert answers(system, feed, symbols, reckoning)
    assert system.http.get(f"/prices/latest/{symbols[0]}").status_code == 200
    server.start()
    eventually(lambda: sum(row[0] for row in stored().values()) == len(feed.sent), 30)
    assert stored() == reckoning.recomputed(feed)

    # Killed while the database is away: what was told by Redis is stored by who comes next.
    os.kill(server.pid, signal.SIGINT)
    eventually(lambda: system.http.get("/health").json()["parts"]["database"]["status"] == "down", 20)
    feed.send(*sample(reckoning, symbols))
    time.sleep(2)
    system.stop(signal.SIGKILL)
    server.start()
    system = start_copy("marketflow", **variables)
    eventually(lambda: sum(row[0] for row in stored().values()) == len(feed.sent), 30)
    # What it takes for minutes and what for prices are two tasks.
    eventually(lambda: answers(system, feed, symbols, reckoning), 20)
    assert stored() == reckoning.recomputed(feed)
    assert system.stop() == 0
