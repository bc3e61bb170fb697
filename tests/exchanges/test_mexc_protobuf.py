"""Pushes in protobuf, written here byte by byte, by the numbers of the exchange's public description."""

import json
import sys
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from metacore.domain.trading.orders import OrderStatus, OrderType
from metacore.errors import ConfigurationError, InvalidDataError
from metacore.exchanges import mexc
from metacore.exchanges.mexc import protobuf
from metacore.exchanges.mexc.messages import MAX_MESSAGE_BYTES
from metacore.testing.cases import each_case
from tests.exchanges.mexc_payloads import SAMPLES, SYMBOLS, USER, event

Value = int | str | bytes


def varint(number: int) -> bytes:
    number &= 2**64 - 1
    written = bytearray()
    while number > 0x7F:
        written.append(number & 0x7F | 0x80)
        number >>= 7
    return bytes([*written, number])


def message(*fields: tuple[int, Value]) -> bytes:
    """Integers as varints, all else with its length before it."""
    written = b""
    for number, value in fields:
        if isinstance(value, int):
            written += varint(number << 3) + varint(value)
        else:
            data = value.encode() if isinstance(value, str) else value
            written += varint(number << 3 | 2) + varint(len(data)) + data
    return written


ORDER: dict[int, Value] = {
    1: "C02__560000000000000004115",
    2: "mine-7",
    3: "2.31",
    4: "20",
    5: "0",
    6: "2.4975",
    7: 5,
    8: 2,
    10: "0",
    11: "0",
    12: "20",
    13: "20",
    14: "49.95",
    15: 2,
    16: 1760000006259,
}
DEAL: dict[int, Value] = {
    1: "2.4975",
    2: "20",
    3: "49.95",
    4: 2,
    7: "560000000000000004X1",
    9: "C02__560000000000000004115",
    10: "0.0099900124874219473",
    11: "MX",
    12: 1760000006280,
}
ACCOUNT: dict[int, Value] = {
    1: "USDT",
    2: "4a90c1f37d2b4e6c85b0e3d9f1276a54",
    3: "48.31960250017",
    4: "-10",
    5: "10",
    6: "10",
    7: "ENTRUST_PLACE",
    8: 1760000010000,
}
BODIES = {"orders": (304, ORDER), "deals": (306, DEAL), "account": (307, ACCOUNT)}
SENT = {"orders": 1760000006281, "deals": 1760000006332, "account": 1760000010307}


def push(topic: str, *more: tuple[int, Value], without: int | None = None, **changed: Value) -> bytes:
    """The push of `topic`, with `more` fields in its body; those of `changed` are named `n7` for field 7."""
    number, body = BODIES[topic]
    fields = {**body, **{int(name[1:]): value for name, value in changed.items()}}
    fields.pop(without or 0, None)
    return message(
        (1, f"spot@private.{topic}.v3.api.pb"),
        *([] if topic == "account" else [(3, "MXUSDT")]),
        *([(5, 1760000010305)] if topic == "account" else []),
        (6, SENT[topic]),
        (number, message(*fields.items(), *more)),
    )


def said(read: Any) -> dict[str, Any]:
    """What it says, without the ids that were made here, and without its raw form."""
    dumped = read.model_dump(exclude={"id", "raw"})
    if dumped.get("order"):
        dumped["order"] = {name: value for name, value in dumped["order"].items() if name not in ("id", "raw")}
    return dumped


@each_case("form", [bytes, bytearray, memoryview])
@each_case(
    ("topic", "sample"),
    [
        ("orders", "stream_order_protobuf"),
        ("deals", "stream_deal_protobuf"),
        ("account", "stream_account_protobuf"),
    ],
)
def test_bytes_say_the_same_as_their_json_form(topic: str, sample: str, form: type):
    text = (SAMPLES / f"{sample}.json").read_text()

    read, as_json = event(form(push(topic))), event(text)

    assert type(read) is type(as_json)
    assert said(read) == said(as_json)
    assert {name: str(value) for name, value in read.raw.items() if not isinstance(value, dict)} == {
        name: str(value) for name, value in json.loads(text).items() if not isinstance(value, dict)
    }
    assert event(text.encode()) is not None  # bytes that hold JSON


