"""The publisher of a service: the events of its outbox, brought to the broker."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence
from contextlib import suppress
from datetime import timedelta
from typing import Any, cast
from zlib import crc32

from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError

from common.brokers import ANSWERS_WITHIN, new_topics, require_topics
from common.health import UnwellError
from common.waiting import Backoff
from marketplace.context import ServiceContext
from marketplace.deliveries import SEQ, TYPE
from metacore import Event, MetacoreError, Relay

_AT_ONCE = 64
"""How many keys are published at the same time: what waits for the broker together goes to it together."""
_PAUSE = timedelta(milliseconds=200)
"""For so long it waits for an event that nobody has said was appended."""
_BACKOFF, _LONGEST = timedelta(milliseconds=100), timedelta(seconds=1)
_LEASE = timedelta(seconds=10)
"""For so long the keys wait that a process which was killed had claimed."""
_ENDS_WITHIN = 1
"""Seconds: what the broker has not taken by then is published after the next start."""
_ATTEMPTS = 2**31
"""That the broker is away is no fault of an event: none is ever parked."""
_LAG_EVERY = 1.0

_logger = logging.getLogger(__name__)


def _partition_of(key: bytes, partitions: Sequence[int], _: Sequence[int]) -> int:
    # The client's own hash, which is written in Python, takes a hundred times as long.
    return partitions[crc32(key) % len(partitions)]


class Publisher:
    """Relays topics of the outbox to topics of the broker that have the same names."""

    def __init__(self, context: ServiceContext, topics: Sequence[str]) -> None:
        self._storage, self._url, self._topics = context.storage, context.urls["SERVICES_KAFKA"], topics
        self._partitions, self._activity = context.settings.partitions, context.activity
        self._producer: AIOKafkaProducer | None = None
        self._trouble: str | None = "not connected yet"
        self._connected = asyncio.Event()
        self.waiting, self.waits_for = 0, 0.0

    async def run(self, stop: asyncio.Event) -> None:
        """Publish until the event is set; what is not published by then is published after the next start."""
        backoff = Backoff(stop)
        while not stop.is_set():
            producer = AIOKafkaProducer(
                bootstrap_servers=self._url,
                acks="all",
                request_timeout_ms=ANSWERS_WITHIN * 1000,
                partitioner=cast(Any, _partition_of),
            )
            try:
                await require_topics(self._url, new_topics(self._topics, self._partitions))
                await asyncio.wait_for(producer.start(), ANSWERS_WITHIN)
            except (KafkaError, OSError) as error:  # time-outs of asyncio are an OSError
                self._in_trouble(error)
                with suppress(KafkaError, OSError):
                    await producer.stop()
                await backoff.wait()
                continue
            self._producer, self._trouble = producer, None
            self._connected.set()
            await self._relay(stop)
            self._producer = None
            with suppress(KafkaError, OSError):
                await asyncio.wait_for(producer.stop(), _ENDS_WITHIN)

    async def connected(self) -> None:
        """Wait for the first connection; not long, since a service does most of its work without a broker."""
        with suppress(TimeoutError):
            await asyncio.wait_for(self._connected.wait(), ANSWERS_WITHIN)

    async def measure(self, stop: asyncio.Event) -> None:
        """Look again and again how much waits to be published, and for how long."""
        while not stop.is_set():
            with suppress(MetacoreError):
                lags = [await self._storage.outbox.lag(topic) for topic in self._topics]
                self.waiting = sum(lag.events for lag in lags)
                now = self._storage.now()
                oldest = [(now - lag.oldest_at).total_seconds() for lag in lags if lag.oldest_at is not None]
                self.waits_for = max(oldest, default=0.0)
            with suppress(TimeoutError):
                await asyncio.wait_for(stop.wait(), _LAG_EVERY)

    async def check(self) -> None:
        """Whether events arrive; UnwellError if not."""
        if self._trouble is not None:
            raise UnwellError(self._trouble)

    async def _relay(self, stop: asyncio.Event) -> None:
        relay = Relay(
            self._storage,
            self._topics,
            self._send,
            at_once=_AT_ONCE,
            lease=_LEASE,
            attempts=_ATTEMPTS,
            backoff=_BACKOFF,
            longest_backoff=_LONGEST,
            pause=_PAUSE,
        )
        running, waking = asyncio.create_task(relay.run()), asyncio.create_task(self._wake(relay))
        await stop.wait()
        waking.cancel()
        relay.stop()
        relay.wake()
        with suppress(TimeoutError):
            await asyncio.wait_for(running, _ENDS_WITHIN)

    async def _wake(self, relay: Relay) -> None:
        while True:
            await self._activity.until_appended()
            relay.wake()

    async def _send(self, event: Event) -> None:
        assert self._producer is not None
        values = {**event.headers, TYPE: event.type, SEQ: event.seq}
        headers = [(name, str(value).encode()) for name, value in values.items()]
        try:
            async with asyncio.timeout(ANSWERS_WITHIN):
                value = event.model_dump_json().encode()
                await self._producer.send_and_wait(event.topic, value, event.key.encode(), headers=headers)
        except Exception as error:
            self._in_trouble(error)
            raise
        self._trouble = None

    def _in_trouble(self, error: Exception) -> None:
        trouble = f"waits for the broker: {type(error).__name__}"
        if trouble != self._trouble:
            _logger.warning(trouble)
        self._trouble = trouble
