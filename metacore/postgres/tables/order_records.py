"""The tables of order records: the order, and its delivery, payment and items beside it.

A column that has no value is NULL; null, and a number that its column would change, lie in `extra` under their key,
beside the unknown keys. `key_order` is NULL where the fields come as declared and the unknown keys after them.
"""

from __future__ import annotations

from sqlalchemy import Index, PrimaryKeyConstraint, Table, text

from metacore.postgres.tables.columns import (
    METADATA,
    amount_column,
    belongs_to,
    bytes_column,
    ever,
    integer_column,
    json_column,
    key_column,
    short,
    text_column,
    time_column,
    uid_column,
)
from metacore.postgres.tables.rights import DELETED

LISTED_RECORDS = ever("date_created_at")
"""Which rows `order_records_newest_idx` has: all."""

order_records = Table(
    "order_records",
    METADATA,
    uid_column("order_uid"),
    key_column("track_number", nullable=True),
    text_column("entry", nullable=True),
    text_column("locale", nullable=True),
    text_column("internal_signature", nullable=True),
    key_column("customer_id", nullable=True),
    text_column("delivery_service", nullable=True),
    text_column("shardkey", nullable=True),
    integer_column("sm_id", nullable=True),
    text_column("date_created"),
    text_column("oof_shard", nullable=True),
    json_column("extra", nullable=True),
    json_column("key_order", nullable=True),
    time_column("date_created_at"),
    bytes_column("digest"),
    integer_column("version"),
    PrimaryKeyConstraint("order_uid", name="order_records_pkey"),
    short("order_records", "order_uid"),
    info={"entity": "order record", "rights": DELETED, "sharded_by": "order_uid"},
)

Index(
    "order_records_newest_idx",
    order_records.c.date_created_at.desc(),
    order_records.c.order_uid.desc(),
    postgresql_where=text(LISTED_RECORDS),
)
Index(
    "order_records_customer_idx",
    order_records.c.customer_id,
    order_records.c.date_created_at.desc(),
    order_records.c.order_uid.desc(),
    postgresql_where=text("customer_id IS NOT NULL"),
)
Index(
    "order_records_track_number_idx",
    order_records.c.track_number,
    postgresql_where=text("track_number IS NOT NULL"),
)

order_record_deliveries = Table(
    "order_record_deliveries",
    METADATA,
    uid_column("order_uid"),
    text_column("name", nullable=True),
    text_column("phone", nullable=True),
    text_column("zip", nullable=True),
    text_column("city", nullable=True),
    text_column("address", nullable=True),
    text_column("region", nullable=True),
    text_column("email", nullable=True),
    json_column("extra", nullable=True),
    json_column("key_order", nullable=True),
    PrimaryKeyConstraint("order_uid", name="order_record_deliveries_pkey"),
    belongs_to("order_record_deliveries", "order_records", ["order_uid"], ["order_uid"]),
    info={"entity": "order record delivery", "rights": DELETED},
)

order_record_payments = Table(
    "order_record_payments",
    METADATA,
    uid_column("order_uid"),
    text_column("transaction", nullable=True),
    text_column("request_id", nullable=True),
    text_column("currency", nullable=True),
    text_column("provider", nullable=True),
    amount_column("amount", nullable=True),
    integer_column("payment_dt", nullable=True),
    text_column("bank", nullable=True),
    amount_column("delivery_cost", nullable=True),
    amount_column("goods_total", nullable=True),
    amount_column("custom_fee", nullable=True),
    json_column("extra", nullable=True),
    json_column("key_order", nullable=True),
    PrimaryKeyConstraint("order_uid", name="order_record_payments_pkey"),
    belongs_to("order_record_payments", "order_records", ["order_uid"], ["order_uid"]),
    info={"entity": "order record payment", "rights": DELETED},
)

order_record_items = Table(
    "order_record_items",
    METADATA,
    uid_column("order_uid"),
    integer_column("position"),
    integer_column("chrt_id", nullable=True),
    text_column("track_number", nullable=True),
    amount_column("price", nullable=True),
    text_column("rid", nullable=True),
    text_column("name", nullable=True),
    amount_column("sale", nullable=True),
    text_column("size", nullable=True),
    amount_column("total_price", nullable=True),
    integer_column("nm_id", nullable=True),
    text_column("brand", nullable=True),
    integer_column("status", nullable=True),
    json_column("extra", nullable=True),
    json_column("key_order", nullable=True),
    PrimaryKeyConstraint("order_uid", "position", name="order_record_items_pkey"),
    belongs_to("order_record_items", "order_records", ["order_uid"], ["order_uid"]),
    info={"entity": "order record item", "rights": DELETED},
)
