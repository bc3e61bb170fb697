"""Order records in PostgreSQL."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from metacore.domain.order_records import OrderRecord, SaveOutcome, look_up_text, newest_first
from metacore.domain.pages import Listing, Page, parse_limit
from metacore.errors import NotFoundError
from metacore.postgres.codecs import to_array, to_text
from metacore.postgres.order_record_codec import decode, decode_all, encode_all
from metacore.postgres.statement import Statement
from metacore.postgres.statements import order_records as statements
from metacore.postgres.statements.imports import LIMITED, UNLIMITED
from metacore.postgres.storages.session import Call, Session

_CHUNK = 2000
"""How many rows, of records and items, one statement of `save_many` writes at most, but for a record larger than
that.
"""


class PostgresOrderRecordStorage:
    """`metacore.storage.order_records.OrderRecordStorage` over PostgreSQL."""

    def __init__(self, session: Session) -> None:
        self._session = session

    async def save(self, record: OrderRecord) -> SaveOutcome:
        changed, *_ = await self._session.pipeline("order_records.save", _save([record]))
        return _outcome(changed[0][1] if changed else None)

    async def insert_if_absent(self, record: OrderRecord) -> bool:
        return bool(await self._session.fetch(statements.INSERT_IF_ABSENT, encode_all([record])))

    async def save_many(self, records: Iterable[OrderRecord]) -> Sequence[SaveOutcome]:
        outcomes: list[SaveOutcome] = []
        async with self._session.atomic() as tx:
            await tx.fetch(UNLIMITED, {})
            for chunk in _chunks(records):
                changed, *_ = await tx.pipeline("order_records.save_many", _save(chunk))
                versions = dict(changed)
                outcomes += [_outcome(versions.get(record.order_uid)) for record in chunk]
            await tx.fetch(LIMITED, {})
        return tuple(outcomes)

    async def get(self, order_uid: str) -> OrderRecord:
        values = {"order_uid": look_up_text(order_uid, "order_uid")}
        rows = await self._session.fetch(statements.GET, values)
        if not rows:
            raise NotFoundError("order record", order_uid)
        return decode(rows[0][0])

    async def list(self, after: str | None = None, limit: int = 100) -> Page[OrderRecord]:
        return await self._page(Listing("order_records.list"), {}, after, limit)

    async def list_by_customer(self, customer_id: str, after: str | None = None, limit: int = 100) -> Page[OrderRecord]:
        values = {"customer_id": look_up_text(customer_id, "customer_id")}
        return await self._page(Listing("order_records.list_by_customer", (customer_id,)), values, after, limit)

    async def find(self, track_number: str) -> Sequence[OrderRecord]:
        values = {"track_number": look_up_text(track_number, "track_number")}
        return decode_all(await self._session.fetch(statements.FIND, values))

    async def update(self, record: OrderRecord) -> SaveOutcome:
        calls = [(statements.LOCK, {"order_uid": record.order_uid}), *_save([record], statements.UPDATE)]
        found, changed, *_ = await self._session.pipeline("order_records.update", calls)
        if not found:
            raise NotFoundError("order record", record.order_uid)
        return SaveOutcome.UPDATED if changed else SaveOutcome.UNCHANGED

    async def delete(self, order_uid: str) -> None:
        values = {"order_uid": look_up_text(order_uid, "order_uid")}
        if not await self._session.fetch(statements.DELETE, values):
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


def _save(records: Sequence[OrderRecord], statement: Statement = statements.SAVE) -> list[Call]:
    """The calls that store `records`, sorted by key so that writers at the same time take their locks in one order."""
    ordered = sorted(records, key=lambda record: record.order_uid)
    uids = to_array([record.order_uid for record in ordered])
    counts = to_array([len(record.items) for record in ordered])
    calls: list[Call] = [
        (statement, encode_all(ordered)),
        (statements.KEEP_ITEMS, {"order_uid": uids, "items": counts}),
    ]
    for name, drop in (("delivery", statements.DROP_DELIVERIES), ("payment", statements.DROP_PAYMENTS)):
        if lacking := [record.order_uid for record in ordered if getattr(record, name) is None]:
            calls.append((drop, {"order_uid": to_array(lacking)}))
    return calls


def _outcome(version: int | None) -> SaveOutcome:
    if version is None:
        return SaveOutcome.UNCHANGED
    return SaveOutcome.CREATED if version == 1 else SaveOutcome.UPDATED


def _chunks(records: Iterable[OrderRecord]) -> Iterator[list[OrderRecord]]:
    """`records` in order, no `order_uid` twice in one chunk: each is saved as if alone."""
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
