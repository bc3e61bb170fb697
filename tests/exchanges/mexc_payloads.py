"""What tests of the exchange's payloads share."""

import json
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from metacore.errors import InvalidDataError
from metacore.exchanges import mexc

SAMPLES = Path(__file__).parent / "samples"
USER = UUID("01900000-0000-7000-8000-000000000001")
ORDER = UUID("01900000-0000-7000-8000-000000000002")
NOW = datetime(2026, 1, 31, 12, tzinfo=UTC)
SYMBOLS = mexc.Symbols.from_exchange_info((SAMPLES / "exchange_info.json").read_bytes())
KNOWN: dict[str, Any] = {"user_id": USER, "symbols": SYMBOLS}
D = Decimal

GOOD = (
    '{"symbol":"BTCUSDT","orderId":"C02__1","clientOrderId":"c-1","price":"10","origQty":"1","executedQty":"0",'
    '"cummulativeQuoteQty":"0","status":"NEW","type":"LIMIT","side":"BUY","time":1767225600000}'
)
ODD = GOOD.replace('"LIMIT"', '"OCO_LIMIT"').replace("C02__1", "C02__2")


def text(name: str) -> bytes:
    """The sample of this name."""
    return (SAMPLES / f"{name}.json").read_bytes()


def parsed(name: str) -> Any:
    """The sample of this name, read exactly."""
    return json.loads(text(name), parse_float=Decimal)


def ms(value: int) -> datetime:
    """The time that many milliseconds after 1970."""
    return datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=value)


def put(payload: Any, path: str, value: Any) -> Any:
    """`payload` with `value` at the dotted `path`; without the field if `value` is Ellipsis."""
    *parents, last = path.split(".")
    target = payload
    for name in parents:
        target = target[int(name) if isinstance(target, list) else name]
    if value is ...:
        del target[last]
    else:
        target[last] = value
    return payload


def event(payload: Any) -> Any:
    return mexc.stream_event(payload, **KNOWN)


def refusal(parse: Any, *arguments: Any, **options: Any) -> InvalidDataError:
    with pytest.raises(InvalidDataError) as caught:
        parse(*arguments, **options)
    return caught.value


DEPOSIT = {
    "amount": "12.50",
    "coin": "EOS",
    "network": "EOS",
    "status": 5,
    "address": "0x3c11",
    "txId": "5bd1",
    "insertTime": 1767225600000,
    "unlockConfirm": "10",
    "confirmTimes": "241",
    "memo": "m-1",
}
WITHDRAWAL = {
    "id": "bb17",
    "txId": None,
    "coin": "EOS",
    "network": "EOS",
    "address": "zz",
    "amount": "10.00",
    "transferType": 0,
    "status": 7,
    "transactionFee": "0.1",
    "confirmNo": None,
    "applyTime": 1767225700000,
    "remark": "",
    "memo": "m",
    "transHash": "0x0c",
    "updateTime": 1767225800000,
}
