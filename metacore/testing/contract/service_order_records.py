"""The contract of the service before the storage of order records."""

from __future__ import annotations

import pytest

from metacore.domain.commerce.order_records import SaveOutcome
from metacore.errors import NotFoundError
from metacore.sync.services.order_records import OrderRecordService
from metacore.sync.storage.storage import Storage
from metacore.testing.contract.base import Contract
from metacore.testing.contract.series import series
from metacore.testing.factories import OrderRecordFactory
from metacore.testing.runners import Runner

CREATED, UPDATED, UNCHANGED = SaveOutcome.CREATED, SaveOutcome.UPDATED, SaveOutcome.UNCHANGED


class OrderRecordServiceContract(Contract):
    """Of `metacore.services.order_records.OrderRecordService`."""

    @pytest.fixture
    def service(self, runner: Runner, storage: Storage) -> OrderRecordService:
        service: OrderRecordService = runner.service("OrderRecordService", storage)
        return service

    def test_what_was_processed_is_stored_and_cached(self, storage: Storage, service: OrderRecordService) -> None:
        record = OrderRecordFactory.build(count=2)
        assert service.process(record) is CREATED
        assert service.process(record) is UNCHANGED
        assert service.get(record.order_uid) == record == storage.order_records.get(record.order_uid)
        assert service.cache_stats().hits == 1

    def test_what_was_processed_in_turn_is_stored_and_the_last_of_each_cached(
        self, storage: Storage, service: OrderRecordService
    ) -> None:
        first, other = OrderRecordFactory.build_batch(2)
        last = first.changed(locale="ru")
        assert [*service.process_many(iter([first, other, last]))] == [CREATED, CREATED, UPDATED]
        assert service.get(first.order_uid) == last == storage.order_records.get(first.order_uid)
        assert service.get(other.order_uid) == other
        assert service.cache_stats().hits == 2

    def test_what_somebody_else_changed_meanwhile_is_not_cached(
        self, storage: Storage, service: OrderRecordService
    ) -> None:
        record = OrderRecordFactory.build()
        service.process(record)
        changed = record.changed(locale="ru")
        with service.changing(record.order_uid), storage.transaction() as tx:
            tx.order_records.save(changed)
            assert service.get(record.order_uid) == record
        assert service.get(record.order_uid) == changed

    def test_what_was_read_is_cached(self, storage: Storage, service: OrderRecordService) -> None:
        record = OrderRecordFactory.build()
        storage.order_records.save(record)
        assert service.get(record.order_uid) == service.get(record.order_uid) == record
        stats = service.cache_stats()
        assert (stats.hits, stats.misses, stats.evictions, stats.size) == (1, 1, 0, 1)

    def test_update_and_delete_are_seen_at_once(self, service: OrderRecordService) -> None:
        record = OrderRecordFactory.build()
        service.process(record)
        changed = record.changed(locale="ru")
        assert service.update(changed) is UPDATED
        assert service.get(record.order_uid) == changed
        service.delete(record.order_uid)
        for call in (
            lambda: service.get(record.order_uid),
            lambda: service.update(record),
            lambda: service.delete(record.order_uid),
        ):
            with pytest.raises(NotFoundError):
                call()

    def test_misses_at_the_same_time_read_once(
        self, storage: Storage, runner: Runner, service: OrderRecordService
    ) -> None:
        record = OrderRecordFactory.build()
        storage.order_records.save(record)
        before = storage.stats().operations.get("order_records.get", 0)
        assert runner.together(*[lambda: service.get(record.order_uid)] * 20) == [record] * 20
        assert storage.stats().operations["order_records.get"] == before + 1

    def test_warm_up_takes_the_newest(self, storage: Storage, service: OrderRecordService) -> None:
        records = [OrderRecordFactory.build() for _ in range(5)]
        storage.order_records.save_many(records)
        service.get(records[0].order_uid)
        assert service.warm_up(3) == service.cache_stats().size == 3
        before = storage.stats().operations["order_records.get"]
        assert [service.get(record.order_uid) for record in records[2:]] == records[2:]
        assert storage.stats().operations["order_records.get"] == before

    def test_warm_up_takes_all_there_are_unless_limited(self, storage: Storage, service: OrderRecordService) -> None:
        assert service.warm_up() == 0
        storage.order_records.save_many(series(OrderRecordFactory.build(), 1100, "order_uid"))
        assert service.warm_up() == 1100

    def test_the_list_is_the_storage_s(self, storage: Storage, service: OrderRecordService) -> None:
        storage.order_records.save_many(OrderRecordFactory.build() for _ in range(3))
        page = service.list(limit=2)
        assert page == storage.order_records.list(limit=2)
        assert service.list(page.next, 2) == storage.order_records.list(page.next, 2)
