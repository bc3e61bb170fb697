# Made from metacore/services/order_records.py by `python tools/generate_sync.py`. Do not edit.
"""Order records, as an order service uses them: stored first, then cached."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager

from metacore._compat.blocking import require_own_world
from metacore._compat.flights_blocking import SingleFlight
from metacore.domain.commerce.order_records import OrderRecord, SaveOutcome
from metacore.domain.values.pages import Page
from metacore.errors import InvalidDataError
from metacore.services.caches import Cache, CacheStats, ReadTicket, footprint
from metacore.sync.storage.storage import Storages

_PAGE = 500
"""How many records one statement of a warm-up reads."""


class OrderRecordService:
    """Order records before a cache of up to `max_size` of them, of about `max_bytes` of memory together, each for `ttl`
    seconds at most. A record larger than that is not cached.

    The database is first: what it refused leaves the cache as it was, and what this service changed is seen at once
    by all who share it. Changes by other processes are seen after `ttl` at the latest. On a transaction, use it no
    longer than that: what is rolled back would stay in its cache.
    """

    def __init__(
        self,
        storage: Storages,
        max_size: int = 10_000,
        ttl: float = 300,
        timer: Callable[[], float] = time.monotonic,
        max_bytes: int = 134_217_728,
    ) -> None:
        require_own_world(storage, self)
        self._records = storage.order_records
        self._max_size, self._max_bytes = max_size, max_bytes
        self._cache: Cache[str, OrderRecord] = Cache(max_size, ttl, timer, max_bytes)
        self._flights: SingleFlight[ReadTicket, OrderRecord] = SingleFlight()

    def process(self, record: OrderRecord) -> SaveOutcome:
        """Store a record of the order service: CREATED, UPDATED, or UNCHANGED if it came before.

        What is stored last stays: the JSON has no version by which an older record could be told.
        """
        with self._cache.writing(record.order_uid) as write:
            outcome = self._records.save(record)
            write.value = record
        return outcome

    def process_many(self, records: Iterable[OrderRecord]) -> Sequence[SaveOutcome]:
        """Store records in turn, all or none, in one transaction by `import_timeout`: the outcome of each.

        Of several with one `order_uid` the last stays, stored and cached.
        """
        all_records = tuple(records)
        last = {record.order_uid: record for record in all_records}
        with ExitStack() as stack:
            writes = {order_uid: stack.enter_context(self._cache.writing(order_uid)) for order_uid in last}
            outcomes = self._records.save_many(all_records)
            for order_uid, write in writes.items():
                write.value = last[order_uid]
        return outcomes

    def get(self, order_uid: str) -> OrderRecord:
        """The record, from the cache if it is there; NotFoundError if there is none. Misses of one key read once."""
        record = self._cache.get(order_uid)
        return self._read(order_uid) if record is None else record

    def cached(self, order_uid: str) -> OrderRecord | None:
        """The record if it is in the cache, which is a hit, without waiting for anything; None says nothing of it."""
        return self._cache.find(order_uid)

    def list(self, after: str | None = None, limit: int = 100) -> Page[OrderRecord]:
        """A page of records, newest first, from the database."""
        return self._records.list(after, limit)

    def update(self, record: OrderRecord) -> SaveOutcome:
        """Replace a stored record: UPDATED, or UNCHANGED; NotFoundError if there is none."""
        with self._cache.writing(record.order_uid) as write:
            outcome = self._records.update(record)
            write.value = record
        return outcome

    def delete(self, order_uid: str) -> None:
        """Delete a record; NotFoundError if there is none."""
        with self._cache.writing(order_uid):
            self._records.delete(order_uid)

    @contextmanager
    def changing(self, order_uid: str) -> Iterator[None]:
        """For the time in which somebody else changes a record, as a transaction does: at its end it is not cached."""
        with self._cache.writing(order_uid):
            yield

    def warm_up(self, newest: int | None = None) -> int:
        """Fill the cache with the `newest` records, as many as it holds by default, and return how many there are.

        They are read in pages, before anything else leaves the cache, and no further than it has room.
        """
        target = self._max_size if newest is None else min(newest, self._max_size)
        if target < 1:
            raise InvalidDataError("at least one record is wanted", field="newest")
        records: list[OrderRecord] = []
        room = self._max_bytes
        after = None
        with self._cache.filling() as filling:
            while len(records) < target:
                page = self._records.list(after, min(_PAGE, target - len(records)))
                for record in page.items:
                    room -= footprint(record)
                    if room >= 0:
                        records.append(record)
                after = page.next
                if after is None or room < 0:
                    break
            filling.entries = [(record.order_uid, record) for record in reversed(records)]
        return len(records)

    def cache_stats(self) -> CacheStats:
        """Hits, misses, evictions, and how many entries of how many bytes the cache has."""
        return self._cache.stats()

    def _read(self, order_uid: str) -> OrderRecord:
        ticket = self._cache.begin_read(order_uid)

        def read() -> OrderRecord:
            record = self._cache.peek(order_uid)
            try:
                if record is None:
                    record = self._records.get(order_uid)
                return record
            finally:
                self._cache.end_read(order_uid, ticket, record)

        return self._flights.run(ticket, read)
