"""A client of Redis that tells within a fifth of a second that Redis is away, and then does not ask for a while."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from types import TracebackType
from typing import Any, Self, TypeVar

from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError

from common.breaker import Breaker, BreakerOpenError
from common.health import UnwellError
from metacore import StorageUnavailableError

T = TypeVar("T")

TIMEOUT = 0.2
"""Seconds: for a connection, and for an answer."""

FAILURES = (RedisError, OSError, asyncio.TimeoutError)


class RedisAwayError(StorageUnavailableError):
    """Redis does not answer, or did not a moment ago."""


def connect(url: str, **options: Any) -> Redis:
    """A client of these time-outs that tries nothing again: by default it would for four seconds."""
    times = {"socket_timeout": TIMEOUT, "socket_connect_timeout": TIMEOUT}
    return Redis.from_url(url, **{**times, "retry": Retry(NoBackoff(), 0), **options})


class RedisClient:
    """Calls to Redis behind a breaker.

    async with RedisClient(url) as redis:
        await redis.call(lambda client: client.set("key", "value"))
    """

    def __init__(self, url: str, breaker: Breaker | None = None) -> None:
        self._client = connect(url)
        self._breaker = breaker or Breaker()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._client.aclose()

    async def call(self, ask: Callable[[Redis], Awaitable[T]]) -> T:
        """What `ask` gets of the client; RedisAwayError if Redis does not answer, or did not a moment ago."""
        try:
            with self._breaker.trying(*FAILURES):
                return await ask(self._client)
        except BreakerOpenError:
            raise RedisAwayError("did not answer a moment ago") from None
        except FAILURES as error:
            raise RedisAwayError(type(error).__name__) from None

    async def check(self) -> None:
        """Whether Redis answers; UnwellError if not."""
        try:
            await self.call(lambda client: client.echo("well"))
        except RedisAwayError as error:
            raise UnwellError(str(error)) from None
