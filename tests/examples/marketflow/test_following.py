"""A mode that is switched while Redis is asked which mode the other instances are in."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import Any, cast

from common.redis_client import RedisClient
from marketflow.market import Market
from marketflow.modes import Modes
from marketflow.settings import MarketSettings
from marketflow.turns import Turns


class SlowRedis:
    """Keeps the mode; what it answers to `get` is under way until `arrived` is set."""

    def __init__(self) -> None:
        self.mode = b"live"
        self.asked, self.arrived = asyncio.Event(), asyncio.Event()

    async def call(self, ask: Callable[[Any], Awaitable[Any]]) -> Any:
        return await ask(self)

    async def get(self, _: str) -> bytes:
        mode = self.mode
        self.asked.set()
        await self.arrived.wait()
        return mode

    async def set(self, _: str, mode: str, **__: object) -> None:
        self.mode = mode.encode()

    async def expire(self, _: str, __: int) -> None: ...


def test_an_answer_that_a_switch_has_overtaken_does_not_undo_it() -> None:
    async def follow() -> None:
        redis, ended = SlowRedis(), asyncio.Event()
        markets = {"live": Market("live"), "test": Market("test")}
        settings = MarketSettings(mode="live")
        turns = Turns("", alone=True)
        modes = Modes(cast(Any, markets), (), turns, cast(RedisClient, redis), settings, lambda: datetime.now(UTC))
        following = asyncio.create_task(modes.run(ended))
        await redis.asked.wait()
        switching = asyncio.create_task(modes.switch("test"))
        await asyncio.sleep(0.01)
        redis.arrived.set()
        await switching
        await asyncio.sleep(0.01)
        ended.set()
        await following
        assert (modes.mode, redis.mode) == ("test", b"test")

    asyncio.run(follow())
