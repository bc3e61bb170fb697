"""The consumer over a storage in memory: what it stores, what it keeps as a letter, and when it tries again."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from aiokafka import ConsumerRecord, TopicPartition
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from pytest_mock import MockerFixture

import metacore
from common.tracing import Tracing
from common.waiting import Backoff
from metacore import ConflictError, InvalidDataError, OrderRecordService, StorageUnavailableError
from metacore.testing.factories import OrderRecordFactory
from orders.batches import sort
from orders.consumer import Consumer
from orders.letters import letter_of, page_of_letters, replay
from orders.settings import OrderSettings

PARTITION, OTHER, NEW = (TopicPartition("orders", number) for number in (1, 2, 3))


def message(value: bytes | None, offset: int = 0, **changes: Any) -> ConsumerRecord[bytes, bytes]:
    fields = {"key": b"k", "headers": (), "timestamp": 7, "timestamp_type": 0, "checksum": None, **changes}
    sizes = {"serialized_key_size": 1, "serialized_value_size": 1}
    return ConsumerRecord(topic="orders", partition=1, offset=offset, value=value, **fields, **sizes)


Check = Callable[[metacore.Storage, OrderRecordService, Consumer], Awaitable[None]]


def run(check: Check, provider: TracerProvider | None = None) -> None:
    async def main() -> None:
        async with metacore.connect("memory://") as storage:
            service = OrderRecordService(storage)
            consumer = Consumer(storage, service, OrderSettings(), "nowhere:1", Tracing("orders", provider))
            await check(storage, service, consumer)

    asyncio.run(main())


def test_what_the_storage_refuses_of_a_batch_is_a_letter_and_the_rest_is_stored(mocker: MockerFixture) -> None:
    good, refused = OrderRecordFactory.build_batch(2)

    async def check(storage: metacore.Storage, service: OrderRecordService, consumer: Consumer) -> None:
        save = storage.order_records.save

        async def refuse(record: metacore.OrderRecord) -> Any:
            if record.order_uid == refused.order_uid:
                raise InvalidDataError("no")
            return await save(record)

        mocker.patch.object(storage.order_records, "save_many", side_effect=[InvalidDataError("no"), []])
        mocker.patch.object(storage.order_records, "save", side_effect=refuse)
        polled = {PARTITION: [message(one.model_dump_json().encode(), n) for n, one in enumerate((refused, good))]}
        assert await consumer._store(await sort(polled[PARTITION]), Backoff(asyncio.Event()))
        assert await storage.order_records.get(good.order_uid) == good
        (letter,) = (await storage.dead_letters.list()).items
        assert (letter.position, letter.value) == ("1-0-7", refused.model_dump_json().encode())

    run(check)


def test_a_batch_that_is_refused_though_each_of_it_is_not_is_stored_in_turn(mocker: MockerFixture) -> None:
    good = OrderRecordFactory.build_batch(2)

    async def check(storage: metacore.Storage, service: OrderRecordService, consumer: Consumer) -> None:
        mocker.patch.object(storage.order_records, "save_many", side_effect=InvalidDataError("no"))
        save = storage.order_records.save
        away = StorageUnavailableError("away")
        storing = mocker.patch.object(storage.order_records, "save", side_effect=[away, *await save_both(save)])
        polled = {PARTITION: [message(one.model_dump_json().encode(), n) for n, one in enumerate(good)]}
        assert await consumer._store(await sort(polled[PARTITION]), Backoff(asyncio.Event()))
        assert storing.call_count == 3
        assert (consumer.counts.orders, consumer.counts.dead_letters, consumer.counts.failures) == (2, 0, 1)

    async def save_both(save: Any) -> list[Any]:
        return [await save(one) for one in good]

    run(check)


class Broker:
    """What a consumer asks of its connection."""

    def __init__(self, polled: Any) -> None:
        self.assigned = {PARTITION, OTHER, NEW}
        self._polled = polled

    async def getmany(self, **_: Any) -> Any:
        return self._polled

    def assignment(self) -> set[TopicPartition]:
        return self.assigned

    def highwater(self, partition: TopicPartition) -> int | None:
        assert partition in self.assigned
        return {PARTITION: 10, OTHER: 5}.get(partition)

    async def position(self, partition: TopicPartition) -> int:
        return {OTHER: 2}[partition]


def test_the_backlog_is_known_before_it_is_stored_and_for_no_partition_that_was_taken_away(
    mocker: MockerFixture,
) -> None:
    async def check(storage: metacore.Storage, service: OrderRecordService, consumer: Consumer) -> None:
        mocker.patch.object(storage.order_records, "save_many", side_effect=StorageUnavailableError("away"))
        broker: Any = Broker({PARTITION: [message(OrderRecordFactory.build().model_dump_json().encode(), 3)]})
        stop = asyncio.Event()
        stop.set()
        consumer._kafka = broker
        await consumer._finish(broker, *await consumer._poll(broker), Backoff(stop))
        assert consumer.backlog() == (10 - 3) + (5 - 2)
        broker.assigned = {OTHER, NEW}
        assert consumer.backlog() == 5 - 2

    run(check)


def test_nothing_behind_a_batch_that_was_abandoned_is_committed(mocker: MockerFixture) -> None:
    async def check(storage: metacore.Storage, service: OrderRecordService, consumer: Consumer) -> None:
        stop = asyncio.Event()
        batches = [
            {PARTITION: [message(OrderRecordFactory.build().model_dump_json().encode(), offset)]} for offset in (0, 1)
        ]

        def save(_: Any) -> Any:
            if storing.call_count > 1:
                return [metacore.SaveOutcome.CREATED]
            stop.set()
            raise StorageUnavailableError("away")

        storing = mocker.patch.object(storage.order_records, "save_many", side_effect=save)
        committing = mocker.patch.object(consumer, "_commit")
        broker: Any = Broker(None)
        mocker.patch.object(broker, "getmany", side_effect=batches)
        await consumer._bring(broker, stop, Backoff(stop))
        assert (storing.call_count, committing.call_count) == (1, 0)

    run(check)


def test_a_broker_that_does_not_answer_is_waited_for(mocker: MockerFixture) -> None:
    async def check(storage: metacore.Storage, service: OrderRecordService, consumer: Consumer) -> None:
        stop = asyncio.Event()

        async def consume(*_: Any) -> None:
            if consuming.call_count == 2:
                stop.set()
            raise TimeoutError

        consuming = mocker.patch.object(consumer, "_consume", side_effect=consume)
        await consumer.run(stop)
        assert (consuming.call_count, consumer.counts.failures) == (2, 2)

    run(check)


def test_a_database_that_is_away_is_waited_for_until_the_service_ends(mocker: MockerFixture) -> None:
    record = OrderRecordFactory.build()
    polled = {PARTITION: [message(record.model_dump_json().encode())]}

    async def check(storage: metacore.Storage, service: OrderRecordService, consumer: Consumer) -> None:
        away = StorageUnavailableError("away")
        storing = mocker.patch.object(storage.order_records, "save_many", side_effect=[away, away, ["CREATED"]])
        assert await consumer._store(await sort(polled[PARTITION]), Backoff(asyncio.Event()))
        assert storing.call_count == 3
        stop = asyncio.Event()
        stop.set()
        storing.side_effect = away
        assert not await consumer._store(await sort(polled[PARTITION]), Backoff(stop))

    run(check)


def test_sixteen_who_replay_a_letter_at_once_store_its_order_once() -> None:
    first, *others = OrderRecordFactory.build_batch(16)

    async def check(storage: metacore.Storage, service: OrderRecordService, _: Consumer) -> None:
        letter = letter_of(message(b"broken"), InvalidDataError("broken"), storage.now())
        await storage.dead_letters.put(letter)
        bodies = [record.model_dump_json().encode() for record in (first, *others)]
        places = (letter.source, letter.position)
        answers = await asyncio.gather(*(replay(storage, service, *places, body) for body in bodies))
        assert {answer.resolution for answer in answers} == {"REPLAYED"}
        assert await storage.order_records.count() == 1
        await storage.dead_letters.put(letter.model_copy(update={"position": "1-1-7"}))
        await storage.dead_letters.resolve("orders", "1-1-7", metacore.Resolution.DISCARDED)
        with pytest.raises(ConflictError):
            await replay(storage, service, "orders", "1-1-7", bodies[0])

    run(check)


def test_a_letter_tells_what_its_message_had_whatever_it_was() -> None:
    now = datetime(2026, 1, 1, tzinfo=UTC)
    headers = (("trace", b"a\0\xff"), ("none", None), ("twice", b"1"), ("twice", None), ("\0\ud800", b""))
    broken = message(b"\0\xff", key=b"\xff\0", headers=headers)
    letter = letter_of(broken, InvalidDataError("no", field="items"), now)
    assert (letter.source, letter.position, letter.value, letter.field) == ("orders", "1-0-7", b"\0\xff", "items")
    assert letter.key == r"\xff\x00"
    assert letter.headers == {"trace": r"a\x00\xff", "none": None, "twice": ("1", None), r"\x00\ud800": ""}
    assert letter_of(message(None, key=None), InvalidDataError("no"), now).key is None


def test_the_span_in_which_messages_are_stored_is_linked_to_those_in_which_they_were_sent(
    mocker: MockerFixture,
) -> None:
    exporter, provider = InMemorySpanExporter(), TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    value = OrderRecordFactory.build().model_dump_json().encode()
    values = []
    for _ in range(2):
        with Tracing("publisher", provider).sending("orders") as headers:
            carried = tuple((name, text.encode()) for name, text in headers.items())
        values += [message(value, headers=(*carried, ("other", b"\xff"), ("traceparent", None)))] * 2
    values += [message(value), message(value, headers=[("traceparent", b"\xff")])]

    async def check(storage: metacore.Storage, service: OrderRecordService, consumer: Consumer) -> None:
        mocker.patch.object(consumer, "_commit")
        broker: Any = Broker({PARTITION: values})
        await consumer._finish(broker, *await consumer._poll(broker), Backoff(asyncio.Event()))
        assert (await storage.order_records.count(), consumer.counts.orders) == (1, 6)

    run(check, provider)
    *sent, stored = exporter.get_finished_spans()
    assert [span.name for span in (*sent, stored)] == ["send orders", "send orders", "process orders"]
    assert {link.context.span_id for link in stored.links} == {span.context.span_id for span in sent}


def test_a_page_of_large_letters_ends_early_and_the_next_goes_on(mocker: MockerFixture) -> None:
    mocker.patch("orders.letters.LARGEST_PAGE", 1000)
    now = datetime(2026, 1, 1, tzinfo=UTC)

    async def sizes(storage: metacore.Storage, value: bytes) -> list[int]:
        for offset in range(12):
            letter = letter_of(message(value, offset), InvalidDataError("no"), now)
            await storage.dead_letters.put(letter.model_copy(update={"source": value.decode()}))
        pages, after = [], None
        while not pages or after is not None:
            page = await page_of_letters(storage, value.decode(), False, after, 11)
            after = page.next
            pages.append(page.items)
        assert len({letter.position for page in pages for letter in page}) == 12
        return [len(page) for page in pages]

    async def check(storage: metacore.Storage, _: OrderRecordService, __: Consumer) -> None:
        assert await sizes(storage, b"small") == [11, 1]
        assert await sizes(storage, b"x" * 250) == [5, 5, 2]

    run(check)
