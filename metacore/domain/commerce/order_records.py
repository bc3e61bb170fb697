"""Order records: the JSON of an order service, as it is."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping, Sequence
from datetime import datetime
from enum import StrEnum
from functools import lru_cache
from typing import Annotated, Any, cast

from pydantic import AfterValidator, Field, StringConstraints, ValidationError

from metacore.domain.values.json import JsonObject, Number
from metacore.domain.values.json_text import load_json_object
from metacore.domain.values.limits import JsonLimits
from metacore.domain.values.model import invalid_data
from metacore.domain.values.text import MAX_KEY_LENGTH, Integer, Key, Text, parse_text
from metacore.domain.values.times import parse_time
from metacore.domain.values.usual_json import UsualObjects, read_usual
from metacore.errors import InvalidDataError

ShortText = Annotated[str, StringConstraints(strict=True, max_length=MAX_KEY_LENGTH), AfterValidator(parse_text)]
"""Text by which records are listed: at most 255 characters, and the empty one is a value like any other."""

_RFC_3339 = re.compile(r"(\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d:\d\d)(?:(\.\d{1,6})\d*)?([Zz]|[+-]\d\d:\d\d)", re.ASCII)


@lru_cache(2048)  # it is asked for when a record is checked, and again when it is stored
def parse_date_created(text: str) -> datetime:
    """The time in UTC that `text` says by RFC 3339, cut at the microsecond; ValueError if it says none."""
    match = _RFC_3339.fullmatch(text)
    if match is None:
        raise ValueError("a time is RFC 3339 text, such as '2021-11-26T06:22:19Z'")
    return parse_time("".join(part or "" for part in match.groups()))


def _check_date_created(text: str) -> str:
    parse_date_created(text)
    return text


class OrderRecordDelivery(JsonObject):
    """Where an order goes."""

    name: Text | None = None
    phone: Text | None = None
    zip: Text | None = None
    city: Text | None = None
    address: Text | None = None
    region: Text | None = None
    email: Text | None = None


class OrderRecordPayment(JsonObject):
    """What an order costs. `payment_dt` is in seconds since 1970; the sums need not add up."""

    transaction: Text | None = None
    request_id: Text | None = None
    currency: Text | None = None
    provider: Text | None = None
    amount: Number | None = None
    payment_dt: Integer | None = None
    bank: Text | None = None
    delivery_cost: Number | None = None
    goods_total: Number | None = None
    custom_fee: Number | None = None


class OrderRecordItem(JsonObject):
    """One position of an order; `chrt_id` may repeat, also within an order."""

    chrt_id: Integer | None = None
    track_number: Text | None = None
    price: Number | None = None
    rid: Text | None = None
    name: Text | None = None
    sale: Number | None = None
    size: Text | None = None
    total_price: Number | None = None
    nm_id: Integer | None = None
    brand: Text | None = None
    status: Integer | None = None


class OrderRecord(JsonObject):
    """An order as its service tells it: the JSON and nothing else, so it has no version and no times of the storage.

    `order_uid`, `items` (at least one) and `date_created` are required, every other key is kept if it is there.
    """

    order_uid: Key
    track_number: ShortText | None = None
    entry: Text | None = None
    delivery: OrderRecordDelivery | None = None
    payment: OrderRecordPayment | None = None
    items: Annotated[tuple[OrderRecordItem, ...], Field(min_length=1)]
    locale: Text | None = None
    internal_signature: Text | None = None
    customer_id: ShortText | None = None
    delivery_service: Text | None = None
    shardkey: Text | None = None
    sm_id: Integer | None = None
    date_created: Annotated[Text, AfterValidator(_check_date_created)]
    oof_shard: Text | None = None

    @property
    def date_created_at(self) -> datetime:
        """`date_created` in UTC, cut at the microsecond."""
        return parse_date_created(self.date_created)

    def usual_texts(self) -> Sequence[bytes] | None:
        """The JSON of what it has beside its parts, of its delivery, its payment and each item, fields as declared.

        None unless each has all its fields and no others, which are texts and integers, as is usual.
        """
        if self.delivery is None or self.payment is None:
            return None
        texts = [_RECORDS.text(self), _DELIVERIES.text(self.delivery), _PAYMENTS.text(self.payment)]
        texts += map(_ITEMS.text, self.items)
        return None if None in texts else cast(list[bytes], texts)

    def digest(self) -> bytes:
        """A SHA-256 of its content: equal for equal content, whatever the order of the keys."""
        return digest_of(self, self.usual_texts())


_KEYS = ("order_uid", "track_number", "customer_id")
_DEPTH = 3
"""Of a record: itself, the list of its items, an item."""
_RECORDS = UsualObjects(OrderRecord, ["sm_id"], delivery=dict, payment=dict, items=list)
_DELIVERIES = UsualObjects(OrderRecordDelivery, [])
_PAYMENTS = UsualObjects(OrderRecordPayment, ["amount", "payment_dt", "delivery_cost", "goods_total", "custom_fee"])
_ITEMS = UsualObjects(OrderRecordItem, ["chrt_id", "price", "sale", "total_price", "nm_id", "status"])


def digest_of(record: OrderRecord, usual_texts: Sequence[bytes] | None) -> bytes:
    """The digest of a record whose `usual_texts` are these."""
    texts = [record.canonical_json().encode()] if usual_texts is None else usual_texts
    return hashlib.sha256(b"\n".join(texts)).digest()


def newest_first(record: OrderRecord) -> tuple[datetime, str]:
    """What records are listed by, descending."""
    return record.date_created_at, record.order_uid


_USUAL_LIMITS = JsonLimits()


class SaveOutcome(StrEnum):
    """What saving a record did: stored a new one, replaced another, or found it stored already."""

    CREATED = "CREATED"
    UPDATED = "UPDATED"
    UNCHANGED = "UNCHANGED"


def parse_order_record(
    message: str | bytes | bytearray | Mapping[str, Any], limits: JsonLimits = _USUAL_LIMITS
) -> OrderRecord:
    """The record that `message`, JSON text or what was read from it, says.

    InvalidDataError if it says none, or exceeds one of `limits` (its size before it is parsed), with the path of what
    is wrong and, for text, its bytes as `raw`, to be parked.
    """
    if isinstance(message, Mapping):
        return _record(message, None, limits)
    if not isinstance(message, str | bytes | bytearray):
        problem = f"a record is JSON text, bytes or a mapping, not {type(message).__name__}"
        raise InvalidDataError(problem, field="message")
    try:
        limits.require_size(message)
        if isinstance(message, bytes) and (usual := _usual_record(message, limits)) is not None:
            return usual
        return _record(load_json_object(message), message, limits)
    except InvalidDataError as error:
        error.raw = _raw(message)
        raise
    except ValueError as error:
        raise InvalidDataError(str(error), raw=_raw(message)) from None


def _usual_record(message: bytes, limits: JsonLimits) -> OrderRecord | None:
    """The record that `message` says, if it is one as they usually come: None says nothing of it."""
    if len(message) > limits.text or limits.depth < _DEPTH or limits.keys < len(OrderRecord.model_fields):
        return None
    values = read_usual(message)
    if type(values) is not dict or not _RECORDS.has(values):
        return None
    delivery, payment, items = values["delivery"], values["payment"], values["items"]
    if not (1 <= len(items) <= limits.items and _DELIVERIES.has(delivery) and _PAYMENTS.has(payment)):
        return None
    if not all(type(item) is dict and _ITEMS.has(item) for item in items):
        return None
    marks = _RECORDS.marks + _DELIVERIES.marks + _PAYMENTS.marks + len(items) * _ITEMS.marks
    if message.count(b'"') != marks:
        return None
    if not values["order_uid"] or any(len(values[name]) > MAX_KEY_LENGTH for name in _KEYS):
        return None
    try:
        parse_date_created(values["date_created"])
    except ValueError:
        return None
    values["delivery"], values["payment"] = _DELIVERIES.make(delivery), _PAYMENTS.make(payment)
    values["items"] = tuple(map(_ITEMS.make, items))
    return _RECORDS.make(values)


def _record(value: Mapping[str, Any], text: str | bytes | bytearray | None, limits: JsonLimits) -> OrderRecord:
    limits.require(value, text)
    try:
        return OrderRecord.model_validate(value)
    except ValidationError as error:
        raise invalid_data(error) from None


def _raw(message: str | bytes | bytearray) -> bytes:
    return message.encode("utf-8", "surrogatepass") if isinstance(message, str) else bytes(message)
