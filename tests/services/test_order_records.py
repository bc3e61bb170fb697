"""The service of order records when its storage is slow or fails."""

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from pytest_mock import MockerFixture

import metacore
import metacore.sync
from metacore import OrderRecord, SaveOutcome
from metacore.errors import InvalidDataError, OutcomeUnknownError, StorageUnavailableError
from metacore.testing.factories import OrderRecordFactory


@pytest.fixture
def storage() -> Iterator[metacore.sync.Storage]:
    with metacore.sync.connect("memory://") as storage:
        yield storage


@pytest.fixture
def service(storage: metacore.sync.Storage) -> metacore.sync.OrderRecordService:
    return metacore.sync.OrderRecordService(storage)


@pytest.fixture
def record() -> OrderRecord:
    return OrderRecordFactory.build(count=2)


@pytest.mark.parametrize("method", ["process", "update"])
def test_a_write_that_the_database_refused_leaves_the_cache_as_it_was(
    storage: metacore.sync.Storage,
    service: metacore.sync.OrderRecordService,
    record: OrderRecord,
    mocker: MockerFixture,
    method: str,
) -> None:
    service.process(record)
    failing = {"process": "save", "update": "update"}[method]
    mocker.patch.object(storage.order_records, failing, side_effect=StorageUnavailableError("gone"))
    with pytest.raises(StorageUnavailableError):
        getattr(service, method)(record.changed(locale="ru"))
    assert service.get(record.order_uid) == record
    assert service.cache_stats().size == 1


def test_a_deletion_that_the_database_refused_leaves_the_cache_as_it_was(
    storage: metacore.sync.Storage,
    service: metacore.sync.OrderRecordService,
    record: OrderRecord,
    mocker: MockerFixture,
) -> None:
    service.process(record)
    mocker.patch.object(storage.order_records, "delete", side_effect=StorageUnavailableError("gone"))
    with pytest.raises(StorageUnavailableError):
        service.delete(record.order_uid)
    assert service.get(record.order_uid) == record


def test_what_is_cached_is_served_while_the_database_is_gone(
    storage: metacore.sync.Storage,
    service: metacore.sync.OrderRecordService,
    record: OrderRecord,
    mocker: MockerFixture,
) -> None:
    service.process(record)
    mocker.patch.object(storage.order_records, "get", side_effect=StorageUnavailableError("gone"))
    assert service.get(record.order_uid) == record
    with pytest.raises(StorageUnavailableError):
        service.get("another")
    assert service.cache_stats().size == 1


def test_the_cache_alone_tells_what_it_has_and_counts_hits(
    service: metacore.sync.OrderRecordService, record: OrderRecord
) -> None:
    assert service.cached(record.order_uid) is None
    service.process(record)
    assert service.cached(record.order_uid) is record
    assert (service.cache_stats().hits, service.cache_stats().misses) == (1, 0)


def test_after_an_unknown_outcome_the_database_is_asked(
    storage: metacore.sync.Storage,
    service: metacore.sync.OrderRecordService,
    record: OrderRecord,
    mocker: MockerFixture,
) -> None:
    service.process(record)
    changed = record.changed(locale="ru")
    save = storage.order_records.save

    def save_and_lose(record: OrderRecord) -> SaveOutcome:
        save(record)
        raise OutcomeUnknownError("the connection was lost")

    mocker.patch.object(storage.order_records, "save", side_effect=save_and_lose)
    with pytest.raises(OutcomeUnknownError):
        service.process(changed)
    assert service.get(record.order_uid) == changed


def test_a_warm_up_that_the_database_breaks_off_leaves_the_cache_as_it_was(
    storage: metacore.sync.Storage,
    service: metacore.sync.OrderRecordService,
    record: OrderRecord,
    mocker: MockerFixture,
) -> None:
    storage.order_records.save_many(OrderRecordFactory.build() for _ in range(600))
    service.process(record)
    pages = [storage.order_records.list(limit=500), StorageUnavailableError("gone")]
    mocker.patch.object(storage.order_records, "list", side_effect=pages)
    with pytest.raises(StorageUnavailableError):
        service.warm_up()
    assert service.cache_stats().size == 1
    assert service.get(record.order_uid) == record


