"""The contract of the storage of order records."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from decimal import Decimal
from functools import partial
from typing import Any

import pytest

from metacore.domain.commerce.order_records import OrderRecord, SaveOutcome, parse_order_record
from metacore.errors import InvalidDataError, NotFoundError
from metacore.sync.storage.order_records import OrderRecordStorage
from metacore.sync.storage.storage import Storage
from metacore.testing.cases import each_case
from metacore.testing.clock import START
from metacore.testing.contract.base import Contract
from metacore.testing.contract.samples import HOSTILE_JSON, HOSTILE_TEXTS, SPOILT_TEXTS
from metacore.testing.factories import OrderRecordFactory
from metacore.testing.runners import Runner

OPERATIONS: dict[str, Callable[[OrderRecordStorage], object]] = {
    "save": lambda order_records: order_records.save(OrderRecordFactory.build()),
    "insert_if_absent": lambda order_records: order_records.insert_if_absent(OrderRecordFactory.build()),
    "save_many": lambda order_records: order_records.save_many([OrderRecordFactory.build()]),
    "get": lambda order_records: order_records.get("nothing"),
    "list": lambda order_records: order_records.list(),
    "list_by_customer": lambda order_records: order_records.list_by_customer("nobody"),
    "find": lambda order_records: order_records.find("nothing"),
    "update": lambda order_records: order_records.update(OrderRecordFactory.build()),
    "delete": lambda order_records: order_records.delete("nothing"),
    "count": lambda order_records: order_records.count(),
}
"""Every operation, on what does not exist."""

CREATED, UPDATED, UNCHANGED = SaveOutcome.CREATED, SaveOutcome.UPDATED, SaveOutcome.UNCHANGED


def with_values(record: OrderRecord, **changes: Any) -> OrderRecord:
    """`record` with the values at paths such as `payment__amount` replaced, or taken away if that is `...`."""
    value = record.to_json()
    for path, new in changes.items():
        *parents, last = (int(name) if name.isdigit() else name for name in path.split("__"))
        at: Any = value
        for name in parents:
            at = at[name]
        if new is ...:
            del at[last]
        else:
            at[last] = new
    return parse_order_record(value)


def smallest(order_uid: str = "1") -> OrderRecord:
    """A record with nothing that may be left out."""
    return parse_order_record({"order_uid": order_uid, "items": [{}], "date_created": START.isoformat()})


VARIANTS: dict[str, dict[str, Any]] = {
    "as it is": {},
    "another locale": {"locale": "ru"},
    "another amount": {"payment__amount": 1},
    "another amount of the same value": {"payment__amount": Decimal("2451.0")},
    "another address": {"delivery__address": "2 Test Square"},
    "another item": {"items__1__name": "Lipstick"},
    "fewer items": {"items__2": ...},
    "one item": {"items__2": ..., "items__1": ...},
    "no delivery": {"delivery": ...},
    "no payment": {"payment": ...},
    "null delivery": {"delivery": None},
    "empty payment": {"payment": {}},
    "null text": {"delivery__name": None},
    "no text": {"delivery__name": ...},
    "empty text": {"delivery__name": ""},
    "null number": {"items__0__price": None},
    "zero": {"items__0__price": 0},
    "negative zero with a point": {"items__0__price": Decimal("-0.0")},
    "an exponent": {"items__0__price": Decimal("1E+3")},
    "a small number": {"items__0__price": Decimal("1E-18")},
    "trailing zeros": {"payment__custom_fee": Decimal("1.50")},
    "the largest amount": {
        "payment__amount": Decimal("-99999999999999999999999999999999999999.999999999999999999999999999999999999")
    },
    "the largest integer": {"sm_id": 2**63 - 1, "items__0__chrt_id": -(2**63)},
    "repeats": {"items__1__chrt_id": 9934930, "items__2__chrt_id": 9934930, "payment__transaction": "same"},
    "unknown keys": {
        "unknown": HOSTILE_JSON,
        "delivery__unknown": HOSTILE_JSON,
        "payment__unknown": 1.0,
        "items__0__unknown": [None],
        "items__2__order_uid": "mine",
        "version": 7,
    },
}
"""What a record of three items may become."""


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

    def test_save_many_saves_each_in_turn(self, storage: Storage) -> None:
        new, known, same, twice = (OrderRecordFactory.build(count=3) for _ in range(4))
        storage.order_records.save(with_values(known, delivery=..., payment=None, unknown=1))
        storage.order_records.save(same)
        again = smallest(twice.order_uid)
        outcomes = storage.order_records.save_many(iter([new, known, same, twice, again, twice, twice]))
        assert outcomes == (CREATED, UPDATED, UNCHANGED, CREATED, UPDATED, UPDATED, UNCHANGED)
        assert storage.order_records.save_many([again, known]) == (UPDATED, UNCHANGED)
        for record in (new, known, same, again):
            stored = storage.order_records.get(record.order_uid)
            assert stored.model_dump_json() == record.model_dump_json()

    def test_save_many_replaces_all_parts_of_each(self, storage: Storage) -> None:
        records = [OrderRecordFactory.build(count=3) for _ in range(len(VARIANTS))]
        changed = [with_values(record, **v) for record, v in zip(records, VARIANTS.values(), strict=True)]
        storage.order_records.save_many(records)
        storage.order_records.save_many(changed)
        storage.order_records.save_many(smallest(record.order_uid) for record in records[::2])
        expected = [smallest(record.order_uid) if n % 2 == 0 else record for n, record in enumerate(changed)]
        for record in expected:
            assert storage.order_records.get(record.order_uid).model_dump_json() == record.model_dump_json()

    def test_save_many_takes_more_than_a_chunk(self, storage: Storage) -> None:
        records = [OrderRecordFactory.build(count=2) for _ in range(900)]
        assert set(storage.order_records.save_many(records)) == {CREATED}
        assert set(storage.order_records.save_many(reversed(records))) == {UNCHANGED}
        assert storage.order_records.count() == 900
        assert storage.order_records.get(records[800].order_uid) == records[800]

    def test_save_many_of_nothing_does_nothing(self, storage: Storage) -> None:
        assert storage.order_records.save_many([]) == ()
        assert storage.order_records.count() == 0

    def test_what_the_iterable_raises_passes_through_and_nothing_is_stored(self, storage: Storage) -> None:
        def records() -> Iterator[OrderRecord]:
            for _ in range(1100):
                yield OrderRecordFactory.build()
            raise ZeroDivisionError

        with pytest.raises(ZeroDivisionError):
            storage.order_records.save_many(records())
        assert storage.order_records.count() == 0

    def test_save_many_at_the_same_time_comes_to_the_same(self, storage: Storage, runner: Runner) -> None:
        records = [OrderRecordFactory.build(count=2) for _ in range(100)]
        turns = [records, records[::-1], records[50:] + records[:50]]
        outcomes: Any = runner.together(*(partial(storage.order_records.save_many, turn) for turn in turns * 2))
        assert sorted(outcome for each in outcomes for outcome in each) == [CREATED] * 100 + [UNCHANGED] * 500
        assert storage.order_records.count() == 100

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
