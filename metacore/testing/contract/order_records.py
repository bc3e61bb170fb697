"""The contract of the storage of order records."""

from __future__ import annotations

import json
from collections.abc import Callable
from decimal import Decimal
from functools import partial
from typing import Any

import pytest

from metacore.domain.commerce.order_records import SaveOutcome, parse_order_record
from metacore.errors import InvalidDataError, NotFoundError
from metacore.sync.storage.order_records import OrderRecordStorage
from metacore.sync.storage.storage import Storage
from metacore.testing.cases import each_case
from metacore.testing.contract.base import Contract
from metacore.testing.contract.order_records_samples import VARIANTS, smallest, with_values
from metacore.testing.contract.samples import HOSTILE_TEXTS, SPOILT_TEXTS
from metacore.testing.factories import OrderRecordFactory
from metacore.testing.runners import Runner

OPERATIONS: dict[str, Callable[[OrderRecordStorage], object]] = {
    "save": lambda order_records: order_records.save(OrderRecordFactory.build()),
    "insert_if_absent": lambda order_records: order_records.insert_if_absent(OrderRecordFactory.build()),
    "save_many": lambda order_records: order_records.save_many([OrderRecordFactory.build()]),
    "get": lambda order_records: order_records.get("nothing"),
    "list": lambda order_records: order_records.list(),
    "stream": lambda order_records: list(order_records.stream()),
    "list_by_customer": lambda order_records: order_records.list_by_customer("nobody"),
    "stream_by_customer": lambda order_records: list(order_records.stream_by_customer("nobody")),
    "find": lambda order_records: order_records.find("nothing"),
    "update": lambda order_records: order_records.update(OrderRecordFactory.build()),
    "delete": lambda order_records: order_records.delete("nothing"),
    "count": lambda order_records: order_records.count(),
}
"""Every operation, on what does not exist."""

CREATED, UPDATED, UNCHANGED = SaveOutcome.CREATED, SaveOutcome.UPDATED, SaveOutcome.UNCHANGED


