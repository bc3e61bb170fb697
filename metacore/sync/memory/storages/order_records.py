# Made from metacore/memory/storages/order_records.py by `python tools/generate_sync.py`. Do not edit.
"""Order records in memory."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import final

from metacore.backends.listing import Listing
from metacore.domain.commerce.order_records import OrderRecord, SaveOutcome, newest_first
from metacore.domain.values.pages import Page
from metacore.domain.values.text import require_text
from metacore.errors import NotFoundError
from metacore.memory.paging import PageRequest
from metacore.memory.schema import Views
from metacore.sync.memory.storages.session import Session
from metacore.sync.storage.order_records import OrderRecordStorage


@final
class MemoryOrderRecordStorage(OrderRecordStorage):
    """`metacore.sync.storage.order_records.OrderRecordStorage` over dictionaries."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def save(self, record: OrderRecord) -> SaveOutcome:
        with self._session.write() as tables:
            return _save(tables, record)

    def insert_if_absent(self, record: OrderRecord) -> bool:
        with self._session.write() as tables:
            if tables.order_records.get((record.order_uid,)) is not None:
                return False
            return _save(tables, record) is SaveOutcome.CREATED

    def save_many(self, records: Iterable[OrderRecord]) -> Sequence[SaveOutcome]:
        saved = list(records)
        with self._session.write() as tables:
            return tuple(_save(tables, record) for record in saved)

    def get(self, order_uid: str) -> OrderRecord:
        require_text(order_uid=order_uid)
        with self._session.read() as tables:
            return _get(tables, order_uid)

    def list(self, after: str | None = None, limit: int = 100) -> Page[OrderRecord]:
        page = PageRequest(Listing("order_records.list", (), (datetime, str)), after, limit)
        with self._session.read() as tables:
            return page.of(tables.order_records.all(), newest_first)

    def list_by_customer(self, customer_id: str, after: str | None = None, limit: int = 100) -> Page[OrderRecord]:
        require_text(customer_id=customer_id)
        page = PageRequest(Listing("order_records.list_by_customer", (customer_id,), (datetime, str)), after, limit)
        with self._session.read() as tables:
            return page.of(tables.order_records.select("customer_id", customer_id), newest_first)

    def find(self, track_number: str) -> Sequence[OrderRecord]:
        require_text(track_number=track_number)
        with self._session.read() as tables:
            return tuple(reversed(tables.order_records.select("track_number", track_number)))

    def update(self, record: OrderRecord) -> SaveOutcome:
        with self._session.write() as tables:
            _get(tables, record.order_uid)
            return _save(tables, record)

    def delete(self, order_uid: str) -> None:
        require_text(order_uid=order_uid)
        with self._session.write() as tables:
            tables.order_records.delete([_get(tables, order_uid)])

    def count(self) -> int:
        with self._session.read() as tables:
            return len(tables.order_records.all())


def _get(tables: Views, order_uid: str) -> OrderRecord:
    record = tables.order_records.get((order_uid,))
    if record is None:
        raise NotFoundError("order record", order_uid)
    return record


def _save(tables: Views, record: OrderRecord) -> SaveOutcome:
    stored = tables.order_records.get((record.order_uid,))
    if stored is not None and stored.digest() == record.digest():
        return SaveOutcome.UNCHANGED
    tables.order_records.put(record)
    return SaveOutcome.CREATED if stored is None else SaveOutcome.UPDATED
