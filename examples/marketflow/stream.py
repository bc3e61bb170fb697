"""The last minutes in Redis: what each instance has made of its ticks, for all instances and for who starts anew."""

from __future__ import annotations

import asyncio
import logging
import time
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from common.redis_client import RedisAwayError, RedisClient
from marketflow.market import SPAN, Market
from metacore import BarPart, new_id

_KEPT = round(SPAN.total_seconds() * 1000)
"""Milliseconds: how long the stream keeps what it is told."""
_ORPHAN_AFTER = 5
"""Seconds after which what was told, and is not said to be stored, is looked after by others."""
_READ_AT_ONCE = 20
_SOON = 0.25

_logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Entry:
    """What an instance told at once: its `number`-th in its `run`."""

    run: str
    number: int
    parts: Sequence[BarPart]
    published_at: float = field(default_factory=time.time)


class Stream:
    """The entries of one mode, in a stream of Redis that keeps the last minutes, and how far each run has stored them.

    While Redis is away, what is to be told waits, and the instance has its own window. Told twice is told once, since a
    part has an id.
    """

    def __init__(self, market: Market, redis: RedisClient, namespace: str) -> None:
        self._market, self._redis = market, redis
        self._run = new_id().hex
        self._number = 0
        self._telling: deque[Entry] = deque()
        self._last = "0-0"
        self._others: dict[tuple[str, int], Entry] = {}
        self._stored: dict[str, int] = {}
        self._key = f"{namespace}:{market.mode}"

    def add(self, parts: Sequence[BarPart]) -> Entry:
        """Tell these to the others, as soon as Redis answers."""
        self._number += 1
        entry = Entry(self._run, self._number, parts)
        self._telling.append(entry)
        return entry

    def note_stored(self, entry: Entry) -> None:
        """The parts of the entry are in the database."""
        self._stored[entry.run] = max(entry.number, self._stored.get(entry.run, 0))

    def orphans(self) -> Sequence[Entry]:
        """Entries of others that nobody seems to store; each is given once."""
        long_ago = time.time() - _ORPHAN_AFTER
        found = [key for key, entry in self._others.items() if entry.published_at < long_ago]
        return [self._others.pop(key) for key in found]

    async def run(self, stop: asyncio.Event) -> None:
        """Tell and follow until the event is set."""
        while not stop.is_set():
            try:
                await self.follow()
                await self.tell_all()
            except RedisAwayError:
                pass
            try:
                async with asyncio.timeout(_SOON):
                    await stop.wait()
            except TimeoutError:
                continue

    async def tell_all(self) -> None:
        """Tell what waits; RedisAwayError if Redis does not answer."""
        while self._telling:
            entry = self._telling[0]
            if time.time() - entry.published_at < SPAN.total_seconds():
                body = b"\n".join(part.model_dump_json().encode() for part in entry.parts)
                fields = {"run": entry.run, "number": entry.number, "parts": body}
                oldest = round(time.time() * 1000) - _KEPT
                await self._redis.call(partial(_add, key=self._key, fields=fields, oldest=oldest))
            if self._telling and self._telling[0] is entry:
                self._telling.popleft()
        if (stored := self._stored.get(self._run)) is not None:
            await self._redis.call(partial(_keep, key=f"{self._key}:stored", run=self._run, number=stored))

    async def follow(self) -> None:
        """Count what others have told since the last time; RedisAwayError if Redis does not answer."""
        while True:
            entries = await self._redis.call(partial(_behind, key=self._key, last=self._last))
            for identity, fields in entries:
                self._last = identity.decode()
                run, number = fields[b"run"].decode(), int(fields[b"number"])
                if run != self._run:
                    parts = [BarPart.model_validate_json(line) for line in fields[b"parts"].split(b"\n")]
                    self._market.merge(parts)
                    self._others[run, number] = Entry(run, number, parts, int(identity.split(b"-")[0]) / 1000)
                    await asyncio.sleep(0)
            if len(entries) < _READ_AT_ONCE:
                break
        if self._others:
            await self._drop_stored()

    async def _drop_stored(self) -> None:
        stored: dict[bytes, bytes] = await self._redis.call(partial(_stored, key=f"{self._key}:stored"))
        known = {run.decode(): int(number) for run, number in stored.items()}
        for run, number in list(self._others):
            if number <= known.get(run, 0):
                del self._others[run, number]


# What redis-py says that it returns is for its blocking and its asynchronous client together.


async def _add(client: Any, key: str, fields: dict[str, Any], oldest: int) -> None:
    await client.xadd(key, fields, minid=oldest)


async def _behind(client: Any, key: str, last: str) -> list[tuple[bytes, dict[bytes, bytes]]]:
    found: list[tuple[bytes, dict[bytes, bytes]]] = await client.xrange(key, f"({last}", "+", _READ_AT_ONCE)
    return found


async def _stored(client: Any, key: str) -> dict[bytes, bytes]:
    found: dict[bytes, bytes] = await client.hgetall(key)
    return found


async def _keep(client: Any, key: str, run: str, number: int) -> None:
    pipeline = client.pipeline(transaction=False)
    pipeline.hset(key, run, number)
    # Forgotten with the entries that it is about, once nobody tells any.
    pipeline.pexpire(key, 2 * _KEPT)
    await pipeline.execute()
