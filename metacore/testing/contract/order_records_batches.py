"""The contract of saving many order records at once."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import Any

import pytest

from metacore.domain.commerce.order_records import OrderRecord
from metacore.sync.storage.storage import Storage
from metacore.testing.contract.base import Contract
from metacore.testing.contract.order_records import CREATED, UNCHANGED, UPDATED
from metacore.testing.contract.order_records_samples import VARIANTS, smallest, with_values
from metacore.testing.contract.series import series
from metacore.testing.factories import OrderRecordFactory
from metacore.testing.runners import Runner


class OrderRecordBatchContract(Contract):
    """Of `OrderRecordStorage.save_many`."""

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
        records = list(series(OrderRecordFactory.build(count=2), 900, "order_uid"))
        assert set(storage.order_records.save_many(records)) == {CREATED}
        assert set(storage.order_records.save_many(reversed(records))) == {UNCHANGED}
        assert storage.order_records.count() == 900
        assert storage.order_records.get(records[800].order_uid) == records[800]

    def test_save_many_of_nothing_does_nothing(self, storage: Storage) -> None:
        assert storage.order_records.save_many([]) == ()
        assert storage.order_records.count() == 0

    def test_what_the_iterable_raises_passes_through_and_nothing_is_stored(self, storage: Storage) -> None:
        def records() -> Iterator[OrderRecord]:
            yield from series(OrderRecordFactory.build(), 1100, "order_uid")
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