def test_a_warm_up_reads_no_more_than_the_cache_holds_in_bounded_pages(
    storage: metacore.sync.Storage, mocker: MockerFixture
) -> None:
    storage.order_records.save_many(OrderRecordFactory.build() for _ in range(1300))
    service = metacore.sync.OrderRecordService(storage, max_size=1200)
    listed = mocker.spy(storage.order_records, "list")
    assert service.warm_up(5000) == 1200
    assert [call.args[1] for call in listed.call_args_list] == [500, 500, 200]
    assert (service.cache_stats().size, service.cache_stats().evictions) == (1200, 0)


@pytest.mark.parametrize("more", [1, 2, 3])
def test_after_a_warm_up_the_oldest_records_make_room_first(
    storage: metacore.sync.Storage, mocker: MockerFixture, more: int
) -> None:
    times = [f"2021-11-26T06:22:{second:02}Z" for second in (20, 19, 21)]
    middle, oldest, newest = [OrderRecordFactory.build(date_created=time) for time in times]
    storage.order_records.save_many([middle, oldest, newest])
    service = metacore.sync.OrderRecordService(storage, max_size=3)
    assert service.warm_up() == 3
    for _ in range(more):
        service.process(OrderRecordFactory.build())
    read = mocker.spy(storage.order_records, "get")
    by_age = [oldest.order_uid, middle.order_uid, newest.order_uid]
    for order_uid in by_age[more:]:
        service.get(order_uid)
    read.assert_not_called()
    for order_uid in by_age[:more]:
        service.get(order_uid)
    assert [call.args for call in read.call_args_list] == [(order_uid,) for order_uid in by_age[:more]]


@pytest.mark.parametrize("newest", [0, -1])
def test_a_warm_up_of_nothing_is_refused(service: metacore.sync.OrderRecordService, newest: int) -> None:
    with pytest.raises(InvalidDataError):
        service.warm_up(newest)


def test_the_cache_is_bounded_in_size_and_time(storage: metacore.sync.Storage) -> None:
    now = [0.0]
    service = metacore.sync.OrderRecordService(storage, max_size=2, ttl=60, timer=lambda: now[0])
    records = [OrderRecordFactory.build() for _ in range(3)]
    for record in records:
        service.process(record)
    stats = service.cache_stats()
    assert (stats.size, stats.evictions) == (2, 1)
    storage.order_records.save(records[2].changed(locale="ru"))
    assert service.get(records[2].order_uid).locale == "en"
    now[0] = 60
    assert service.get(records[2].order_uid).locale == "ru"


def test_the_cache_is_bounded_by_bytes_also_when_it_is_warmed_up(storage: metacore.sync.Storage) -> None:
    records = [OrderRecordFactory.build(locale=letter * 30_000) for letter in "abcd"]
    storage.order_records.save_many(records)
    service = metacore.sync.OrderRecordService(storage, max_bytes=100_000)
    assert service.warm_up() == service.cache_stats().size == 2
    for record in records:
        service.process(record)
        assert 30_000 < service.cache_stats().bytes <= 100_000
    service.process(records[3].changed(locale="x" * 100_000))
    assert service.cache_stats().size == 1
    assert service.get(records[3].order_uid).locale == "x" * 100_000


def test_threads_that_miss_the_same_key_read_once(
    storage: metacore.sync.Storage,
    service: metacore.sync.OrderRecordService,
    record: OrderRecord,
    mocker: MockerFixture,
) -> None:
    storage.order_records.save(record)
    get, reading = storage.order_records.get, threading.Event()

    def get_slowly(order_uid: str) -> OrderRecord:
        reading.wait(10)
        return get(order_uid)

    read = mocker.patch.object(storage.order_records, "get", side_effect=get_slowly)
    with ThreadPoolExecutor(8) as pool:
        results = [pool.submit(service.get, record.order_uid) for _ in range(8)]
        while service.cache_stats().misses < 8:
            """All of them have to be on their way."""
        reading.set()
        assert [result.result() for result in results] == [record] * 8
    assert read.call_count == 1


def test_who_missed_just_before_somebody_else_had_read_does_not_read_again(
    storage: metacore.sync.Storage,
    service: metacore.sync.OrderRecordService,
    record: OrderRecord,
    mocker: MockerFixture,
) -> None:
    storage.order_records.save(record)
    cache, begin_read = service._cache, service._cache.begin_read

    def begin_late(order_uid: str) -> Any:
        cache.end_read(order_uid, begin_read(order_uid), record)
        return begin_read(order_uid)

    mocker.patch.object(cache, "begin_read", side_effect=begin_late)
    read = mocker.spy(storage.order_records, "get")
    assert service.get(record.order_uid) is record
    assert read.call_count == 0
