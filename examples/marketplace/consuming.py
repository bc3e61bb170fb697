"""What a service is told: events, each of which takes effect once, in the order of its key."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from typing import Any, TypeAlias

from aiokafka import AIOKafkaConsumer, ConsumerRecord
from aiokafka.errors import CommitFailedError, KafkaError
from pydantic import ValidationError

from common.brokers import ANSWERS_WITHIN, new_topics, require_topics, rest, within
from common.health import UnwellError
from common.waiting import Backoff
from marketplace.context import ServiceContext, Take
from marketplace.rows import PASSING
from metacore import AcceptOutcome, DeadLetter, Event, Transaction

_Message: TypeAlias = ConsumerRecord[bytes, bytes]

_POLL, _REST, _FETCH = 10, 50, 200
"""Milliseconds: see the consumer of the order service."""
_BATCH = 500
_AT_ONCE = 8
"""How many keys are worked on at the same time; each has a connection."""

_logger = logging.getLogger(__name__)


class Consumer:
    """Gives the events of topics to their effects. An offset is committed after its event has taken effect.

    What is no event, or cannot take effect however often it is tried, is a dead letter, and so are those of its key
    that come after it; other keys go on.
    """

    def __init__(self, context: ServiceContext, takes: Mapping[str, Take], taken: Callable[[Event], None]) -> None:
        """`taken` hears of what is committed."""
        self._storage, self._url, self._tracing = context.storage, context.urls["SERVICES_KAFKA"], context.tracing
        self._partitions = context.settings.partitions
        # Of the group, of its one member, and of the inbox.
        self._name = context.topic(context.name)
        self._takes, self._taken = takes, taken
        self._trouble: str | None = "not connected yet"
        self._connected = asyncio.Event()
        self._slots = asyncio.Semaphore(_AT_ONCE)

    async def run(self, stop: asyncio.Event) -> None:
        """Consume until the event is set."""
        backoff = Backoff(stop)
        while not stop.is_set():
            try:
                await self._consume(stop)
            except (KafkaError, OSError) as error:  # time-outs of asyncio are an OSError
                self._in_trouble(f"waits for the broker: {type(error).__name__}")
                await backoff.wait()

    async def connected(self) -> None:
        """Wait for the first connection, but not long."""
        with suppress(TimeoutError):
            await asyncio.wait_for(self._connected.wait(), ANSWERS_WITHIN)

    async def check(self) -> None:
        """Whether events are consumed; UnwellError if not."""
        if self._trouble is not None:
            raise UnwellError(self._trouble)

    async def _consume(self, stop: asyncio.Event) -> None:
        await require_topics(self._url, new_topics(self._takes, self._partitions))
        kafka = AIOKafkaConsumer(
            *self._takes,
            bootstrap_servers=self._url,
            group_id=self._name,
            group_instance_id=self._name,
            enable_auto_commit=False,
            auto_offset_reset="earliest",
            fetch_max_wait_ms=_FETCH,
        )
        try:
            await within(ANSWERS_WITHIN, kafka.start())
            self._trouble = None
            self._connected.set()
            while not stop.is_set():
                polled = await kafka.getmany(timeout_ms=_POLL, max_records=_BATCH)
                if not polled:
                    await rest(kafka, _REST)
                elif await self._take_all([one for messages in polled.values() for one in messages], stop):
                    await self._commit(kafka, {place: messages[-1].offset + 1 for place, messages in polled.items()})
        finally:
            await within(ANSWERS_WITHIN, kafka.stop())

    async def _commit(self, kafka: AIOKafkaConsumer, following: Mapping[Any, int]) -> None:
        try:
            await within(ANSWERS_WITHIN, kafka.commit(following))
        except CommitFailedError:
            # The group was dealt anew; whoever has the partition now gets the messages again, and twice is once.
            _logger.info("the partitions were taken away before a commit")

    async def _take_all(self, messages: Sequence[_Message], stop: asyncio.Event) -> bool:
        """Let them take effect, those of a key in turn; whether all have, and none was given up to end."""
        by_key: dict[tuple[str, bytes | None], list[_Message]] = {}
        for message in messages:
            by_key.setdefault((message.topic, message.key), []).append(message)
        taken = await asyncio.gather(*(self._take_in_turn(turn, stop) for turn in by_key.values()))
        return all(taken)

    async def _take_in_turn(self, messages: Sequence[_Message], stop: asyncio.Event) -> bool:
        backoff = Backoff(stop)
        async with self._slots:
            for message in messages:
                while not await self._take(message):
                    if not await backoff.wait():
                        return False
        return True

    async def _take(self, message: _Message) -> bool:
        """Let it take effect; False if it is to be tried again."""
        try:
            event = Event.model_validate_json(message.value or b"")
        except ValidationError as error:
            return await self._put_aside(message, f"no event: {error.error_count()} errors")
        if event.topic != message.topic:
            return await self._put_aside(message, "an event of another topic")
        with self._tracing.taking(message.topic, message.headers):
            try:
                outcome = await self._storage.run(lambda transaction: self._effect(transaction, event))
            except PASSING as error:
                self._in_trouble(f"{event.type} {event.seq} of {event.key} waits: {error}")
                return False
            except Exception as error:  # noqa: BLE001 - whatever is told by whomever, the others are to go on
                _logger.error("%s %s of %s cannot take effect: %s", event.type, event.seq, event.key, error)
                return await self._put_aside(message, f"it cannot take effect: {type(error).__name__}")
        if outcome is AcceptOutcome.GAP:
            _logger.error("%s %s of %s: one before it is missing", event.type, event.seq, event.key)
            return await self._put_aside(message, "one before it is missing")
        self._trouble = None
        self._taken(event)
        return True

    async def _effect(self, transaction: Transaction, event: Event) -> AcceptOutcome:
        accepted = await transaction.inbox.accept(self._name, event.topic, event.key, event.seq)
        if accepted.outcome is AcceptOutcome.NEW:
            await self._takes[event.topic](transaction, event)
        return accepted.outcome

    async def _put_aside(self, message: _Message, reason: str) -> bool:
        position = f"{message.partition}-{message.offset}-{message.timestamp}"
        letter = DeadLetter(
            source=message.topic, position=position, value=message.value, error=reason, failed_at=self._storage.now()
        )
        try:
            await self._storage.dead_letters.put(letter)
        except PASSING as error:
            self._in_trouble(f"waits for the database: {type(error).__name__}")
            return False
        return True

    def _in_trouble(self, trouble: str) -> None:
        if trouble != self._trouble:
            _logger.warning(trouble)
        self._trouble = trouble
