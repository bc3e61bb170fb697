"""The prices that somebody looks at, by Redis: a symbol is subscribed to while anybody does."""

from __future__ import annotations

import asyncio
import logging
from collections import Counter
from collections.abc import Callable, Iterable
from contextlib import suppress
from datetime import datetime

from redis.asyncio.client import PubSub

from common import redis_client
from common.health import UnwellError
from common.waiting import Backoff
from crypto.listening import messages
from crypto.quotes import LAST, Quote, quotes_of, unpack

_NOTHING = "crypto:nothing"

_logger = logging.getLogger(__name__)


class Prices:
    """The last price of every symbol that somebody watches. `on_quotes` is told which symbols have a new one.

    What is watched is counted: the first who watches a symbol subscribes to it, the last who leaves unsubscribes.
    Without Redis the last prices stay as they are, and grow old.
    """

    def __init__(self, url: str, stale_after: float, now: Callable[[], datetime]) -> None:
        self._client = redis_client.connect(url)
        self._stale_after, self.now = stale_after, now
        self._watchers: Counter[str] = Counter()
        self._last: dict[str, Quote] = {}
        self._subscribed: set[str] = set()
        self._changed = asyncio.Event()
        self._connected = False
        self.on_quotes: Callable[[set[str]], None] = lambda _: None

    def watch(self, symbols: Iterable[str]) -> None:
        """Somebody looks at these symbols from now on."""
        self._watchers.update(symbols)
        self._changed.set()

    def leave(self, symbols: Iterable[str]) -> None:
        """Who watched these symbols does so no more."""
        self._watchers.subtract(symbols)
        self._watchers = +self._watchers
        self._changed.set()

    def watched(self) -> int:
        """How many symbols somebody watches."""
        return len(self._watchers)

    def last(self, symbol: str) -> Quote | None:
        """The last price of a symbol that is watched; None if none is known."""
        return self._last.get(symbol)

    async def check(self) -> None:
        """Whether prices can come; UnwellError if not."""
        if not self._connected:
            raise UnwellError("not connected")

    async def check_age(self) -> None:
        """Whether the newest price that anybody watches is young enough; UnwellError if not."""
        ages = [one.age(self.now()) for one in self._last.values()]
        if ages and min(ages) > self._stale_after:
            raise UnwellError(f"the newest price is {min(ages):.0f} s old")

    async def run(self, stop: asyncio.Event) -> None:
        """Follow the prices until the event is set."""
        backoff = Backoff(stop)
        try:
            while not stop.is_set():
                try:
                    await self._follow(stop, backoff)
                except redis_client.FAILURES as error:
                    if self._connected:
                        _logger.warning("prices wait for redis: %s", type(error).__name__)
                    self._connected = False
                    await backoff.wait()
        finally:
            with suppress(*redis_client.FAILURES):
                await self._client.aclose()

    async def _follow(self, stop: asyncio.Event, backoff: Backoff) -> None:
        self._subscribed = set()
        async with self._client.pubsub() as subscription:
            # To nothing in particular, so that the connection is made.
            await subscription.subscribe(_NOTHING)
            await self._subscribe(subscription)
            if not self._connected:
                _logger.info("prices follow redis")
            self._connected = True
            backoff.reset()
            async for message in messages(self._client, subscription, stop):
                if message is not None:
                    self._note(message)
                if self._changed.is_set():
                    await self._subscribe(subscription)

    async def _subscribe(self, subscription: PubSub) -> None:
        """Subscribe to what is watched, and to nothing else."""
        self._changed.clear()
        watched = set(self._watchers)
        begun, over = watched - self._subscribed, self._subscribed - watched
        self._subscribed = watched
        for symbol in over:
            self._last.pop(symbol, None)
        if over:
            await subscription.unsubscribe(*map(quotes_of, over))
        if begun:
            await subscription.subscribe(*map(quotes_of, begun))
            last = await self._client.hmget(LAST, sorted(begun))
            for packed in last:
                if packed is not None:
                    self._note(packed)

    def _note(self, packed: bytes | str) -> None:
        try:
            quotes = unpack(packed)
        except ValueError:
            _logger.warning("a message of prices cannot be read")
            return
        changed = set()
        for quote in quotes:
            last = self._last.get(quote.symbol)
            if quote.symbol in self._watchers and (last is None or last.at <= quote.at):
                self._last[quote.symbol] = quote
                changed.add(quote.symbol)
        if changed:
            self.on_quotes(changed)
