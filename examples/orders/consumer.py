"""The consumer: whatever a message is, it is stored as an order or kept as a dead letter, and only then committed."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import TypeAlias

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import CommitFailedError, KafkaError

from common.brokers import ANSWERS_WITHIN, new_topics, require_topics, rest, within
from common.health import UnwellError
from common.tracing import Tracing
from common.waiting import Backoff
from metacore import InvalidDataError, MetacoreError, OrderRecordService, Storage
from orders.batches import Batch, Message, sort
from orders.letters import letter_of
from orders.settings import OrderSettings

Polled: TypeAlias = Mapping[TopicPartition, Sequence[Message]]

_POLL, _REST = 10, 100
"""For how many milliseconds a poll waits, and how long the next one is put off where it brought nothing."""
_AWAY = 0.5
"""After how many seconds a database that has not stored a batch counts as away."""
_FETCH = 200
"""For how many milliseconds the broker waits for more; the end of the service waits no longer."""

_logger = logging.getLogger(__name__)


@dataclass
class Counts:
    """What became of the messages since the start."""

    orders: int = 0
    dead_letters: int = 0
    failures: int = 0


async def _stored(kafka: AIOKafkaConsumer, storing: asyncio.Task[bool]) -> bool:
    """What `storing` comes to. While the database is away, nothing is asked for: `rest` says why."""
    done, _ = await asyncio.wait([storing], timeout=_AWAY)
    if not done:
        kafka.pause(*kafka.assignment())
        try:
            await storing
        finally:
            kafka.resume(*kafka.assignment())
    return storing.result()


class Consumer:
    """Brings the messages of the topic into the storage, at least once each; twice is once.

    What is no order today is none tomorrow: it is kept as it came, and the rest goes on. What happens to the database
    is no fault of a message: the offset stands until it is back. An offset is committed after its message was stored.
    """

    def __init__(
        self, storage: Storage, service: OrderRecordService, settings: OrderSettings, url: str, tracing: Tracing
    ) -> None:
        self._storage, self._service, self._settings, self._url = storage, service, settings, url
        self._tracing = tracing
        self._kafka: AIOKafkaConsumer | None = None
        self._next: dict[TopicPartition, int] = {}
        self._trouble: str | None = "not connected yet"
        self._connected = asyncio.Event()
        self.counts = Counts()

    async def run(self, stop: asyncio.Event) -> None:
        """Consume until the event is set; what was polled by then is stored and committed."""
        backoff = Backoff(stop)
        while not stop.is_set():
            try:
                await self._consume(stop, backoff)
            except (KafkaError, OSError) as error:  # time-outs of asyncio are an OSError
                self._in_trouble("broker", error)
                await backoff.wait()

    async def connected(self) -> None:
        """Wait for the first connection; not long, since orders can be shown without a broker."""
        with suppress(TimeoutError):
            await asyncio.wait_for(self._connected.wait(), ANSWERS_WITHIN)

    def backlog(self) -> int:
        """How many messages of its partitions wait, as far as the broker told; 0 without a connection to it."""
        if self._kafka is None:
            return 0
        ends = {partition: self._kafka.highwater(partition) for partition in self._kafka.assignment()}
        return sum(end - self._next[partition] for partition, end in ends.items() if end and partition in self._next)

    async def check(self) -> None:
        """Whether messages are consumed; UnwellError if not."""
        if self._trouble is not None:
            raise UnwellError(self._trouble)

    async def check_broker(self) -> None:
        """Whether the broker answers; UnwellError if not."""
        if self._kafka is None:
            raise UnwellError("not connected")
        try:
            await self._kafka.topics()
        except KafkaError as error:
            raise UnwellError(type(error).__name__) from None

    async def _consume(self, stop: asyncio.Event, backoff: Backoff) -> None:
        settings = self._settings
        self._next = {}
        limit = str(settings.largest_message)
        topics = new_topics([settings.topic], settings.partitions, max_message_bytes=limit)
        await require_topics(self._url, topics)
        kafka = AIOKafkaConsumer(
            settings.topic,
            bootstrap_servers=self._url,
            group_id=settings.group,
            group_instance_id=settings.member,
            enable_auto_commit=False,
            auto_offset_reset="earliest",
            max_partition_fetch_bytes=settings.largest_message,
            fetch_max_wait_ms=_FETCH,
        )
        try:
            await within(ANSWERS_WITHIN, kafka.start())
            self._kafka, self._trouble = kafka, None
            self._connected.set()
            await self._bring(kafka, stop, backoff)
        finally:
            self._kafka = None
            await within(ANSWERS_WITHIN, kafka.stop())

    async def _bring(self, kafka: AIOKafkaConsumer, stop: asyncio.Event, backoff: Backoff) -> None:
        """Store one batch after the other; the next is read while the one before is stored."""
        storing: asyncio.Task[bool] | None = None
        try:
            while not stop.is_set():
                polled, batch = await self._poll(kafka)
                if not polled:
                    await rest(kafka, _REST)
                # What was given up is not stored: nothing behind it may be committed.
                if storing is not None and not await _stored(kafka, storing):
                    return
                storing = asyncio.create_task(self._finish(kafka, polled, batch, backoff)) if polled else None
        finally:
            if storing is not None:
                await storing

    async def _poll(self, kafka: AIOKafkaConsumer) -> tuple[Polled, Batch]:
        polled = await kafka.getmany(timeout_ms=_POLL, max_records=self._settings.batch)
        await self._note_positions(kafka, polled)
        return polled, await sort(message for messages in polled.values() for message in messages)

    async def _finish(self, kafka: AIOKafkaConsumer, polled: Polled, batch: Batch, backoff: Backoff) -> bool:
        """Store and commit what was polled; whether it is stored, and not given up to end."""
        headers = (message.headers for messages in polled.values() for message in messages)
        with self._tracing.processing(self._settings.topic, headers):
            if not await self._store(batch, backoff):
                return False
            await self._commit(kafka, polled)
            return True

    async def _note_positions(self, kafka: AIOKafkaConsumer, polled: Polled) -> None:
        """Note what comes next of each partition of ours, so that a backlog is told before any of it is stored."""
        noted = {}
        for partition in kafka.assignment():
            if messages := polled.get(partition):
                noted[partition] = messages[0].offset
            elif partition not in self._next and kafka.highwater(partition) is not None:
                noted[partition] = await kafka.position(partition)
        # Put together at once: what is committed meanwhile is known by then.
        self._next = noted | {partition: self._next[partition] for partition in kafka.assignment() & self._next.keys()}

    async def _store(self, batch: Batch, backoff: Backoff) -> bool:
        """Store the messages, however long the database is away; whether they are stored, and not given up to end."""
        while True:
            try:
                await self._save(batch)
            except MetacoreError as error:
                self._in_trouble("database", error)
                if not await backoff.wait():
                    return False
            else:
                self._trouble = None
                backoff.reset()
                return True

    async def _save(self, batch: Batch) -> None:
        # Letters first: who sees an order finds what went wrong before it.
        await self._keep(batch.dead)
        if batch.orders:
            try:
                await self._service.process_many([record for _, record in batch.orders])
            except InvalidDataError:
                await self._save_in_turn(batch)
        self.counts.orders += len(batch.orders)
        self.counts.dead_letters += len(batch.dead)

    async def _save_in_turn(self, batch: Batch) -> None:
        """Store the orders one by one; what the storage refuses is kept as a letter."""
        for message, record in tuple(batch.orders):
            try:
                await self._service.process(record)
            except InvalidDataError as error:
                await self._keep([(message, error)])
                batch.orders.remove((message, record))
                batch.dead.append((message, error))

    async def _keep(self, dead: Sequence[tuple[Message, InvalidDataError]]) -> None:
        if dead:
            letters = [letter_of(message, error, self._storage.now()) for message, error in dead]
            async with self._storage.transaction() as transaction:
                for letter in letters:
                    await transaction.dead_letters.put(letter)

    async def _commit(self, kafka: AIOKafkaConsumer, polled: Polled) -> None:
        following = {partition: messages[-1].offset + 1 for partition, messages in polled.items()}
        try:
            await within(ANSWERS_WITHIN, kafka.commit(following))
        except CommitFailedError:
            # The group was dealt anew; whoever has the partition now gets the messages again, and twice is once.
            _logger.info("the partitions were taken away before a commit")
        self._next.update(following)

    def _in_trouble(self, part: str, error: Exception) -> None:
        self.counts.failures += 1
        trouble = f"waits for the {part}: {type(error).__name__}"
        if trouble != self._trouble:
            _logger.warning(trouble)
        self._trouble = trouble
