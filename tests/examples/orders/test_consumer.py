"""The consumer over a storage in memory: what it stores, what it keeps as a letter, and when it tries again."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from aiokafka import ConsumerRecord, TopicPartition
from pytest_mock import MockerFixture

import metacore
from common.waiting import Backoff
from metacore import ConflictError, InvalidDataError, OrderRecordService, StorageUnavailableError
from metacore.testing.factories import OrderRecordFactory
from orders.consumer import Consumer
from orders.letters import letter_of, replay
from orders.settings import OrderSettings

PARTITION = TopicPartition("orders", 1)


def message(value: bytes | None, offset: int = 0, **changes: Any) -> ConsumerRecord[bytes, bytes]:
    fields = {"key": b"k", "headers": (), "timestamp": 7, "timestamp_type": 0, "checksum": None, **changes}
    sizes = {"serialized_key_size": 1, "serialized_value_size": 1}
    return ConsumerRecord(topic="orders", partition=1, offset=offset, value=value, **fields, **sizes)


Check = Callable[[metacore.Storage, OrderRecordService, Consumer], Awaitable[None]]


def run(check: Check) -> None:
    async def main() -> None:
        async with metacore.connect("memory://") as storage:
            service = OrderRecordService(storage)
            await check(storage, service, Consumer(storage, service, OrderSettings(), "nowhere:1"))

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
        assert await consumer._store(polled, Backoff(asyncio.Event()))
        assert await storage.order_records.get(good.order_uid) == good
        (letter,) = (await storage.dead_letters.list()).items
        assert (letter.position, letter.value) == ("1-0-7", refused.model_dump_json().encode())

    run(check)


def test_a_database_that_is_away_is_waited_for_until_the_service_ends(mocker: MockerFixture) -> None:
    record = OrderRecordFactory.build()
    polled = {PARTITION: [message(record.model_dump_json().encode())]}

    async def check(storage: metacore.Storage, service: OrderRecordService, consumer: Consumer) -> None:
        away = StorageUnavailableError("away")
        storing = mocker.patch.object(storage.order_records, "save_many", side_effect=[away, away, ["CREATED"]])
        assert await consumer._store(polled, Backoff(asyncio.Event()))
        assert storing.call_count == 3
        stop = asyncio.Event()
        stop.set()
        storing.side_effect = away
        assert not await consumer._store(polled, Backoff(stop))

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
    told = message(b"\0\xff", key=b"\xff\0", headers=(("trace", b"a\0\xff"),))
    letter = letter_of(told, InvalidDataError("no", field="items"), now)
    assert (letter.source, letter.position, letter.value, letter.field) == ("orders", "1-0-7", b"\0\xff", "items")
    assert (letter.key, dict(letter.headers)) == (r"\xff\x00", {"trace": r"a\x00\xff"})
    assert letter_of(message(None, key=None), InvalidDataError("no"), now).key is None
