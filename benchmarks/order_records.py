"""Order records: cached and uncached reads, `save_many` against a loop of upserts, and the memory of a full cache.

    python benchmarks/order_records.py

The hand-written reader has a pool of autocommit connections, prepared statements and the same SQL text; it gives plain
lists where Metacore gives models. The hand-written writer stores each record by five upserts, all in one transaction.
"""

from __future__ import annotations

import gc
import json
import tracemalloc
from collections.abc import Iterator
from typing import Any

import psycopg
from harness import Contest
from psycopg_pool import ConnectionPool

from metacore.postgres import EmbeddedPostgres, SchemaDeployer
from metacore.postgres.statements.order_records import GET
from metacore.sync import OrderRecord, OrderRecordService, Storage, connect
from metacore.testing.factories import OrderRecordFactory

ITEMS = 3
SAVED = 20_000
CACHED = 10_000
READS = 100
CACHED_READS = 100_000


def records(count: int) -> list[OrderRecord]:
    return OrderRecordFactory.build_batch(count, count=ITEMS)


def upsert(table: str, columns: list[str], key: str) -> str:
    changes = ", ".join(f"{name} = excluded.{name}" for name in columns)
    values = ", ".join(f"%({name})s" for name in columns)
    return (
        f"INSERT INTO metacore.{table} ({', '.join(columns)}) VALUES ({values})"
        f" ON CONFLICT ({key}) DO UPDATE SET {changes}"
    )


def save_by_hand(url: str, rows: list[dict[str, Any]]) -> None:
    parts = ("delivery", "payment", "items")
    first = rows[0]
    stored = [name for name in first if name not in parts]
    order = upsert("order_records", [*stored, "date_created_at", "digest", "version"], "order_uid")
    delivery = upsert("order_record_deliveries", ["order_uid", *first["delivery"]], "order_uid")
    payment = upsert("order_record_payments", ["order_uid", *first["payment"]], "order_uid")
    item = upsert("order_record_items", ["order_uid", "position", *first["items"][0]], "order_uid, position")
    surplus = "DELETE FROM metacore.order_record_items WHERE order_uid = %(order_uid)s AND position > %(items)s"
    with psycopg.connect(url, prepare_threshold=0) as connection:
        for row in rows:
            key = {"order_uid": row["order_uid"]}
            connection.execute(order, {**row, "date_created_at": row["date_created"], "digest": b"", "version": 1})
            connection.execute(delivery, {**key, **row["delivery"]})
            connection.execute(payment, {**key, **row["payment"]})
            connection.cursor().executemany(
                item, [{**key, "position": n, **values} for n, values in enumerate(row["items"], 1)]
            )
            connection.execute(surplus, {**key, "items": len(row["items"])})


def reads(storage: Storage, url: str) -> None:
    record = records(1)[0]
    storage.order_records.save(record)
    sql, key = GET.text("metacore"), {"order_uid": record.order_uid}
    with ConnectionPool(url, kwargs={"autocommit": True, "prepare_threshold": 0}, min_size=1, max_size=10) as pool:

        def by_hand() -> Iterator[Any]:
            for _ in range(READS):
                with pool.connection() as connection:
                    row = connection.execute(sql, key).fetchone()
                    assert row is not None
                    yield row[0]

        def rows() -> None:
            list(by_hand())

        def lists() -> None:
            for text in by_hand():
                json.loads(text)

        def models() -> None:
            for _ in range(READS):
                storage.order_records.get(record.order_uid)

        contestants = {"psycopg, JSON left as text": rows, "psycopg, JSON read": lists, "metacore": models}
        Contest(f"get of a record with {ITEMS} items", contestants, READS).run()

    service = OrderRecordService(storage)
    service.warm_up()

    def cached() -> None:
        for _ in range(CACHED_READS):
            service.get(record.order_uid)

    Contest("cached get, one thread", {"metacore": cached}, CACHED_READS, 11).run()

    def page() -> None:
        assert len(storage.order_records.list(limit=100).items) == 100

    storage.order_records.save_many(records(200))
    Contest("page of 100 whole records", {"metacore": page}, 1, 61).run()


def writes(storage: Storage, url: str) -> None:
    prepared = iter([records(SAVED) for _ in range(4)])
    rows = iter([[record.to_json() for record in records(SAVED)] for _ in range(4)])

    def by_hand() -> None:
        save_by_hand(url, next(rows))

    def by_metacore() -> None:
        batch = next(prepared)
        assert len(storage.order_records.save_many(batch)) == len(batch)

    Contest(f"save_many of {SAVED:,} new records", {"psycopg": by_hand, "metacore": by_metacore}, SAVED, 3).run()
    known = storage.order_records.list(limit=1000).items
    again = {"metacore": lambda: storage.order_records.save_many(known)}
    Contest("save_many of 1,000 stored records", again, 1000, 11).run()


def memory(storage: Storage) -> None:
    service = OrderRecordService(storage, max_size=CACHED)
    service.warm_up(10)
    gc.collect()
    tracemalloc.start()
    count = service.warm_up()
    gc.collect()
    used, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    print(f"\ncache of {count:,} records with {ITEMS} items: {used / 2**20:,.1f} MiB, {used / count:,.0f} bytes each")


def main() -> None:
    with EmbeddedPostgres() as server:
        SchemaDeployer(server.url).deploy()
        with connect(server.url) as storage:
            reads(storage, server.url)
            writes(storage, server.url)
            memory(storage)


if __name__ == "__main__":
    main()
