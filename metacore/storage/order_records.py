"""The contract of the storage of order records."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable, Sequence
from typing import Protocol

from metacore.domain.commerce.order_records import OrderRecord, SaveOutcome
from metacore.domain.values.pages import Page
from metacore.storage.streams import by_backend, stream_of


class OrderRecordStorage(Protocol):
    """Stores order records by `order_uid`; nothing else of them is unique.

    A record is its JSON: it comes back with every key, in the order of the keys, and every number of its JSON type.
    Two records are the same if their JSON is, the order of keys apart; 1 and 1.0 differ. A change replaces all parts
    of a record at once.
    """

    async def save(self, record: OrderRecord) -> SaveOutcome:
        """Store a record: CREATED, UPDATED if it replaces another, UNCHANGED if the same is stored already."""
        ...

    async def insert_if_absent(self, record: OrderRecord) -> bool:
        """Store a record unless one with its `order_uid` is stored; whether it was stored."""
        ...

    async def save_many(self, records: Iterable[OrderRecord]) -> Sequence[SaveOutcome]:
        """Save each of `records` in turn, in one transaction, by `import_timeout`; the outcome of each.

        They are taken in chunks, never all at once. What `records` itself raises passes through, and nothing is
        stored.
        """
        ...

    async def get(self, order_uid: str) -> OrderRecord:
        """The record; NotFoundError if there is none."""
        ...

    async def list(self, after: str | None = None, limit: int = 100) -> Page[OrderRecord]:
        """A page of records, newest first by (date_created_at, order_uid).

        Each page is of what is stored when it is read. A record that is saved with another `date_created` while pages
        are read moves: to a time later than the page before, it is not seen again, even if it was not seen yet; to an
        earlier one, it comes again, even if it was seen. All others are seen once.

        `limit` is 1 to 1,000, `after` None or the `next` of a page of the same list; others are an InvalidDataError.
        """
        ...

    @stream_of(list)
    def stream(self) -> AsyncIterator[OrderRecord]:
        """All records of `list`, in its order and in constant memory: pages are read as the iteration goes on, without
        a transaction held open.
        """
        return by_backend()

    async def list_by_customer(self, customer_id: str, after: str | None = None, limit: int = 100) -> Page[OrderRecord]:
        """A page of the records with this `customer_id`, newest first by (date_created_at, order_uid).

        A record that is saved with another `date_created` or `customer_id` while pages are read moves, as in `list`.

        `limit` is 1 to 1,000, `after` None or the `next` of a page of the same list; others are an InvalidDataError.
        """
        ...

    @stream_of(list_by_customer)
    def stream_by_customer(self, customer_id: str) -> AsyncIterator[OrderRecord]:
        """All records of `list_by_customer`, in its order and in constant memory, read as by `stream`."""
        return by_backend(customer_id)

    async def find(self, track_number: str) -> Sequence[OrderRecord]:
        """All records with this `track_number`, newest first by (date_created_at, order_uid); empty if none has it."""
        ...

    async def update(self, record: OrderRecord) -> SaveOutcome:
        """Replace the record with this `order_uid`: UPDATED, or UNCHANGED if the same is stored already.

        NotFoundError if there is none.
        """
        ...

    async def delete(self, order_uid: str) -> None:
        """Delete the record with all its parts; NotFoundError if there is none."""
        ...

    async def count(self) -> int:
        """How many records are stored."""
        ...
