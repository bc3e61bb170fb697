"""The contract of the lists of order records."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

from metacore.domain.people.users import User
from metacore.domain.values.pages import Page
from metacore.sync.storage.storage import Storage
from metacore.testing.clock import START
from metacore.testing.contract.order_records_samples import VARIANTS, smallest, with_values
from metacore.testing.contract.storage_paging import PagedListContract
from metacore.testing.factories import OrderRecordFactory


class OrderRecordListContract(PagedListContract):
    """Of `OrderRecordStorage.list` and `find`."""

    def insert(self, storage: Storage, user: User, count: int) -> None:
        before = storage.order_records.count()
        for n in range(before, before + count):
            created = START + timedelta(seconds=n if n % 2 else -n)
            storage.order_records.save(OrderRecordFactory.build(count=2, date_created=created.isoformat()))

    def read(self, storage: Storage, user: User, after: Any = None, limit: Any = 100) -> Page[Any]:
        return storage.order_records.list(after, limit)

    def stream(self, storage: Storage, user: User) -> Iterator[Any]:
        return storage.order_records.stream()

    def read_otherwise(self, storage: Storage, user: User, other: User) -> Iterator[Page[Any]]:
        yield storage.order_records.list_by_customer("test", limit=1)
        yield storage.users.list(limit=1)

    def test_records_come_newest_first_by_the_time_that_their_text_says(self, storage: Storage) -> None:
        texts = (
            "2021-11-26T06:22:19Z",
            "2021-11-26T06:22:19.000001Z",
            "2021-11-26T05:22:19.5-01:00",
            "2021-11-26T09:22:18.999999999+03:00",
            "1999-12-31T23:59:59Z",
        )
        records = [OrderRecordFactory.build(date_created=text) for text in texts]
        storage.order_records.save_many(records)
        assert storage.order_records.list().items == tuple(records[n] for n in (2, 1, 0, 3, 4))

    def test_records_of_the_same_time_come_by_order_uid_descending(self, storage: Storage) -> None:
        uids = ["b", "a", "B", "ä", "10", "9", "a b", "_"]
        moment = START.isoformat()
        for uid in uids:
            storage.order_records.save(OrderRecordFactory.build(order_uid=uid, date_created=moment))
        listed = [record.order_uid for record in storage.order_records.list().items]
        assert listed == sorted(uids, reverse=True)

    def test_a_page_has_whole_records(self, storage: Storage) -> None:
        records = [with_values(OrderRecordFactory.build(count=3), **changes) for changes in VARIANTS.values()]
        storage.order_records.save_many(records)
        page = storage.order_records.list().items
        assert [r.model_dump_json() for r in page] == [r.model_dump_json() for r in reversed(records)]

    def test_a_change_of_the_time_moves_the_record(self, storage: Storage) -> None:
        first, second = OrderRecordFactory.build(), OrderRecordFactory.build()
        storage.order_records.save_many([first, second])
        moved = first.changed(date_created="2030-01-01T00:00:00Z")
        storage.order_records.update(moved)
        assert storage.order_records.list().items == (moved, second)

    def test_a_record_that_is_moved_while_pages_are_read_is_seen_where_it_is_then(self, storage: Storage) -> None:
        first, second, third, fourth = (OrderRecordFactory.build() for _ in range(4))
        storage.order_records.save_many([first, second, third, fourth])
        page = storage.order_records.list(limit=2)
        assert page.items == (fourth, third)
        unseen = second.changed(date_created="2099-01-01T00:00:00Z")
        again = fourth.changed(date_created="1999-01-01T00:00:00Z")
        storage.order_records.save_many([unseen, again])
        assert storage.order_records.list(page.next).items == (first, again)
        assert storage.order_records.list().items == (unseen, third, first, again)

    def test_find_is_all_with_the_track_number_newest_first(self, storage: Storage) -> None:
        records = [OrderRecordFactory.build(track_number="same") for _ in range(3)]
        storage.order_records.save_many([*records, OrderRecordFactory.build()])
        assert storage.order_records.find("same") == tuple(reversed(records))
        assert storage.order_records.find("other") == ()
        assert storage.order_records.find("") == ()


class CustomerRecordListContract(PagedListContract):
    """Of `OrderRecordStorage.list_by_customer`."""

    def insert(self, storage: Storage, user: User, count: int) -> None:
        before = storage.order_records.count()
        for n in range(before, before + count):
            created = START + timedelta(seconds=n if n % 2 else -n)
            for customer in (str(user.id), "other"):
                record = OrderRecordFactory.build(customer_id=customer, date_created=created.isoformat())
                storage.order_records.save(record)

    def read(self, storage: Storage, user: User, after: Any = None, limit: Any = 100) -> Page[Any]:
        return storage.order_records.list_by_customer(str(user.id), after, limit)

    def stream(self, storage: Storage, user: User) -> Iterator[Any]:
        return storage.order_records.stream_by_customer(str(user.id))

    def read_otherwise(self, storage: Storage, user: User, other: User) -> Iterator[Page[Any]]:
        yield storage.order_records.list_by_customer("other", limit=1)
        yield storage.order_records.list_by_customer(str(other.id), limit=1)
        yield storage.order_records.list(limit=1)

    def test_records_of_the_customer_come_newest_first(self, storage: Storage) -> None:
        records = [OrderRecordFactory.build(customer_id=customer) for customer in ("a", "b", "a", "", "A")]
        storage.order_records.save_many([*records, smallest()])
        assert storage.order_records.list_by_customer("a").items == (records[2], records[0])
        assert storage.order_records.list_by_customer("").items == (records[3],)
        assert storage.order_records.list_by_customer("nobody").items == ()
