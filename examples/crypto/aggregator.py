"""`python -m crypto.aggregator`: of what the exchange tells, one price a second for each symbol."""

from __future__ import annotations

import asyncio
import logging
import sys
from collections.abc import Awaitable, Callable
from contextlib import suppress

from common import logs, redis_client
from common.group import parts_of
from common.parts import Parts
from common.serving import run
from common.waiting import Backoff
from crypto.listening import messages
from crypto.quotes import HISTORY, LAST, TICKS, Quote, history_of, pack, quotes_of, unpack
from crypto.settings import CryptoSettings

_EVERY = 1.0

_logger = logging.getLogger(__name__)


class Aggregator:
    """Takes ticks as they come, and tells the newest of each symbol once a second.

    What is told goes to who is subscribed to the symbol, and stays as its last price, and as one of the last minutes.
    """

    def __init__(self, url: str) -> None:
        self._client = redis_client.connect(url)
        self._last: dict[str, Quote] = {}
        self._fresh: set[str] = set()

    def take(self, packed: bytes) -> None:
        """Note what is newer than what is known."""
        try:
            quotes = unpack(packed)
        except ValueError:
            _logger.warning("a message of ticks cannot be read")
            return
        for quote in quotes:
            last = self._last.get(quote.symbol)
            if last is None or last.at < quote.at:
                self._last[quote.symbol] = quote
                self._fresh.add(quote.symbol)

    async def run(self, stop: asyncio.Event) -> None:
        """Take and tell until the event is set."""
        try:
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(_again(self._listen, stop))
                tasks.create_task(_again(self._tell, stop))
        finally:
            with suppress(*redis_client.FAILURES):
                await self._client.aclose()

    async def _listen(self, stop: asyncio.Event) -> None:
        async with self._client.pubsub() as subscription:
            await subscription.subscribe(TICKS)
            async for packed in messages(self._client, subscription, stop):
                if packed is not None:
                    self.take(packed)

    async def _tell(self, stop: asyncio.Event) -> None:
        # Redis may have been begun anew, and know nothing.
        self._fresh |= set(self._last)
        while not stop.is_set():
            fresh, self._fresh = self._fresh, set()
            try:
                await self._publish([self._last[symbol] for symbol in sorted(fresh)])
            except redis_client.FAILURES:
                self._fresh |= fresh
                raise
            with suppress(TimeoutError):
                async with asyncio.timeout(_EVERY):
                    await stop.wait()

    async def _publish(self, quotes: list[Quote]) -> None:
        if not quotes:
            return
        async with self._client.pipeline(transaction=False) as pipeline:
            for quote in quotes:
                packed = pack([quote])
                pipeline.publish(quotes_of(quote.symbol), packed)
                pipeline.hset(LAST, quote.symbol, packed)
                pipeline.lpush(history_of(quote.symbol), packed)
                pipeline.ltrim(history_of(quote.symbol), 0, HISTORY - 1)
            await pipeline.execute()


async def _again(work: Callable[[asyncio.Event], Awaitable[None]], stop: asyncio.Event) -> None:
    """Do it until the event is set, anew whenever Redis was away."""
    backoff = Backoff(stop)
    away = False
    while not stop.is_set():
        try:
            await work(stop)
        except redis_client.FAILURES as error:
            if not away:
                _logger.warning("the aggregator waits for redis: %s", type(error).__name__)
            away = True
            await backoff.wait()


async def serve(urls: dict[str, str], stop: asyncio.Event) -> None:
    """Aggregate until the event is set."""
    print("ready", flush=True)
    await Aggregator(urls["SERVICES_REDIS"]).run(stop)


def main() -> int:
    """Run the process."""
    logs.configure("crypto", CryptoSettings().log_level)
    return run(serve, parts_of(lambda: Parts("SERVICES_REDIS")))


if __name__ == "__main__":
    sys.exit(main())
