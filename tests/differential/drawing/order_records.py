"""Order records, drawn."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from hypothesis import strategies as st

from metacore.domain.commerce.order_records import OrderRecord, parse_order_record

from .values import times

_ITEMS: list[dict[str, Any]] = [{}, {"price": 453}, {"name": "\\", "unknown": 1}]


@st.composite
def order_records(draw: Any) -> OrderRecord:
    record = {
        "order_uid": draw(st.sampled_from(["1", "2", "3"])),
        "track_number": draw(st.sampled_from(["T", "", None])),
        "customer_id": draw(st.sampled_from(["test", "other"])),
        "payment": draw(st.sampled_from([None, {}, {"amount": 1}, {"amount": Decimal("1.0"), "unknown": [None]}])),
        "items": draw(st.lists(st.sampled_from(_ITEMS), min_size=1, max_size=3)),
        "date_created": draw(times).isoformat(),
    }
    return parse_order_record({name: record[name] for name in draw(st.permutations(list(record)))})
