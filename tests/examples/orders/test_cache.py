"""Ready answers: as current as the cache of records that they stand beside, and within its limits."""

import asyncio

import pytest

import metacore
from metacore.testing.factories import OrderRecordFactory
from orders.cache import ReadyOrders, share_of_answers


def test_the_cache_is_never_above_its_limits_in_records_and_bytes() -> None:
    async def fill(max_records: int, max_bytes: int) -> None:
        async with metacore.connect("memory://") as storage:
            records_share = max_bytes - share_of_answers(max_bytes)
            service = metacore.OrderRecordService(storage, max_records, max_bytes=records_share)
            ready = ReadyOrders(service, max_records, max_bytes)
            for record in OrderRecordFactory.build_batch(60, count=3):
                await service.process(record)
                await ready.get(record.order_uid)
                state = ready.state()
                assert state.records <= max_records
                assert state.bytes <= max_bytes
            assert state.evictions > 0

    asyncio.run(fill(20, 2**30))
    asyncio.run(fill(1000, 200_000))


def test_an_answer_is_as_current_as_its_record_and_made_once() -> None:
    async def check() -> None:
        async with metacore.connect("memory://") as storage:
            service = metacore.OrderRecordService(storage)
            ready = ReadyOrders(service, 10, 2**20)
            record = OrderRecordFactory.build()
            await service.process(record)
            answer = await ready.get(record.order_uid)
            assert answer == record.model_dump_json().encode()
            assert await ready.get(record.order_uid) is answer
            changed = record.changed(locale="ru")
            await service.process(changed)
            assert await ready.get(record.order_uid) == changed.model_dump_json().encode()
            await service.delete(record.order_uid)
            with pytest.raises(metacore.NotFoundError):
                await ready.get(record.order_uid)

    asyncio.run(check())
