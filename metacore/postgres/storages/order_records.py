"""Order records in PostgreSQL."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from typing import Any, final

from metacore.backends.listing import Listing, parse_limit
from metacore.domain.commerce.order_records import OrderRecord, SaveOutcome, newest_first
from metacore.domain.values.pages import Page
from metacore.domain.values.text import require_text
from metacore.errors import NotFoundError
from metacore.postgres.client.call import Call
from metacore.postgres.client.codecs import to_array, to_text
from metacore.postgres.client.order_record_codec import decode, decode_all, encode_all
from metacore.postgres.client.session import Session
from metacore.postgres.statements import order_records as statements
from metacore.storage.order_records import OrderRecordStorage

_CHUNK = 2000
"""How many rows, of records and items, one statement of `save_many` writes at most, but for a record larger than
that.
"""


@final
class PostgresOrderRecordStorage(OrderRecordStorage):
    """`metacore.storage.order_records.OrderRecordStorage` over PostgreSQL."""

    def __init__(self, session: Session) -> None:
        self._session = session

    async def save(self, record: OrderRecord) -> SaveOutcome:
        calls = [(statements.SAVE, encode_all([record])), *_trim(record)]
        changed, *_ = await self._session.pipeline("order_records.save", calls)
        return _outcome(changed[0][1] if changed else None)

    async def insert_if_absent(self, record: OrderRecord) -> bool:
        return bool(await self._session.fetch(statements.INSERT_IF_ABSENT, encode_all([record])))

    async def save_many(self, records: Iterable[OrderRecord]) -> Sequence[SaveOutcome]:
        outcomes: list[SaveOutcome] = []
        async with self._session.transaction() as tx:
            settings = tx.pool.settings
            await tx.pipeline("order_records.save_many", [tx.limit(settings.import_timeout)])
            for chunk in _chunks(records):
                versions: dict[str, int] = dict(await tx.fetch(statements.SAVE, encode_all(chunk)))
                outcomes += [_outcome(versions.get(record.order_uid)) for record in chunk]
                if updated := [record for record in chunk if versions.get(record.order_uid, 1) > 1]:
                    await tx.pipeline("order_records.save_many", _trim_many(updated))
            await tx.pipeline("order_records.save_many", [tx.limit(settings.statement_timeout)])
        return tuple(outcomes)

    async def get(self, order_uid: str) -> OrderRecord:
        require_text(order_uid=order_uid)
        rows = await self._session.fetch(statements.GET, {"order_uid": order_uid})
        if not rows:
            raise NotFoundError("order record", order_uid)
        return decode(rows[0][0])

    async def list(self, after: str | None = None, limit: int = 100) -> Page[OrderRecord]:
        return await self._page(Listing("order_records.list", (), (datetime, str)), {}, after, limit)

    async def list_by_customer(self, customer_id: str, after: str | None = None, limit: int = 100) -> Page[OrderRecord]:
        require_text(customer_id=customer_id)
        listing = Listing("order_records.list_by_customer", (customer_id,), (datetime, str))
        return await self._page(listing, {"customer_id": customer_id}, after, limit)

    async def find(self, track_number: str) -> Sequence[OrderRecord]:
        require_text(track_number=track_number)
        return decode_all(await self._session.fetch(statements.FIND, {"track_number": track_number}))

    async def update(self, record: OrderRecord) -> SaveOutcome:
        lock = statements.LOCK, {"order_uid": record.order_uid}
        calls = [lock, (statements.UPDATE, encode_all([record])), *_trim(record)]
        found, changed, *_ = await self._session.pipeline("order_records.update", calls)
        if not found:
            raise NotFoundError("order record", record.order_uid)
        return SaveOutcome.UPDATED if changed else SaveOutcome.UNCHANGED

    async def delete(self, order_uid: str) -> None:
        require_text(order_uid=order_uid)
        if not await self._session.fetch(statements.DELETE, {"order_uid": order_uid}):
            raise NotFoundError("order record", order_uid)

    async def count(self) -> int:
        count: int = (await self._session.fetch(statements.COUNT, {}))[0][0]
        return count

    async def _page(self, listing: Listing, values: dict[str, Any], after: str | None, limit: int) -> Page[OrderRecord]:
        statement = statements.page(bool(values), after is not None)
        if (start := listing.position(after)) is not None:
            values |= {"date_created_at": to_text(start[0]), "after_uid": start[1]}
        rows = await self._session.fetch(statement, {**values, "limit": parse_limit(limit) + 1})
        return listing.page(decode_all(rows), limit, newest_first)


def _trim(record: OrderRecord) -> list[Call]:
    """The calls that delete what the stored record has beyond `record`."""
    return [
        (statements.TRIM, {"order_uid": record.order_uid, "items": len(record.items)}),
        *_drop([record]),
    ]


def _trim_many(records: Sequence[OrderRecord]) -> list[Call]:
    uids = to_array([record.order_uid for record in records])
    counts = to_array([len(record.items) for record in records])
    return [(statements.TRIM_MANY, {"order_uid": uids, "items": counts}), *_drop(records)]


def _drop(records: Sequence[OrderRecord]) -> Iterator[Call]:
    for part, drop in (("delivery", statements.DROP_DELIVERIES), ("payment", statements.DROP_PAYMENTS)):
        if lacking := [record.order_uid for record in records if getattr(record, part) is None]:
            yield drop, {"order_uid": to_array(lacking)}


def _outcome(version: int | None) -> SaveOutcome:
    if version is None:
        return SaveOutcome.UNCHANGED
    return SaveOutcome.CREATED if version == 1 else SaveOutcome.UPDATED


def _chunks(records: Iterable[OrderRecord]) -> Iterator[list[OrderRecord]]:
    """`records`, no `order_uid` twice in one chunk: each is saved as if alone."""
    chunk: dict[str, OrderRecord] = {}
    size = 0
    for record in records:
        if record.order_uid in chunk or size >= _CHUNK:
            yield list(chunk.values())
            chunk, size = {}, 0
        chunk[record.order_uid] = record
        size += 1 + len(record.items)
    if chunk:
        yield list(chunk.values())
