"""`python -m crypto.pipeline`: every tick of the topic, in ClickHouse once."""

from __future__ import annotations

import asyncio
import logging
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Protocol

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import CommitFailedError, KafkaError

from common import logs
from common.brokers import ANSWERS_WITHIN, new_topics, require_topics, rest, within
from common.group import parts_of
from common.parts import Parts
from common.serving import run
from common.waiting import Backoff
from crypto.clickhouse import ClickHouse, ClickHouseError
from crypto.settings import CryptoSettings
from metacore import InvalidDataError
from metacore.exchanges import binance

_POLL, _REST = 50, 50
_FETCH = 200

_logger = logging.getLogger(__name__)


class Message(Protocol):
    """A message as it is consumed."""

    topic: str
    partition: int
    offset: int
    value: bytes | None


@dataclass
class Tail:
    """What was read, and is not inserted yet."""

    rows: list[Mapping[str, Any]] = field(default_factory=list)
    following: dict[TopicPartition, int] = field(default_factory=dict)
    since: float = 0

    def add(self, polled: Mapping[TopicPartition, Sequence[Message]]) -> None:
        """Add what was polled."""
        if polled and not self.following:
            self.since = time.monotonic()
        for partition, messages in polled.items():
            for message in messages:
                self.rows += rows_of(message)
            self.following[partition] = messages[-1].offset + 1


class Pipeline:
    """Brings ticks from the topic into ClickHouse, at least once each; a tick that is inserted again replaces itself.

    They are inserted together, then their offsets are committed; what was read when the system ends goes along. While
    ClickHouse is away, the offsets stand. A message that tells no tick is counted, and let go by.
    """

    def __init__(self, clickhouse: ClickHouse, settings: CryptoSettings, url: str, ready: Callable[[], None]) -> None:
        """`ready` is called when it is connected for the first time."""
        self._clickhouse, self._settings, self._url = clickhouse, settings, url
        self._ready: Callable[[], None] | None = ready
        self._tail = Tail()

    async def run(self, stop: asyncio.Event) -> None:
        """Consume until the event is set."""
        backoff = Backoff(stop)
        while not stop.is_set():
            try:
                await self._consume(stop, backoff)
            except (KafkaError, OSError) as error:
                _logger.warning("the pipeline waits for the broker: %s", type(error).__name__)
                await backoff.wait()

    async def _consume(self, stop: asyncio.Event, backoff: Backoff) -> None:
        settings = self._settings
        await require_topics(self._url, new_topics([settings.topic], settings.partitions))
        kafka = AIOKafkaConsumer(
            settings.topic,
            bootstrap_servers=self._url,
            group_id=settings.group,
            group_instance_id=settings.member,
            enable_auto_commit=False,
            auto_offset_reset="earliest",
            fetch_max_wait_ms=_FETCH,
        )
        # What was read by another connection, and not committed, comes again.
        self._tail = Tail()
        try:
            await within(ANSWERS_WITHIN, kafka.start())
            if self._ready is not None:
                self._ready()
                self._ready = None
            while not stop.is_set():
                polled = await kafka.getmany(timeout_ms=_POLL, max_records=settings.batch)
                self._tail.add(polled)
                if self._is_due() and not await self._flush(kafka, backoff):
                    return
                if not polled:
                    await rest(kafka, _REST)
            await self._flush(kafka, backoff)
        finally:
            await within(ANSWERS_WITHIN, kafka.stop())

    def _is_due(self) -> bool:
        tail = self._tail
        is_old = time.monotonic() - tail.since >= self._settings.batch_seconds
        return bool(tail.following) and (is_old or len(tail.rows) >= self._settings.batch)

    async def _flush(self, kafka: AIOKafkaConsumer, backoff: Backoff) -> bool:
        """Insert what was read, however long that takes, and commit it; whether it is, and not given up to end."""
        tail, self._tail = self._tail, Tail()
        while tail.rows:
            try:
                await self._clickhouse.insert(tail.rows)
                break
            except ClickHouseError as error:
                _logger.warning("the pipeline waits for clickhouse: %s", error)
                if not await backoff.wait():
                    return False
        backoff.reset()
        if tail.following:
            try:
                await within(ANSWERS_WITHIN, kafka.commit(tail.following))
            except CommitFailedError:
                # Whoever has the partition now gets the messages again, and twice is once.
                _logger.info("the partitions were taken away before a commit")
        return True


def rows_of(message: Message) -> list[Mapping[str, Any]]:
    """The rows of the ticks that a message tells."""
    try:
        ticks = binance.ticks.readable(message.value or b"").good
    except InvalidDataError:
        _logger.info("a message tells no ticks")
        return []
    where = {"source": message.topic, "partition": message.partition, "offset": message.offset}
    return [
        {
            "symbol": tick.symbol,
            "price": f"{tick.price:f}",
            "at": round(tick.at.timestamp() * 1000),
            **where,
            "place": place,
        }
        for place, tick in enumerate(ticks)
    ]


async def serve(settings: CryptoSettings, urls: dict[str, str], stop: asyncio.Event) -> None:
    """Bring ticks until the event is set."""
    async with ClickHouse(urls["SERVICES_CLICKHOUSE"], settings.table) as clickhouse:
        pipeline = Pipeline(clickhouse, settings, urls["SERVICES_KAFKA"], lambda: print("pipeline: ready", flush=True))
        await pipeline.run(stop)


def main() -> int:
    """Run the process."""
    settings = CryptoSettings()
    logs.configure("crypto", settings.log_level)
    return run(partial(serve, settings), parts_of(lambda: Parts("SERVICES_KAFKA", "SERVICES_CLICKHOUSE")))


if __name__ == "__main__":
    sys.exit(main())