class OrderRecordStorageContract(Contract):
    """Of `metacore.storage.order_records.OrderRecordStorage`, without its lists."""

    @each_case("changes", VARIANTS)
    def test_a_record_comes_back_as_it_was(self, storage: Storage, changes: dict[str, Any]) -> None:
        record = with_values(OrderRecordFactory.build(count=3), **changes)
        assert storage.order_records.save(record) is CREATED
        stored = storage.order_records.get(record.order_uid)
        assert stored == record
        assert stored.model_dump_json() == record.model_dump_json()

    @each_case("before", VARIANTS)
    def test_a_change_replaces_all_parts_at_once(self, storage: Storage, before: dict[str, Any]) -> None:
        record = OrderRecordFactory.build(count=3)
        former = with_values(record, **before)
        for after in (smallest(record.order_uid), with_values(record, items__0__name="changed")):
            storage.order_records.save(former)
            assert storage.order_records.save(after) is UPDATED
            assert storage.order_records.get(record.order_uid).model_dump_json() == after.model_dump_json()

    @each_case("changes", VARIANTS)
    def test_the_same_again_is_unchanged(self, storage: Storage, changes: dict[str, Any]) -> None:
        record = with_values(OrderRecordFactory.build(count=3), **changes)
        storage.order_records.save(record)
        assert storage.order_records.save(record) is UNCHANGED
        assert storage.order_records.save(parse_order_record(record.model_dump_json())) is UNCHANGED
        assert storage.order_records.get(record.order_uid) == record

    def test_keys_come_back_in_their_order(self, storage: Storage) -> None:
        record = with_values(OrderRecordFactory.build(), unknown=1, items__0__unknown=2)
        reverse = parse_order_record(json.loads(record.model_dump_json(), object_pairs_hook=_reversed))
        storage.order_records.save(reverse)
        assert storage.order_records.get(record.order_uid).model_dump_json() == reverse.model_dump_json()

    def test_the_same_in_another_order_of_keys_is_unchanged(self, storage: Storage) -> None:
        record = OrderRecordFactory.build(count=2)
        storage.order_records.save(record)
        reverse = parse_order_record(json.loads(record.model_dump_json(), object_pairs_hook=_reversed))
        assert storage.order_records.save(reverse) is UNCHANGED
        assert storage.order_records.get(record.order_uid).model_dump_json() == record.model_dump_json()

    def test_1_and_1_0_differ(self, storage: Storage) -> None:
        record = with_values(OrderRecordFactory.build(), payment__amount=1)
        storage.order_records.save(record)
        point = with_values(record, payment__amount=Decimal("1.0"))
        assert storage.order_records.save(point) is UPDATED
        assert storage.order_records.get(record.order_uid).model_dump_json() == point.model_dump_json()

    def test_items_in_another_order_are_a_change(self, storage: Storage) -> None:
        record = OrderRecordFactory.build(count=3)
        storage.order_records.save(record)
        turned = record.changed(items=record.items[::-1])
        assert storage.order_records.save(turned) is UPDATED
        assert storage.order_records.get(record.order_uid).items == record.items[::-1]

    @each_case("text", HOSTILE_TEXTS)
    def test_every_text_comes_back_as_it_went_in(self, storage: Storage, text: str) -> None:
        texts = (
            "order_uid",
            "track_number",
            "entry",
            "customer_id",
            "delivery__name",
            "payment__bank",
            "items__0__rid",
        )
        record = with_values(OrderRecordFactory.build(), **dict.fromkeys(texts, text), **{text: text})
        assert storage.order_records.save(record) is CREATED
        assert storage.order_records.get(text).model_dump_json() == record.model_dump_json()
        assert storage.order_records.find(text) == storage.order_records.list_by_customer(text).items == (record,)
        storage.order_records.delete(text)

    @each_case("text", [*SPOILT_TEXTS, 5])
    def test_a_text_that_no_record_can_have_is_refused(self, storage: Storage, text: Any) -> None:
        for call in (
            lambda: storage.order_records.get(text),
            lambda: storage.order_records.find(text),
            lambda: storage.order_records.list_by_customer(text),
            lambda: storage.order_records.delete(text),
        ):
            with pytest.raises(InvalidDataError):
                call()

    def test_many_items_come_back_in_their_order(self, storage: Storage) -> None:
        record = OrderRecordFactory.build(count=300)
        storage.order_records.save(record)
        assert storage.order_records.get(record.order_uid) == record

    def test_nothing_but_the_order_uid_is_unique(self, storage: Storage) -> None:
        record = OrderRecordFactory.build(count=2)
        twin = record.changed(order_uid="twin")
        assert storage.order_records.save(record) is storage.order_records.save(twin) is CREATED
        found = storage.order_records.find(str(record.track_number))
        assert sorted(found, key=lambda row: row.order_uid) == sorted((record, twin), key=lambda row: row.order_uid)

    def test_a_hundred_redeliveries_in_parallel_leave_one_record(self, storage: Storage, runner: Runner) -> None:
        record = OrderRecordFactory.build(count=3)
        outcomes = runner.together(*[lambda: storage.order_records.save(record)] * 100)
        assert sorted(outcomes, key=str) == [CREATED, *[UNCHANGED] * 99]
        assert storage.order_records.list().items == (record,)

    def test_of_changes_at_the_same_time_one_is_left_whole(self, storage: Storage, runner: Runner) -> None:
        record = OrderRecordFactory.build(count=3)
        variants = [with_values(record, **changes) for changes in list(VARIANTS.values())[:12]]
        calls = [partial(storage.order_records.save, variant) for variant in variants * 3]
        assert set(runner.together(*calls)) <= {CREATED, UPDATED, UNCHANGED}
        stored = storage.order_records.get(record.order_uid).model_dump_json()
        assert stored in {variant.model_dump_json() for variant in variants}

    def test_insert_if_absent_stores_what_is_not_there(self, storage: Storage) -> None:
        record = OrderRecordFactory.build(count=2)
        assert storage.order_records.insert_if_absent(record) is True
        assert storage.order_records.get(record.order_uid) == record

    def test_insert_if_absent_leaves_what_is_there(self, storage: Storage) -> None:
        record = OrderRecordFactory.build(count=3)
        storage.order_records.save(record)
        for changes in VARIANTS.values():
            assert storage.order_records.insert_if_absent(with_values(record, **changes, items__0__name="x")) is False
        assert storage.order_records.get(record.order_uid) == record

    def test_of_insertions_at_the_same_time_one_is_stored(self, storage: Storage, runner: Runner) -> None:
        records = [OrderRecordFactory.build(order_uid="same", count=count) for count in range(1, 9)]
        stored = runner.together(*(partial(storage.order_records.insert_if_absent, record) for record in records))
        assert (stored.count(True), stored.count(False)) == (1, 7)
        assert storage.order_records.get("same") == records[stored.index(True)]

    @each_case("changes", dict(list(VARIANTS.items())[1:]))
    def test_update_replaces_all_parts(self, storage: Storage, changes: dict[str, Any]) -> None:
        record = OrderRecordFactory.build(count=3)
        storage.order_records.save(record)
        changed = with_values(record, **changes)
        assert storage.order_records.update(changed) is UPDATED
        assert storage.order_records.get(record.order_uid).model_dump_json() == changed.model_dump_json()
        assert storage.order_records.update(changed) is UNCHANGED
        assert storage.order_records.update(record) is UPDATED
        assert storage.order_records.get(record.order_uid).model_dump_json() == record.model_dump_json()

    def test_what_is_not_there_is_not_found(self, storage: Storage) -> None:
        record = OrderRecordFactory.build()
        storage.order_records.save(OrderRecordFactory.build())
        calls: tuple[Callable[[], object], ...] = (
            lambda: storage.order_records.get(record.order_uid),
            lambda: storage.order_records.update(record),
            lambda: storage.order_records.delete(record.order_uid),
        )
        for call in calls:
            with pytest.raises(NotFoundError) as caught:
                call()
            assert (caught.value.entity, caught.value.key) == ("order record", record.order_uid)
        assert storage.order_records.count() == 1

    def test_delete_takes_the_record_with_all_its_parts(self, storage: Storage) -> None:
        record, other = OrderRecordFactory.build(count=3), OrderRecordFactory.build(count=3)
        storage.order_records.save_many([record, other])
        storage.order_records.delete(record.order_uid)
        with pytest.raises(NotFoundError):
            storage.order_records.get(record.order_uid)
        assert storage.order_records.save(smallest(record.order_uid)) is CREATED
        assert storage.order_records.get(record.order_uid) == smallest(record.order_uid)
        assert storage.order_records.get(other.order_uid) == other

    def test_count_is_how_many_records_are_stored(self, storage: Storage) -> None:
        assert storage.order_records.count() == 0
        storage.order_records.save_many(OrderRecordFactory.build(count=2) for _ in range(3))
        assert storage.order_records.count() == 3

    def test_a_transaction_keeps_all_of_it_or_nothing(self, storage: Storage) -> None:
        record, other = OrderRecordFactory.build(count=3), OrderRecordFactory.build()
        storage.order_records.save(record)
        with pytest.raises(ZeroDivisionError), storage.transaction() as tx:
            assert tx.order_records.save(smallest(record.order_uid)) is UPDATED
            assert tx.order_records.save_many([other, other]) == (CREATED, UNCHANGED)
            tx.order_records.delete(other.order_uid)
            assert tx.order_records.list().items == (smallest(record.order_uid),)
            raise ZeroDivisionError
        assert storage.order_records.list().items == (record,)

    def test_what_is_not_there_leaves_the_transaction_as_it_was(self, storage: Storage) -> None:
        record = OrderRecordFactory.build()
        with storage.transaction() as tx:
            tx.order_records.save(record)
            for call in (lambda: tx.order_records.get("nothing"), lambda: tx.order_records.update(smallest())):
                with pytest.raises(NotFoundError):
                    call()
        assert storage.order_records.list().items == (record,)


def _reversed(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    return dict(reversed(pairs))
