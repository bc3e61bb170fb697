"""Order records to rows and back, as JSON: so numbers keep their type, and a set of rows is one parameter."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from types import NoneType
from typing import Any, Generic, NamedTuple, TypeVar, cast

from sqlalchemy import Table

from metacore.domain.commerce.order_records import (
    OrderRecord,
    OrderRecordDelivery,
    OrderRecordItem,
    OrderRecordPayment,
    digest_of,
)
from metacore.domain.values.amounts import DECIMAL_PLACES
from metacore.domain.values.frozen import freeze_json
from metacore.domain.values.json import JsonObject, unchecked_object
from metacore.domain.values.json_text import dump_json
from metacore.postgres.tables.order_records import (
    order_record_deliveries,
    order_record_items,
    order_record_payments,
    order_records,
)

J = TypeVar("J", bound=JsonObject)

_load = json.JSONDecoder(parse_float=Decimal).decode


class PartCodec(Generic[J]):
    """One part of a record, and its table of `keys`, the `fields` that are no parts, `extra` and `key_order`."""

    def __init__(self, model: type[J], table: Table, *keys: str) -> None:
        self.table = table.name
        self._names = tuple(model.model_fields)
        self.fields = tuple(name for name in self._names if name in table.columns)
        self.columns = (*keys, *self.fields, "extra", "key_order")
        self._model = model

    def encode(self, part: J, **keys: object) -> dict[str, object]:
        """The row that stores `part`, as a JSON object."""
        values, present = part.__dict__, part.model_fields_set
        extra: dict[str, object] = {}
        kinds = set(map(type, values.values()))
        if Decimal in kinds or NoneType in kinds:
            extra = {
                name: value
                for name, value in values.items()
                if (value is None and name in present) or (type(value) is Decimal and not _keeps_its_type(value))
            }
        row = {name: values[name] for name in self.fields if name not in extra}
        if Decimal in kinds:
            row = {name: str(value) if type(value) is Decimal else value for name, value in row.items()}
        if part.model_extra:
            extra |= part.model_extra
        return {**keys, **row, "extra": extra or None, "key_order": part.key_order}

    def decode(self, row: Sequence[Any]) -> J:
        """The part that `row` holds: the values of all fields of the model, as declared, `extra` and `key_order`."""
        values = dict(zip(self._names, row, strict=False))
        extra, key_order = row[-2:]
        if extra is None and None not in values.values():
            return unchecked_object(self._model, values, None, {}, key_order)
        present = {name for name, value in values.items() if value is not None}
        unknown: dict[str, Any] = {}
        for name, value in (extra or {}).items():
            present.add(name)
            (values if name in values else unknown)[name] = freeze_json(value)
        return unchecked_object(self._model, values, present, unknown, key_order)


RECORD = PartCodec(OrderRecord, order_records, "date_created_at", "digest", "version")
DELIVERY = PartCodec(OrderRecordDelivery, order_record_deliveries, "order_uid")
PAYMENT = PartCodec(OrderRecordPayment, order_record_payments, "order_uid")
ITEM = PartCodec(OrderRecordItem, order_record_items, "order_uid", "position")

_DELIVERY, _PAYMENT, _ITEMS = (list(OrderRecord.model_fields).index(name) for name in ("delivery", "payment", "items"))


def encode_all(records: Iterable[OrderRecord]) -> dict[str, str]:
    """The parameters that store `records`: for each table a JSON array of its rows."""
    rows = _Rows([], [], [], [])
    for record in records:
        texts = record.usual_texts()
        bookkeeping = {
            "date_created_at": record.date_created_at.isoformat(),
            "digest": f"\\x{digest_of(record, texts).hex()}",
            "version": 1,
        }
        if texts is None:
            _add(rows, record, bookkeeping)
        else:
            _add_usual(rows, record, bookkeeping, texts)
    return {name: f"[{','.join(part)}]" for name, part in rows._asdict().items()}


class _Rows(NamedTuple):
    records: list[str]
    deliveries: list[str]
    payments: list[str]
    items: list[str]


def _add(rows: _Rows, record: OrderRecord, bookkeeping: Mapping[str, object]) -> None:
    uid = record.order_uid
    rows.records.append(dump_json(RECORD.encode(record, **bookkeeping)))
    if record.delivery is not None:
        rows.deliveries.append(dump_json(DELIVERY.encode(record.delivery, order_uid=uid)))
    if record.payment is not None:
        rows.payments.append(dump_json(PAYMENT.encode(record.payment, order_uid=uid)))
    for position, item in enumerate(record.items, 1):
        rows.items.append(dump_json(ITEM.encode(item, order_uid=uid, position=position)))


def _add_usual(rows: _Rows, record: OrderRecord, bookkeeping: Mapping[str, object], texts: Sequence[bytes]) -> None:
    own, delivery, payment, *items = (text.decode() for text in texts)
    key = f'"order_uid":{dump_json(record.order_uid)}'
    rows.records.append(_row(record, own, dump_json(bookkeeping)[1:-1]))
    rows.deliveries.append(_row(cast(JsonObject, record.delivery), delivery, key))
    rows.payments.append(_row(cast(JsonObject, record.payment), payment, key))
    for position, (item, text) in enumerate(zip(record.items, items, strict=True), 1):
        rows.items.append(_row(item, text, f'{key},"position":{position}'))


def _row(part: JsonObject, text: str, keys: str) -> str:
    """The row of a part whose fields are in `text`, with its `keys`; what it does not name is NULL."""
    order = part.key_order
    return f"{text[:-1]},{keys}}}" if order is None else f'{text[:-1]},{keys},"key_order":{dump_json(order)}}}'


def decode(text: str) -> OrderRecord:
    """The record in the JSON array that the database made of its rows, with those of its parts in their place."""
    row = _load(text)
    row[_ITEMS] = tuple(map(ITEM.decode, row[_ITEMS]))
    if row[_DELIVERY] is not None:
        row[_DELIVERY] = DELIVERY.decode(row[_DELIVERY])
    if row[_PAYMENT] is not None:
        row[_PAYMENT] = PAYMENT.decode(row[_PAYMENT])
    return RECORD.decode(row)


def decode_all(rows: Iterable[Sequence[Any]]) -> tuple[OrderRecord, ...]:
    """The records in the first column of `rows`."""
    return tuple(decode(row[0]) for row in rows)


def _keeps_its_type(value: Decimal) -> bool:
    """Whether a column gives it back as it is: an amount has no exponent, no sign of zero, and no 37th decimal."""
    sign, _, exponent = value.as_tuple()
    return isinstance(exponent, int) and -DECIMAL_PLACES <= exponent < 0 and (not sign or bool(value))
