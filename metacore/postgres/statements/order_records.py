"""Statements of the storage of order records.

One statement writes records: it locks and compares each order first, and touches its parts only if it changed. Parts
that a record no longer has are deleted by a statement after it, which sees what writers at the same time have left.
"""

from __future__ import annotations

from functools import cache
from typing import Any

from metacore.domain.commerce.order_records import OrderRecord
from metacore.postgres.client.order_record_codec import DELIVERY, ITEM, PAYMENT, RECORD, PartCodec
from metacore.postgres.client.statement import Statement
from metacore.postgres.statements.sets import assignments, matched, names, without
from metacore.postgres.tables.order_records import LISTED_RECORDS, order_record_items, order_records


def _rows(codec: PartCodec[Any], parameter: str) -> str:
    """A FROM item `new` of the rows in a JSON array."""
    return f"json_populate_recordset(NULL::{{schema}}.{codec.table}, %({parameter})s::json) AS new"


def _replace(codec: PartCodec[Any], parameter: str, *key: str) -> str:
    """Stores one part of the records that `changed`. IS TRUE keeps the planner from joining the two sets, neither of
    which has an index: so the records that changed are hashed once.
    """
    return f"""
        INSERT INTO {{schema}}.{codec.table} ({names(codec.columns)})
        SELECT {names(codec.columns, "new.")} FROM {_rows(codec, parameter)}
        WHERE (new.order_uid IN (SELECT order_uid FROM changed)) IS TRUE
        ON CONFLICT ({names(key)}) DO UPDATE SET {assignments(without(codec.columns, *key), "excluded")}
        RETURNING {codec.table}.order_uid
    """


def _write(name: str, change: str) -> Statement:
    return Statement(
        name,
        f"""
        WITH changed AS (
            {change}
            RETURNING order_records.order_uid, order_records.version
        ), deliveries AS (
            {_replace(DELIVERY, "deliveries", "order_uid")}
        ), payments AS (
            {_replace(PAYMENT, "payments", "order_uid")}
        ), items AS (
            {_replace(ITEM, "items", "order_uid", "position")}
        )
        SELECT order_uid, version FROM changed
        """,
        writes=True,
    )


def _changes(source: str) -> str:
    taken = without(RECORD.columns, "order_uid", "version")
    return f"{assignments(taken, source)}, version = order_records.version + 1"


_INSERT = f"""
    INSERT INTO {{schema}}.order_records ({names(RECORD.columns)})
    SELECT {names(RECORD.columns)} FROM {_rows(RECORD, "records")} ORDER BY order_uid
    ON CONFLICT (order_uid)
"""
"""Sorted, so that writers of the same records take their locks in one order."""

SAVE = _write(
    "order_records.save",
    f"{_INSERT} DO UPDATE SET {_changes('excluded')} WHERE order_records.digest <> excluded.digest",
)
"""Gives the version of each record that was stored, 1 of a new one; the rest was stored already."""

INSERT_IF_ABSENT = _write("order_records.insert_if_absent", f"{_INSERT} DO NOTHING")

UPDATE = _write(
    "order_records.update",
    f"""
    UPDATE {{schema}}.order_records SET {_changes("new")} FROM {_rows(RECORD, "records")}
    WHERE {matched(order_records, "order_records", ["order_uid"])} AND order_records.digest <> new.digest
    """,
)

LOCK = Statement(
    "order_records.update", "SELECT order_uid FROM {schema}.order_records WHERE order_uid = %(order_uid)s FOR UPDATE"
)

TRIM = Statement(
    "order_records.save",
    "DELETE FROM {schema}.order_record_items WHERE order_uid = %(order_uid)s AND position > %(items)s",
    writes=True,
)
"""Deletes the items behind the number of those that a record has."""

TRIM_MANY = Statement(
    "order_records.save_many",
    f"""
    DELETE FROM {{schema}}.order_record_items
    USING unnest(%(order_uid)s::text[], %(items)s::bigint[]) AS kept (order_uid, items)
    WHERE {matched(order_record_items, "order_record_items", ["order_uid"], "kept")}
        AND order_record_items.position > kept.items
    """,
    writes=True,
)


def _drop(codec: PartCodec[Any]) -> Statement:
    return Statement(
        "order_records.save",
        f"DELETE FROM {{schema}}.{codec.table} WHERE order_uid = ANY (%(order_uid)s::text[])",
        writes=True,
    )


DROP_DELIVERIES, DROP_PAYMENTS = _drop(DELIVERY), _drop(PAYMENT)

DELETE = Statement(
    "order_records.delete",
    "DELETE FROM {schema}.order_records WHERE order_uid = %(order_uid)s RETURNING order_uid",
    writes=True,
)

COUNT = Statement("order_records.count", "SELECT count(*) FROM {schema}.order_records")


def _array(codec: PartCodec[Any]) -> str:
    return f"json_build_array({names((*codec.fields, 'extra', 'key_order'), 'part.')})"


def _select(order_uid: str) -> str:
    """Whole records, each as the one JSON array that the codec reads, with the parts that have this `order_uid`."""

    def part(codec: PartCodec[Any], value: str) -> str:
        # Not a join: whatever the statistics say, each record takes one look into an index.
        return f"(SELECT {value} FROM {{schema}}.{codec.table} AS part WHERE part.order_uid = {order_uid})"

    parts = {
        "delivery": part(DELIVERY, _array(DELIVERY)),
        "payment": part(PAYMENT, _array(PAYMENT)),
        "items": part(ITEM, f"json_agg({_array(ITEM)} ORDER BY part.position)"),
    }
    fields = (parts.get(name, f"record.{name}") for name in (*OrderRecord.model_fields, "extra", "key_order"))
    return f"SELECT json_build_array({', '.join(fields)})::text FROM {{schema}}.order_records AS record"


GET = Statement("order_records.get", f"{_select('%(order_uid)s')} WHERE record.order_uid = %(order_uid)s")

_ANY = _select("record.order_uid")
_NEWEST_FIRST = "ORDER BY record.date_created_at DESC, record.order_uid DESC"

FIND = Statement("order_records.find", f"{_ANY} WHERE record.track_number = %(track_number)s {_NEWEST_FIRST}")


@cache
def page(of_customer: bool, after: bool) -> Statement:
    """A page, newest first; only of one customer, only behind a position, if so."""
    where = ["customer_id = %(customer_id)s" if of_customer else LISTED_RECORDS]
    if after:
        where.append("(date_created_at, order_uid) < (%(date_created_at)s::timestamptz, %(after_uid)s)")
    name = "order_records.list_by_customer" if of_customer else "order_records.list"
    return Statement(name, f"{_ANY} WHERE {' AND '.join(where)} {_NEWEST_FIRST} LIMIT %(limit)s::bigint")
