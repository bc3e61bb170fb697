"""The service of order records in tasks, when its storage is slow."""

import asyncio
from typing import Any

import pytest

import metacore
import metacore.sync
from metacore import OrderRecord, OrderRecordService
from metacore.errors import NotFoundError
from metacore.testing.factories import OrderRecordFactory


@pytest.fixture
def record() -> OrderRecord:
    return OrderRecordFactory.build(count=2)


class SlowRecords:
    """Stands before a storage; `get` answers with what was stored when it began, once it is let go."""

    def __init__(self, records: Any) -> None:
        self.records = records
        self.reads = 0
        self.reading, self.let_go = asyncio.Event(), asyncio.Event()

    def __getattr__(self, name: str) -> Any:
        return getattr(self.records, name)

    async def get(self, order_uid: str) -> OrderRecord:
        self.reads += 1
        answer = (await asyncio.gather(self.records.get(order_uid), return_exceptions=True))[0]
        self.reading.set()
        await self.let_go.wait()
        if isinstance(answer, BaseException):
            raise answer
        return answer


class SlowStorage:
    def __init__(self, storage: metacore.Storage) -> None:
        self.order_records = SlowRecords(storage.order_records)


class TestTasks:
    """Reads and writes of the same key that overlap."""

    def run(self, test: Any, record: OrderRecord) -> None:
        async def run() -> None:
            async with metacore.connect("memory://") as storage:
                await storage.order_records.save(record)
                slow = SlowStorage(storage)
                await test(OrderRecordService(slow), slow.order_records)  # type: ignore[arg-type]

        asyncio.run(run())

    def test_misses_at_the_same_time_read_once(self, record: OrderRecord) -> None:
        async def test(service: OrderRecordService, records: SlowRecords) -> None:
            reads = [asyncio.create_task(service.get(record.order_uid)) for _ in range(20)]
            await records.reading.wait()
            records.let_go.set()
            assert await asyncio.gather(*reads) == [record] * 20
            assert records.reads == 1

        self.run(test, record)

    @pytest.mark.parametrize("method", ["process", "update"])
    def test_a_slow_read_brings_back_nothing_that_was_changed(self, record: OrderRecord, method: str) -> None:
        async def test(service: OrderRecordService, records: SlowRecords) -> None:
            read = asyncio.create_task(service.get(record.order_uid))
            await records.reading.wait()
            changed = record.changed(locale="ru")
            await getattr(service, method)(changed)
            assert await service.get(record.order_uid) == changed
            records.let_go.set()
            assert await read == record
            assert await service.get(record.order_uid) == changed

        self.run(test, record)

    def test_a_slow_read_brings_back_nothing_that_was_deleted(self, record: OrderRecord) -> None:
        async def test(service: OrderRecordService, records: SlowRecords) -> None:
            read = asyncio.create_task(service.get(record.order_uid))
            await records.reading.wait()
            await service.delete(record.order_uid)
            later = asyncio.create_task(service.get(record.order_uid))
            await asyncio.sleep(0)
            records.let_go.set()
            assert await read == record
            with pytest.raises(NotFoundError):
                await later
            with pytest.raises(NotFoundError):
                await service.get(record.order_uid)

        self.run(test, record)

    def test_a_reader_that_is_cancelled_leaves_the_reading_to_the_next(self, record: OrderRecord) -> None:
        async def test(service: OrderRecordService, records: SlowRecords) -> None:
            first = asyncio.create_task(service.get(record.order_uid))
            await records.reading.wait()
            second = asyncio.create_task(service.get(record.order_uid))
            await asyncio.sleep(0)
            first.cancel()
            records.let_go.set()
            assert await second == record
            with pytest.raises(asyncio.CancelledError):
                await first

        self.run(test, record)

    def test_an_error_is_everybody_s_and_is_not_cached(self, record: OrderRecord) -> None:
        async def test(service: OrderRecordService, records: SlowRecords) -> None:
            reads = asyncio.gather(*(service.get("missing") for _ in range(5)), return_exceptions=True)
            await records.reading.wait()
            records.let_go.set()
            results = await reads
            assert [type(result) for result in results] == [NotFoundError] * 5
            assert records.reads == 1
            await service.process(record.changed(order_uid="missing"))
            assert (await service.get("missing")).order_uid == "missing"

        self.run(test, record)

    def test_what_is_written_during_a_warm_up_stays(self, record: OrderRecord) -> None:
        async def test(service: OrderRecordService, records: SlowRecords) -> None:
            page, listing, go_on = await records.records.list(), asyncio.Event(), asyncio.Event()

            async def slow_list(*_: Any) -> Any:
                listing.set()
                await go_on.wait()
                return page

            records.list = slow_list  # type: ignore[attr-defined]
            warm_up = asyncio.create_task(service.warm_up())
            await listing.wait()
            changed = record.changed(locale="ru")
            await service.process(changed)
            go_on.set()
            assert await warm_up == 1
            assert await service.get(record.order_uid) == changed
            assert records.reads == 0

        self.run(test, record)
