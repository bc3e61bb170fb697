"""Statements of the storage of order records.

One statement writes records: it locks and compares each order first, and touches its parts only if it changed. Parts that a
record no longer has are deleted by a statement after it, which sees what writers at the same time have left.
"""

from __future__ import annotations

from functools import cache

from metacore.postgres.order_record_codec import CODECS, DELIVERY, ITEM, PAYMENT, RECORD, PartCodec
from metacore.postgres.statement import Statement, sql_type
from metacore.postgres.statements.sets import assignments, names, without


def _rows(part: str) -> str:
    """A FROM item `new` of the arrays of one part."""
    codec = CODECS[part]
    arrays = (f"%({part}_{column})s::{sql_type(codec.table.c[column])}[]" for column in codec.columns)
    return f"unnest({', '.join(arrays)}) AS new ({names(codec.columns)})"


def _changes(source: str) -> str:
    taken = without(RECORD.columns, "order_uid", "version")
    return f"{assignments(taken, source)}, version = order_records.version + 1"


def _replace(part: str, *key: str) -> str:
    """Stores one part of the records that `changed`."""
    codec = CODECS[part]
    return f"""
        INSERT INTO {{schema}}.{codec.table.name} ({names(codec.columns)})
        SELECT {names(codec.columns, "new.")} FROM {_rows(part)} JOIN changed ON changed.order_uid = new.order_uid
        ON CONFLICT ({names(key)}) DO UPDATE SET {assignments(without(codec.columns, *key), "excluded")}
        RETURNING {codec.table.name}.order_uid
    """


def _write(name: str, change: str) -> Statement:
    return Statement(
        name,
        f"""
        WITH changed AS (
            {change}
            RETURNING order_records.order_uid, order_records.version
        ), deliveries AS (
            {_replace("delivery", "order_uid")}
        ), payments AS (
            {_replace("payment", "order_uid")}
        ), items AS (
            {_replace("item", "order_uid", "position")}
        )
        SELECT order_uid, version FROM changed
        """,
        writes=True,
    )


_INSERT = f"""
    INSERT INTO {{schema}}.order_records ({names(RECORD.columns)})
    SELECT {names(RECORD.columns)} FROM {_rows("record")}
    ON CONFLICT (order_uid)
"""

SAVE = _write(
    "order_records.save",
    f"{_INSERT} DO UPDATE SET {_changes('excluded')} WHERE order_records.digest <> excluded.digest",
)
"""Gives the version of each record that was stored, 1 of a new one; the rest was stored already."""

INSERT_IF_ABSENT = _write("order_records.insert_if_absent", f"{_INSERT} DO NOTHING")

UPDATE = _write(
    "order_records.update",
    f"""
    UPDATE {{schema}}.order_records SET {_changes("new")} FROM {_rows("record")}
    WHERE order_records.order_uid = new.order_uid AND order_records.digest <> new.digest
    """,
)

LOCK = Statement(
    "order_records.update", "SELECT order_uid FROM {schema}.order_records WHERE order_uid = %(order_uid)s FOR UPDATE"
)

KEEP_ITEMS = Statement(
    "order_records.save",
    """
    DELETE FROM {schema}.order_record_items USING unnest(%(order_uid)s::text[], %(items)s::bigint[]) AS kept (order_uid, items)
    WHERE order_record_items.order_uid = kept.order_uid AND order_record_items.position > kept.items
    """,
    writes=True,
)
"""Deletes the items behind the number of those that each record has."""


def _drop(part: str) -> Statement:
    table = CODECS[part].table.name
    return Statement(
        "order_records.save",
        f"DELETE FROM {{schema}}.{table} WHERE order_uid = ANY (%(order_uid)s::text[])",
        writes=True,
    )


DROP_DELIVERIES, DROP_PAYMENTS = _drop("delivery"), _drop("payment")

DELETE = Statement(
    "order_records.delete",
    "DELETE FROM {schema}.order_records WHERE order_uid = %(order_uid)s RETURNING order_uid",
    writes=True,
)

COUNT = Statement("order_records.count", "SELECT count(*) FROM {schema}.order_records")


def _array(codec: PartCodec, table: str) -> str:
    return f"json_build_array({names(codec.loaded, table + '.')})"


def _select(records: str) -> str:
    """Whole records, each as the one JSON text that the codec reads: numbers keep their type, and a page is one statement."""
    return f"""
        SELECT json_build_array(
            {_array(RECORD, "record")},
            CASE WHEN delivery.order_uid IS NOT NULL THEN {_array(DELIVERY, "delivery")} END,
            CASE WHEN payment.order_uid IS NOT NULL THEN {_array(PAYMENT, "payment")} END,
            (
                SELECT json_agg({_array(ITEM, "item")} ORDER BY item.position)
                FROM {{schema}}.order_record_items AS item WHERE item.order_uid = record.order_uid
            )
        )::text
        FROM {records} AS record
        LEFT JOIN {{schema}}.order_record_deliveries AS delivery ON delivery.order_uid = record.order_uid
        LEFT JOIN {{schema}}.order_record_payments AS payment ON payment.order_uid = record.order_uid
    """


GET = Statement("order_records.get", _select("{schema}.order_records") + " WHERE record.order_uid = %(order_uid)s")

_NEWEST_FIRST = "ORDER BY record.date_created_at DESC, record.order_uid DESC"

FIND = Statement(
    "order_records.find",
    f"{_select('{schema}.order_records')} WHERE record.track_number = %(track_number)s {_NEWEST_FIRST}",
)


@cache
def page(of_customer: bool, after: bool) -> Statement:
    """A page, newest first; only of one customer, only behind a position, if so."""
    where = []
    if of_customer:
        where.append("customer_id = %(customer_id)s")
    if after:
        where.append("(date_created_at, order_uid) < (%(date_created_at)s::timestamptz, %(after_uid)s)")
    records = f"""(
        SELECT * FROM {{schema}}.order_records {"WHERE" if where else ""} {" AND ".join(where)}
        ORDER BY date_created_at DESC, order_uid DESC LIMIT %(limit)s::bigint
    )"""
    name = "order_records.list_by_customer" if of_customer else "order_records.list"
    return Statement(name, f"{_select(records)} {_NEWEST_FIRST}")
