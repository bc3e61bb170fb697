"""Order records as a careful author stores them: an upsert for each part, in one transaction."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from psycopg.types.json import Json

from .sql import S

Run = Callable[[str, Sequence[Any]], Any]
_PARTS = {"delivery": "order_record_deliveries", "payment": "order_record_payments"}


def _upsert(run: Run, table: str, key: Mapping[str, Any], values: Mapping[str, Any]) -> None:
    row = {**key, **values}
    changes = ", ".join(f"{name} = excluded.{name}" for name in values)
    run(
        f"INSERT INTO {S}.{table} ({', '.join(row)}) VALUES ({', '.join(f'${n}' for n in range(1, len(row) + 1))})"
        f" ON CONFLICT ({', '.join(key)}) DO UPDATE SET {changes}",
        [Json(value) if isinstance(value, dict | list) else value for value in row.values()],
    )


def save_record(run: Run, record: Mapping[str, Any]) -> None:
    key = {"order_uid": record["order_uid"]}
    own = {name: value for name, value in record.items() if name not in (*_PARTS, "items", "order_uid")}
    own |= {"date_created_at": record["date_created"], "digest": b"", "version": 1}
    _upsert(run, "order_records", key, own)
    for name, table in _PARTS.items():
        _upsert(run, table, key, record[name])
    for position, item in enumerate(record["items"], 1):
        _upsert(run, "order_record_items", {**key, "position": position}, item)
    run(
        f"DELETE FROM {S}.order_record_items WHERE order_uid = $1 AND position > $2",
        [key["order_uid"], len(record["items"])],
    )


GET = f"""
    SELECT row_to_json(r), row_to_json(d), row_to_json(p), (
        SELECT json_agg(i ORDER BY position) FROM {S}.order_record_items AS i WHERE i.order_uid = r.order_uid
    )
    FROM {S}.order_records AS r
    JOIN {S}.order_record_deliveries AS d USING (order_uid) JOIN {S}.order_record_payments AS p USING (order_uid)
    WHERE r.order_uid = $1
"""


def get_record(run: Run, order_uid: str) -> dict[str, Any]:
    """The record as dictionaries, by one statement."""
    ((record, delivery, payment, items),) = run(GET, [order_uid])
    return {**record, "delivery": delivery, "payment": payment, "items": items}
