"""The client of Redis: soon told that it is away, and soon back."""

import asyncio
import time
from pathlib import Path

import pytest

from common.breaker import Breaker, BreakerOpenError
from common.health import UnwellError
from common.redis_client import RedisAwayError, RedisClient
from common.servers import RedisServer


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def test_a_breaker_lets_one_trial_through_after_a_rest() -> None:
    clock = Clock()
    breaker = Breaker(1, clock)

    def fail() -> None:
        with breaker.trying(ValueError):
            raise ValueError("away")

    with pytest.raises(ValueError, match="away"):
        fail()
    with pytest.raises(BreakerOpenError), breaker.trying(ValueError):
        raise AssertionError
    clock.now = 1
    with breaker.trying(ValueError):
        assert breaker.is_open
        with pytest.raises(BreakerOpenError), breaker.trying(ValueError):
            raise AssertionError
    with breaker.trying(ValueError), breaker.trying(ValueError):
        assert not breaker.is_open


def test_redis_away_is_an_error_at_once_and_redis_back_is_found(tmp_path: Path) -> None:
    server = RedisServer(tmp_path)
    server.start()

    async def use() -> None:
        async with RedisClient(server.url, Breaker(0.05)) as redis:
            await redis.call(lambda client: client.set("key", "value"))
            server.stop(9)
            began = time.monotonic()
            for _ in range(100):
                with pytest.raises(RedisAwayError):
                    await redis.call(lambda client: client.get("key"))
            assert time.monotonic() - began < 3
            with pytest.raises(UnwellError):
                await redis.check()
            server.start()
            await asyncio.sleep(0.1)
            await redis.check()
            assert await redis.call(lambda client: client.get("key")) is None

    try:
        asyncio.run(use())
    finally:
        server.stop()
