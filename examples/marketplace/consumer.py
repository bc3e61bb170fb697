"""The consumer of a service: events, each of which takes effect once, in the order of its key."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from typing import Any

from aiokafka import AIOKafkaConsumer
from aiokafka.errors import CommitFailedError, KafkaError

from common.brokers import ANSWERS_WITHIN, new_topics, require_topics, within
from common.health import UnwellError
from common.waiting import Backoff
from marketplace.context import AfterCommit, Contents, ServiceContext
from marketplace.deliveries import Delivery, Message, Postponed, ReceivedEvent, batches, batches_by_type, read_delivery
from marketplace.linger import linger_after
from marketplace.rows import TRANSIENT
from metacore import AcceptOutcome, DeadLetter, StorageUnavailableError, Transaction

_POLL, _FETCH = 3, 200
"""Milliseconds: see the consumer of the order service."""
_LEAST_LINGER, _IDLE_LINGER = 0.05, 0.2
_BATCH, _MANY = 500, 200
_COMMIT_EVERY = 1.0
_AT_ONCE = 8
"""How many are worked on at the same time that could not take effect together; each has a connection."""

_logger = logging.getLogger(__name__)


class Consumer:
    """Gives the events of topics to their handlers. An offset is committed after its event has taken effect, a moment
    later: what comes again after a crash was accepted already. Events that do nothing are accepted then, at the latest.

    What comes together takes effect together, in one transaction. If that cannot be, each takes effect alone. What is
    no event, or cannot take effect however often it is tried, is a dead letter, and so are those of its key that come
    after it; other keys go on.
    """

    def __init__(self, context: ServiceContext, contents: Contents) -> None:
        self._storage, self._url, self._tracing = context.storage, context.urls["SERVICES_KAFKA"], context.tracing
        self._partitions, self._activity = context.settings.partitions, context.activity
        # Of the group, of its one member, and of the inbox.
        self._name = context.topic(context.name)
        self._handlers, self._ignored, self._singly = contents.handlers, contents.ignored, contents.singly
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
        await require_topics(self._url, new_topics(self._handlers, self._partitions))
        kafka = AIOKafkaConsumer(
            *self._handlers,
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
            await self._poll(kafka, stop)
        finally:
            await within(ANSWERS_WITHIN, kafka.stop())

    async def _poll(self, kafka: AIOKafkaConsumer, stop: asyncio.Event) -> None:
        postponed, following, committed_at = Postponed(), dict[Any, int](), time.monotonic()
        while not stop.is_set():
            kafka.resume(*kafka.assignment())
            polled = await kafka.getmany(timeout_ms=_POLL, max_records=_BATCH)
            began = time.monotonic()
            messages = [message for records in polled.values() for message in records]
            if len(messages) < _MANY:
                # The embedded broker waits for no more messages: while these take effect, asking takes half a core.
                kafka.pause(*kafka.assignment())
            if messages:
                self._activity.note()
                if not await self._handle_all(messages, postponed, stop):
                    return
                following |= {place: records[-1].offset + 1 for place, records in polled.items()}
            if following and (postponed.count >= _MANY or began - committed_at >= _COMMIT_EVERY):
                if not await self._handle_batches(postponed.take_all(), stop):
                    return
                await self._commit(kafka, following)
                following, committed_at = {}, began
            if len(messages) < _MANY:
                # What is published meanwhile takes effect together.
                least = _LEAST_LINGER if self._activity.is_lively else _IDLE_LINGER
                await asyncio.sleep(linger_after(time.monotonic() - began, least))

    async def _commit(self, kafka: AIOKafkaConsumer, following: Mapping[Any, int]) -> None:
        try:
            await within(ANSWERS_WITHIN, kafka.commit(following))
        except CommitFailedError:
            # The group was dealt anew; whoever has the partition now gets the messages again, and twice is once.
            _logger.info("the partitions were taken away before a commit")

    async def _handle_all(self, messages: Sequence[Message], postponed: Postponed, stop: asyncio.Event) -> bool:
        """Let them take effect, those of a key in turn; whether all have that are not postponed, and none was given up
        to end.
        """
        deliveries = list[Delivery]()
        for message in messages:
            read = read_delivery(message, self._ignored)
            if isinstance(read, Delivery):
                deliveries.append(read)
            elif not await self._dead_letter_until_stored(message, read, stop):
                return False
        return await self._handle_batches(postponed.due_with(deliveries), stop)

    async def _handle_batches(self, deliveries: Sequence[Delivery], stop: asyncio.Event) -> bool:
        for batch in batches(deliveries, self._singly):
            if not await self._handle_batch(batch, stop):
                return False
        return True

    async def _handle_batch(self, deliveries: Sequence[Delivery], stop: asyncio.Event) -> bool:
        backoff = Backoff(stop)
        while len(deliveries) > 1 and deliveries[0].type not in self._singly:
            try:
                outcomes = await self._apply(deliveries)
            except StorageUnavailableError as error:
                self._in_trouble(f"{len(deliveries)} events wait: {error}")
                if not await backoff.wait():
                    return False
            except Exception as error:  # noqa: BLE001 - who is at fault is found one by one
                _logger.info("%d events take effect one by one: %s", len(deliveries), type(error).__name__)
                break
            else:
                gaps = [one for one, outcome in zip(deliveries, outcomes, strict=True) if outcome is AcceptOutcome.GAP]
                return all([await self._dead_letter_gap(one, stop) for one in gaps])
        by_key: dict[tuple[str, str], list[Delivery]] = {}
        for one in deliveries:
            by_key.setdefault((one.message.topic, one.key), []).append(one)
        return all(await asyncio.gather(*(self._handle_in_order(in_order, stop) for in_order in by_key.values())))

    async def _handle_in_order(self, deliveries: Sequence[Delivery], stop: asyncio.Event) -> bool:
        for delivery in deliveries:
            if not await self._handle_until_done(delivery, stop):
                return False
        return True

    async def _handle_until_done(self, delivery: Delivery, stop: asyncio.Event) -> bool:
        async with self._slots:
            backoff = Backoff(stop)
            while (outcome := await self._handle(delivery)) is None:
                if not await backoff.wait():
                    return False
        return outcome is not AcceptOutcome.GAP or await self._dead_letter_gap(delivery, stop)

    async def _handle(self, delivery: Delivery) -> AcceptOutcome | None:
        """Let it take effect, or make it a dead letter; None if it is to be tried again."""
        try:
            (outcome,) = await self._apply([delivery])
        except TRANSIENT as error:
            self._in_trouble(f"{delivery.type} {delivery.seq} of {delivery.key} waits: {error}")
            return None
        except Exception as error:  # noqa: BLE001 - whoever published what, the others are to go on
            _logger.error("%s %s of %s cannot take effect: %s", delivery.type, delivery.seq, delivery.key, error)
            is_stored = await self._dead_letter(delivery.message, f"it cannot take effect: {type(error).__name__}")
            return AcceptOutcome.DUPLICATE if is_stored else None
        return outcome

    async def _apply(self, deliveries: Sequence[Delivery]) -> Sequence[AcceptOutcome]:
        """Let them take effect together, and tell what each was."""
        with self._traced(deliveries) as events:
            outcomes, after = await self._storage.run(lambda transaction: self._accept(transaction, deliveries, events))
        self._trouble = None
        if events:
            self._activity.appended()
        for do in after:
            do()
        return outcomes

    async def _accept(
        self, transaction: Transaction, deliveries: Sequence[Delivery], events: Mapping[int, ReceivedEvent]
    ) -> tuple[Sequence[AcceptOutcome], Sequence[AfterCommit]]:
        places = [(one.message.topic, one.key, one.seq) for one in deliveries]
        outcomes = [one.outcome for one in await transaction.inbox.accept_many(self._name, places)]
        new = [events[place] for place in events if outcomes[place] is AcceptOutcome.NEW]
        after = list[AfterCommit]()
        for batch in batches_by_type(new):
            if (do := await self._handlers[batch[0].topic](transaction, batch)) is not None:
                after.append(do)
        return outcomes, after

    @contextmanager
    def _traced(self, deliveries: Sequence[Delivery]) -> Iterator[Mapping[int, ReceivedEvent]]:
        """The events that something is done for, by their places, each in a span of its own; the headers of each are
        for the events that follow from it.
        """
        with ExitStack() as spans:
            events: dict[int, ReceivedEvent] = {}
            for place, one in enumerate(deliveries):
                if one.event is not None:
                    headers = spans.enter_context(self._tracing.taking(one.event.topic, one.message.headers))
                    is_same = headers == one.event.headers
                    events[place] = one.event if is_same else one.event.model_copy(update={"headers": headers})
            yield events

    async def _dead_letter_gap(self, delivery: Delivery, stop: asyncio.Event) -> bool:
        _logger.error("%s %s of %s: one before it is missing", delivery.type, delivery.seq, delivery.key)
        return await self._dead_letter_until_stored(delivery.message, "one before it is missing", stop)

    async def _dead_letter_until_stored(self, message: Message, reason: str, stop: asyncio.Event) -> bool:
        backoff = Backoff(stop)
        while not await self._dead_letter(message, reason):
            if not await backoff.wait():
                return False
        return True

    async def _dead_letter(self, message: Message, reason: str) -> bool:
        position = f"{message.partition}-{message.offset}-{message.timestamp}"
        letter = DeadLetter(
            source=message.topic, position=position, value=message.value, error=reason, failed_at=self._storage.now()
        )
        try:
            await self._storage.dead_letters.put(letter)
        except TRANSIENT as error:
            self._in_trouble(f"waits for the database: {type(error).__name__}")
            return False
        return True

    def _in_trouble(self, trouble: str) -> None:
        if trouble != self._trouble:
            _logger.warning(trouble)
        self._trouble = trouble
