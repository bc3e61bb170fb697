"""What the exchange tells, kept by Kafka as it came."""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from contextlib import suppress

from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError

from common.brokers import ANSWERS_WITHIN, new_topics, require_topics, within
from common.waiting import Backoff
from crypto.settings import CryptoSettings

_MOST = 10_000
_LOOK = 0.2

_logger = logging.getLogger(__name__)


class Recorder:
    """Sends messages to the topic, in turn. While the broker is away, the newest ten thousand wait."""

    def __init__(self, url: str, settings: CryptoSettings) -> None:
        self._url, self._settings = url, settings
        self._waiting: deque[bytes] = deque(maxlen=_MOST)
        self._fresh = asyncio.Event()

    def record(self, message: bytes) -> None:
        """Have it sent; the oldest gives way where too many wait."""
        self._waiting.append(message)
        self._fresh.set()

    async def run(self, stop: asyncio.Event) -> None:
        """Send until the event is set, and what waits by then."""
        backoff = Backoff(stop)
        while not stop.is_set():
            try:
                await self._send(stop, backoff)
            except (KafkaError, OSError) as error:
                _logger.warning("the recorder waits for the broker: %s", type(error).__name__)
                await backoff.wait()

    async def _send(self, stop: asyncio.Event, backoff: Backoff) -> None:
        topics = new_topics([self._settings.topic], self._settings.partitions)
        await require_topics(self._url, topics)
        producer = AIOKafkaProducer(bootstrap_servers=self._url, acks="all", linger_ms=20)
        try:
            await within(ANSWERS_WITHIN, producer.start())
            backoff.reset()
            while self._waiting or not stop.is_set():
                if not self._waiting:
                    self._fresh.clear()
                    with suppress(TimeoutError):
                        await asyncio.wait_for(self._fresh.wait(), _LOOK)
                    continue
                message = self._waiting[0]
                await within(ANSWERS_WITHIN, producer.send_and_wait(self._settings.topic, message))
                # It may have given way meanwhile.
                if self._waiting and self._waiting[0] is message:
                    self._waiting.popleft()
        finally:
            await within(ANSWERS_WITHIN, producer.stop())
