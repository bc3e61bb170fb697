"""`python -m crypto.socket`: what the exchange pushes, brought to Redis as ticks, however often it hangs up."""

from __future__ import annotations

import asyncio
import logging
import sys
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from functools import partial

from tenacity import AsyncRetrying, retry_if_exception_type, wait_random_exponential
from websockets.asyncio.client import connect
from websockets.exceptions import WebSocketException

from common import logs
from common.group import parts_of
from common.parts import Parts
from common.redis_client import RedisAwayError, RedisClient
from common.serving import run
from crypto.quotes import TICKS, Quote, pack
from crypto.recorder import Recorder
from crypto.settings import CryptoSettings
from metacore import ConfigurationError, InvalidDataError, Tick
from metacore.exchanges import binance

_FIRST, _LONGEST = 0.2, 5
_LARGEST = 4 * 2**20
"""Bytes: all symbols of the exchange at once are some hundred thousand."""

_logger = logging.getLogger(__name__)

OnTicks = Callable[[Sequence[Tick]], Awaitable[None]]


class HungUpError(Exception):
    """The exchange has closed the connection, or says nothing any more."""


class ExchangeSocket:
    """Follows the WebSocket of an exchange. What cannot be read is counted, and the rest goes on.

    When it hangs up, or is silent for too long, it is called again: after a fifth of a second at first, and less and
    less often, up to every five seconds, for as long as no connection brings anything.
    """

    def __init__(self, url: str, silent_after: float, on_ticks: OnTicks) -> None:
        self._url, self._silent_after, self._on_ticks = url, silent_after, on_ticks
        self.on_message: Callable[[bytes], None] = lambda _: None
        self.unreadable = 0

    async def run(self) -> None:
        """Follow it until cancelled."""
        while True:
            async for attempt in AsyncRetrying(
                retry=retry_if_exception_type((OSError, WebSocketException, HungUpError)),
                wait=wait_random_exponential(_FIRST, max=_LONGEST),
                reraise=True,
            ):
                with attempt:
                    await self._follow()
            await asyncio.sleep(_FIRST)

    async def _follow(self) -> None:
        """Follow one connection to its end; an error if it brought nothing."""
        brought = False
        try:
            async with connect(self._url, max_size=_LARGEST, open_timeout=self._silent_after) as connection:
                _logger.info("connected to the exchange")
                while True:
                    async with asyncio.timeout(self._silent_after):
                        message = await connection.recv()
                    brought |= await self._take(message)
        except (OSError, WebSocketException) as error:
            _logger.warning("the exchange hung up: %s", type(error).__name__)
            if not brought:
                raise HungUpError from None

    async def _take(self, message: str | bytes) -> bool:
        """Tell the ticks of a message; whether there were any."""
        try:
            readable = binance.ticks.readable(message)
        except InvalidDataError:
            ticks: Sequence[Tick] = ()
            bad = 1
        else:
            ticks, bad = readable.good, len(readable.bad)
        if bad and not self.unreadable:
            _logger.warning("the exchange told something that cannot be read")
        self.unreadable += bad
        if ticks:
            self.on_message(message.encode() if isinstance(message, str) else message)
            await self._on_ticks(ticks)
        return bool(ticks)


async def serve_exchange(settings: CryptoSettings, urls: dict[str, str], stop: asyncio.Event) -> None:
    """Bring what the exchange tells to Redis until the event is set."""
    if settings.exchange_url is None:
        raise ConfigurationError("it names the WebSocket of the exchange", setting="exchange_url")
    async with RedisClient(urls["SERVICES_REDIS"]) as redis:

        async def publish_ticks(ticks: Sequence[Tick]) -> None:
            # The time is ours: that of an exchange whose clock is wrong would make a price look old, or new for ever.
            now = datetime.now(UTC)
            packed = pack(Quote(tick.symbol.lower(), tick.price, now) for tick in ticks)
            # Without Redis a price is let go by: the next one is a second away.
            with suppress(RedisAwayError):
                await redis.call(lambda client: client.publish(TICKS, packed))

        exchange = ExchangeSocket(settings.exchange_url, settings.silent_after, publish_ticks)
        async with asyncio.TaskGroup() as tasks:
            if settings.pipeline:
                recorder = Recorder(urls["SERVICES_KAFKA"], settings)
                exchange.on_message = recorder.record
                tasks.create_task(recorder.run(stop))
            following = tasks.create_task(exchange.run())
            print("socket: ready", flush=True)
            await stop.wait()
            following.cancel()


def main() -> int:
    """Run the process."""
    settings = CryptoSettings()
    logs.configure("crypto", settings.log_level)
    variables = ["SERVICES_REDIS", *(["SERVICES_KAFKA"] if settings.pipeline else [])]
    return run(partial(serve_exchange, settings), parts_of(lambda: Parts(*variables)))


if __name__ == "__main__":
    sys.exit(main())
