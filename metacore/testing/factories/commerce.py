# pyright: reportIncompatibleVariableOverride=false
# Every `class Meta` of factory-boy overrides the one before it.
"""Factories of the records of orders."""

from __future__ import annotations

from factory.base import Factory
from factory.declarations import LazyAttribute, Sequence

from metacore.domain.commerce.order_records import OrderRecord
from metacore.testing.factories.fields import moment


class OrderRecordFactory(Factory[OrderRecord]):
    """The record of an order of `count` items, each created a millisecond after the one before."""

    class Meta:
        model = OrderRecord

    class Params:
        count = 1

    order_uid = Sequence(lambda n: f"b563feb7b2b84b6test{n}")
    track_number = Sequence(lambda n: f"TESTTRACK{n}")
    entry = "TEST"
    delivery = LazyAttribute(
        lambda _: {
            "name": "Test Testov",
            "phone": "+9720000000",
            "zip": "2639809",
            "city": "Testville",
            "address": "1 Test Square",
            "region": "",
            "email": "test@example.com",
        }
    )
    payment = LazyAttribute(
        lambda record: {
            "transaction": record.order_uid,
            "request_id": "",
            "currency": "USD",
            "provider": "testpay",
            "amount": 1500 + 317 * record.count,
            "payment_dt": 1637907727,
            "bank": "alpha",
            "delivery_cost": 1500,
            "goods_total": 317 * record.count,
            "custom_fee": 0,
        }
    )
    items = LazyAttribute(
        lambda record: [
            {
                "chrt_id": 9934930 + position,
                "track_number": record.track_number,
                "price": 453,
                "rid": f"ab4219087a764test{position}",
                "name": "Mascara",
                "sale": 30,
                "size": "0",
                "total_price": 317,
                "nm_id": 2389212,
                "brand": "Testbrand",
                "status": 202,
            }
            for position in range(record.count)
        ]
    )
    locale = "en"
    internal_signature = ""
    customer_id = "test"
    delivery_service = "meest"
    shardkey = "9"
    sm_id = 99
    date_created = Sequence(lambda n: moment(n).isoformat())
    oof_shard = "1"
