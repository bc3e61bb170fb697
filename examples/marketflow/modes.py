"""The modes: one of them at a time brings ticks, each into a market of its own."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from datetime import datetime
from functools import partial
from random import Random

from common.redis_client import RedisAwayError, RedisClient
from marketflow.generators import generated
from marketflow.market import Market
from marketflow.settings import Address, MarketSettings, Mode
from marketflow.sources import Chunks, Source, tcp
from marketflow.turns import Turns

_TELL_EVERY = 1.0
_KEPT = 10
"""Seconds for which the mode is known after the last instance has ended."""

_logger = logging.getLogger(__name__)


class Modes:
    """Which mode it is, and the sources that bring its ticks. All instances are in one mode, as far as Redis tells."""

    def __init__(
        self,
        markets: Mapping[Mode, Market],
        addresses: Sequence[Address],
        turns: Turns,
        redis: RedisClient,
        settings: MarketSettings,
        clock: Callable[[], datetime],
    ) -> None:
        self._markets, self._addresses, self._turns = markets, addresses, turns
        self._redis, self._settings, self._clock = redis, settings, clock
        self._switching = asyncio.Lock()
        self._key = f"{settings.namespace}:mode"
        self._is_published = True
        self.mode: Mode = settings.mode
        self.sources: Sequence[Source] = ()

    @property
    def market(self) -> Market:
        """That of the mode."""
        return self._markets[self.mode]

    @property
    def exchanges(self) -> Sequence[str]:
        """Their names, the same in both modes."""
        return [address.exchange for address in self._addresses]

    async def switch(self, mode: Mode) -> None:
        """Let ticks come in this mode, and in no other: returns when what the other one read is counted."""
        async with self._switching:
            self._is_published = False
            await self._change(mode)
            with suppress(RedisAwayError):
                await self._tell()

    async def start(self) -> None:
        """Begin, in the mode of the other instances, if there are any."""
        with suppress(RedisAwayError):
            self.mode = await self._said_by_others() or self.mode
        async with self._switching:
            self._begin()

    async def stop(self) -> None:
        """Bring no more ticks; what was read is counted."""
        async with self._switching:
            await self._end()

    async def run(self, stop: asyncio.Event) -> None:
        """Follow the mode of the other instances until the event is set."""
        while not stop.is_set():
            with suppress(RedisAwayError):
                # An answer that a switch has overtaken would undo it, so none is switched while Redis is asked.
                async with self._switching:
                    await self._agree()
            with suppress(TimeoutError):
                async with asyncio.timeout(_TELL_EVERY):
                    await stop.wait()

    async def _agree(self) -> None:
        if not self._is_published:
            await self._tell()
        elif (said := await self._said_by_others()) is None:
            await self._redis.call(lambda client: client.set(self._key, self.mode, ex=_KEPT, nx=True))
        else:
            await self._change(said)
        await self._redis.call(lambda client: client.expire(self._key, _KEPT))

    async def _said_by_others(self) -> Mode | None:
        said = await self._redis.call(lambda client: client.get(self._key))
        known: dict[object, Mode] = {b"live": "live", b"test": "test"}
        return known.get(said)

    async def _tell(self) -> None:
        await self._redis.call(lambda client: client.set(self._key, self.mode, ex=_KEPT))
        self._is_published = True

    async def _change(self, mode: Mode) -> None:
        if mode != self.mode:
            await self._end()
            self.mode = mode
            self._begin()
            _logger.info("the mode is %s", mode)

    def _begin(self) -> None:
        market = self.market
        names = {address: f"{self.mode} {address.host}:{address.port}" for address in self._addresses}
        self._turns.want(set(names.values()))
        self.sources = [
            Source(
                address.exchange,
                self._chunks(address),
                partial(self._turns.has, name),
                market.arrive,
                self._settings,
                self._clock,
            )
            for address, name in names.items()
        ]
        for source in self.sources:
            source.start()

    async def _end(self) -> None:
        await asyncio.gather(*(source.stop() for source in self.sources))
        await self.market.counted()

    def _chunks(self, address: Address) -> Chunks:
        if self.mode == "live":
            return tcp(address)
        return partial(generated, self._settings.symbols, self._settings.rate, Random())
