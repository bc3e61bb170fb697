"""The exchange hangs up, tells garbage or nothing, Redis is killed: what can go on does, and the rest comes back."""

import os
import signal
from collections.abc import Iterator
from typing import Any

import pytest

from common.servers import RedisServer

SILENCE = float(os.environ.get("CRYPTO_TEST_SILENCE", "2"))
"""Seconds for which the exchange tells nothing."""


@pytest.fixture(scope="module")
def own_redis(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisServer]:
    """A Redis that may be killed."""
    server = RedisServer(tmp_path_factory.mktemp("own-redis"))
    server.start()
    yield server
    server.stop()


@pytest.fixture(scope="module")
def variables(database_url: str, own_redis: RedisServer, exchange: Any) -> dict[str, str]:
    """With a Redis of its own, and patience that a test can wait for."""
    waits = {"CRYPTO_SILENT_AFTER": "3", "CRYPTO_STALE_AFTER": "2"}
    parts = {"METACORE_URL": database_url, "SERVICES_REDIS": own_redis.url, "CRYPTO_EXCHANGE_URL": exchange.url}
    return {**parts, **waits}


def test_the_exchange_is_called_again_and_a_price_is_marked_by_its_age(
    system: Any, exchange: Any, person: Any, message_until: Any, eventually: Any
) -> None:
    alice = person()
    alice.add("AAAUSDT", "1")
    with alice.look_on() as socket:
        exchange.quote(AAAUSDT="1")
        message_until(socket, lambda message: message["Total"] == "1")

        exchange.hang_up()
        eventually(lambda: exchange.clients == 1)
        exchange.quote(AAAUSDT="2")
        message_until(socket, lambda message: message["Total"] == "2")

        for garbage in (b"\xff\x00", "{", "[]", "null", "[" * 10_000, '{"e": "24hrMiniTicker", "s": "AAAUSDT"}'):
            exchange.tell(garbage)
        # The good of a list with something bad in it counts.
        good = '{"e": "24hrMiniTicker", "E": 1735689600000, "s": "AAAUSDT", "c": "3"}'
        bad = good.replace('"3"', '"NaN"')
        exchange.tell(f"[{bad}, {good}, 7]")
        message_until(socket, lambda message: message["Total"] == "3")
        assert exchange.clients == 1

        # Silent for longer than it takes to be noticed: the price stays, and grows old, and the line is made anew.
        message = message_until(socket, lambda message: message["Ages"]["aaausdt"] > SILENCE, timeout=SILENCE + 20)
        assert (message["Total"], message["Stale"]) == ("3", ["aaausdt"])
        assert system.http.get("/health").json()["parts"]["exchange"]["status"] == "down"
        eventually(lambda: exchange.clients == 1)
        exchange.quote(AAAUSDT="4")
        message_until(socket, lambda message: message["Total"] == "4" and not message["Stale"])
        eventually(lambda: system.http.get("/health").status_code == 200)


def test_redis_is_killed_and_back(
    system: Any, own_redis: RedisServer, exchange: Any, person: Any, message_until: Any, eventually: Any
) -> None:
    alice = person()
    alice.add("BBBUSDT", "1")
    with alice.look_on() as socket:
        exchange.quote(BBBUSDT="1")
        message_until(socket, lambda message: message["Total"] == "1")

        own_redis.stop(signal.SIGKILL)
        eventually(lambda: system.http.get("/health").json()["parts"]["redis"]["status"] == "down")
        assert system.http.get("/health").status_code == 503
        assert alice.add("CCCUSDT", "2").status_code == 200
        assert alice.http.post("/v1/refresh").status_code == 200
        assert alice.http.post("/v2/user/profile/ws-ticket").status_code == 200
        answer = system.http.get("/v2/prices/BBBUSDT")
        assert (answer.status_code, answer.headers["retry-after"]) == (503, "1")
        message = message_until(socket, lambda message: "cccusdt" in message["Quantities"])
        assert message["Total"] == "1"

        own_redis.start()

        def is_back(message: dict[str, Any]) -> bool:
            exchange.quote(BBBUSDT="5", CCCUSDT="2")
            return bool(message["Total"] == "9")

        message_until(socket, is_back)
        eventually(lambda: system.http.get("/health").status_code == 200)