def test_each_stream_parser_reads_bytes():
    assert mexc.stream_report(push("orders"), user_id=USER, symbols=SYMBOLS).status is OrderStatus.FILLED
    assert mexc.stream_trade(push("deals"), user_id=USER).exchange_trade_id == "560000000000000004X1"
    assert mexc.stream_balance(push("account")).change_type == "ENTRUST_PLACE"
    for parse in (mexc.stream_balance, lambda payload: mexc.stream_trade(payload, user_id=USER)):
        with pytest.raises(InvalidDataError, match="is not the channel") as caught:
            parse(push("orders"))
        assert (caught.value.field, caught.value.raw) == ("channel", push("orders"))


def test_what_is_not_sent_has_the_default_of_its_type():
    assert event(push("deals")).is_maker is False
    assert event(push("deals", (5, 1))).is_maker is True
    assert event(push("orders", without=2)).client_order_id is None


@pytest.mark.parametrize(
    ("code", "status", "trigger", "type_"),
    [
        (101, 1, None, OrderType.LIMIT),
        (102, 0, "2.2", OrderType.STOP_LIMIT),
        (101, 0, "2.2", OrderType.STOP_LIMIT),
        (102, 2, None, OrderType.LIMIT),
        (100, 0, "2.2", OrderType.STOP_LIMIT),
    ],
)
def test_the_orders_of_an_oco(code: int, status: int, trigger: str | None, type_: OrderType):
    more: list[tuple[int, Value]] = [(21, "7"), *([(19, trigger)] if trigger else [])]

    read = event(push("orders", *more, n7=code, n15=status))

    assert read.order.type is type_
    assert read.status is (OrderStatus.FILLED if status == 2 else OrderStatus.NEW)
    assert read.raw["privateOrders"]["ocoId"] == "7"


def test_an_oco_order_that_says_no_status_or_no_price():
    assert event(push("orders", n7=101, without=15)).status is OrderStatus.NEW
    assert event(push("orders", n7=102, without=3)).order.type is OrderType.MARKET


@pytest.mark.parametrize("field", [15])
def test_an_ordinary_order_must_say_its_status(field: int):
    for payload in (push("orders", without=field), push("orders", n15=0)):
        with pytest.raises(InvalidDataError) as caught:
            event(payload)
        assert caught.value.field == "privateOrders.status"


@each_case(
    "channel",
    [
        "spot@public.aggre.deals.v3.api.pb@100ms@BTCUSDT",
        "spot@public.deals.v3.api.pb@BTCUSDT",
        "spot@public.aggre.bookTicker.v3.api.pb@100ms@BTCUSDT",
        "spot@public.bookTicker.batch.v3.api.pb@BTCUSDT",
        "spot@public.miniTicker.v3.api.pb@BTCUSDT@UTC+8",
        "spot@public.miniTickers.v3.api.pb@UTC+8",
        "spot@public.increase.depth.batch.v3.api.pb@BTCUSDT",
        "spot@public.kline.v3.api.pb@BTCUSDT@Min15",
    ],
)
@each_case("number", [301, 305, 308, 309, 310, 311, 314, 315])
def test_market_data_is_known_and_read_as_none(channel: str, number: int):
    body = message((1, message((1, "93220.00"), (2, "0.04438243"), (3, 2), (4, 1736409765051))))

    assert event(message((1, channel), (3, "BTCUSDT"), (6, 1736409765052), (number, body))) is None


@pytest.mark.parametrize(
    "channel", ["spot@public.news.v3.api.pb", "spot@private.news.v3.api.pb", "futures@private.orders", "x", ""]
)
def test_an_unknown_channel_is_refused(channel: str):
    with pytest.raises(InvalidDataError) as caught:
        event(message((1, channel), (6, 1), (304, message(*ORDER.items()))))
    assert caught.value.field == "channel"


@pytest.mark.parametrize("topic", BODIES)
def test_a_truncated_push_is_refused(topic: str):
    whole = push(topic)
    for length in range(len(whole)):
        with pytest.raises(InvalidDataError) as caught:
            event(whole[:length])
        assert caught.value.raw == whole[:length]


