"""Order records, and what may become of them."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from metacore.domain.commerce.order_records import OrderRecord, parse_order_record
from metacore.testing.clock import START
from metacore.testing.contract.samples import HOSTILE_JSON


def with_values(record: OrderRecord, **changes: Any) -> OrderRecord:
    """`record` with the values at paths such as `payment__amount` replaced, or taken away if that is `...`."""
    value = record.to_json()
    for path, new in changes.items():
        *parents, last = (int(name) if name.isdigit() else name for name in path.split("__"))
        at: Any = value
        for name in parents:
            at = at[name]
        if new is ...:
            del at[last]
        else:
            at[last] = new
    return parse_order_record(value)


def smallest(order_uid: str = "1") -> OrderRecord:
    """A record with nothing that may be left out."""
    return parse_order_record({"order_uid": order_uid, "items": [{}], "date_created": START.isoformat()})


VARIANTS: dict[str, dict[str, Any]] = {
    "as it is": {},
    "another locale": {"locale": "ru"},
    "another amount": {"payment__amount": 1},
    "another amount of the same value": {"payment__amount": Decimal("2451.0")},
    "another address": {"delivery__address": "2 Test Square"},
    "another item": {"items__1__name": "Lipstick"},
    "fewer items": {"items__2": ...},
    "one item": {"items__2": ..., "items__1": ...},
    "no delivery": {"delivery": ...},
    "no payment": {"payment": ...},
    "null delivery": {"delivery": None},
    "empty payment": {"payment": {}},
    "null text": {"delivery__name": None},
    "no text": {"delivery__name": ...},
    "empty text": {"delivery__name": ""},
    "null number": {"items__0__price": None},
    "zero": {"items__0__price": 0},
    "negative zero with a point": {"items__0__price": Decimal("-0.0")},
    "an exponent": {"items__0__price": Decimal("1E+3")},
    "a small number": {"items__0__price": Decimal("1E-18")},
    "trailing zeros": {"payment__custom_fee": Decimal("1.50")},
    "the largest amount": {
        "payment__amount": Decimal("-99999999999999999999999999999999999999.999999999999999999999999999999999999")
    },
    "the largest integer": {"sm_id": 2**63 - 1, "items__0__chrt_id": -(2**63)},
    "repeats": {"items__1__chrt_id": 9934930, "items__2__chrt_id": 9934930, "payment__transaction": "same"},
    "unknown keys": {
        "unknown": HOSTILE_JSON,
        "delivery__unknown": HOSTILE_JSON,
        "payment__unknown": 1.0,
        "items__0__unknown": [None],
        "items__2__order_uid": "mine",
        "version": 7,
    },
}
"""What a record of three items may become."""