@pytest.mark.parametrize("topic", BODIES)
def test_a_field_of_another_wire_type_is_refused(topic: str):
    number, body = BODIES[topic]
    for field, value in body.items():
        wrong: Value = "7" if isinstance(value, int) else 7
        with pytest.raises(InvalidDataError) as caught:
            event(push(topic, **{f"n{field}": wrong}))
        assert caught.value.field.startswith(("privateOrders.", "privateDeals.", "privateAccount."))
    for payload in (
        message((1, 7), (304, message(*ORDER.items()))),
        message((1, f"spot@private.{topic}.v3.api.pb"), (3, "MXUSDT"), (6, "x"), (number, message(*body.items()))),
        message((1, f"spot@private.{topic}.v3.api.pb"), (3, "MXUSDT"), (6, 1), (number, 7)),
    ):
        with pytest.raises(InvalidDataError):
            event(payload)


def test_a_field_that_is_new_is_passed_over():
    assert event(push("deals", (99, "new"), (98, 5))).exchange_trade_id == "560000000000000004X1"


def test_a_push_has_one_body():
    with pytest.raises(InvalidDataError, match="one body"):
        event(push("orders") + message((306, message(*DEAL.items()))))


@each_case(
    ("topic", "field", "value", "path"),
    [
        ("orders", "n4", "1e99", "privateOrders.quantity"),
        ("orders", "n13", "NaN", "privateOrders.cumulativeQuantity"),
        ("orders", "n8", 3, "privateOrders.tradeType"),
        ("orders", "n7", 99, "privateOrders.orderType"),
        ("orders", "n16", 1767225600, "privateOrders.createTime"),
        ("deals", "n12", 1767225600, "privateDeals.time"),
        ("deals", "n12", -1, "privateDeals.time"),
        ("deals", "n9", "x" * 256, "privateDeals.orderId"),
        ("deals", "n7", "a\0b", "privateDeals.tradeId"),
        ("account", "n3", "-1", "privateAccount.balanceAmount"),
    ],
)
def test_a_wrong_value_is_refused_by_its_path(topic: str, field: str, value: Value, path: str):
    payload = push(topic, **{field: value})

    with pytest.raises(InvalidDataError) as caught:
        event(payload)

    assert (caught.value.field, caught.value.raw) == (path, payload)


@pytest.mark.parametrize("size", [MAX_MESSAGE_BYTES + 1, 3 * MAX_MESSAGE_BYTES])
def test_an_oversize_message_is_refused_before_it_is_read(size: int):
    for payload in (b"\x0a" * size, "{" + " " * size, b"{" + b" " * size, push("deals", (99, "x" * size))):
        with pytest.raises(InvalidDataError, match="at most"):
            event(payload)


@settings(max_examples=4 * settings().max_examples)
@given(payload=st.binary(max_size=300))
def test_garbage_is_refused(payload: bytes):
    with suppress(InvalidDataError):
        assert event(payload) is None


@settings(max_examples=4 * settings().max_examples)
@given(data=st.data())
def test_a_damaged_push_is_read_or_refused(data: st.DataObject):
    payload = bytearray(push(data.draw(st.sampled_from(sorted(BODIES)))))
    for _ in range(data.draw(st.integers(1, 4))):
        position = data.draw(st.integers(0, len(payload) - 1))
        payload[position : position + data.draw(st.integers(0, 3))] = data.draw(st.binary(max_size=3))
        if not payload:
            break
    with suppress(InvalidDataError):
        event(bytes(payload))


FIELDS = st.lists(
    st.tuples(st.integers(1, 320), st.integers(-(2**63), 2**63 - 1) | st.text(max_size=9) | st.binary(max_size=9)),
    max_size=8,
)


@settings(max_examples=4 * settings().max_examples)
@given(outer=FIELDS, inner=FIELDS, topic=st.sampled_from(sorted(BODIES)))
def test_any_fields_are_read_or_refused(outer: Any, inner: Any, topic: str):
    number, body = BODIES[topic]
    channel = (1, f"spot@private.{topic}.v3.api.pb")
    with suppress(InvalidDataError):
        event(message(channel, (3, "MXUSDT"), (number, message(*body.items(), *inner)), *outer))


def test_without_the_extra_bytes_are_a_configuration_error_that_names_it(monkeypatch: pytest.MonkeyPatch):
    protobuf._runtime.cache_clear()
    monkeypatch.setitem(sys.modules, "google.protobuf", None)
    try:
        with pytest.raises(ConfigurationError, match=r"metacore\[mexc\]") as caught:
            event(push("deals"))
        assert caught.value.setting == "mexc"
        assert event((SAMPLES / "stream_deal_protobuf.json").read_bytes()) is not None
    finally:
        protobuf._runtime.cache_clear()
