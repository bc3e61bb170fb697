"""Order records: which JSON is one, and what it keeps."""

import json
import sys
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from metacore.domain.commerce.order_records import OrderRecord, parse_date_created, parse_order_record
from metacore.domain.values.limits import JsonLimits
from metacore.errors import InvalidDataError
from metacore.testing.cases import each_case

SAMPLE: dict[str, Any] = {
    "order_uid": "f00d2b84b6cafetest",
    "track_number": "TESTTRACK0001",
    "entry": "TEST",
    "delivery": {
        "name": "Ada Tester",
        "phone": "+10000000000",
        "zip": "0123456",
        "city": "Testville",
        "address": "1 Test Square",
        "region": "",
        "email": "ada@example.com",
    },
    "payment": {
        "transaction": "f00d2b84b6cafetest",
        "request_id": "",
        "currency": "USD",
        "provider": "testpay",
        "amount": 1817,
        "payment_dt": 1637907727,
        "bank": "alpha",
        "delivery_cost": 1500,
        "goods_total": 317,
        "custom_fee": 0,
    },
    "items": [
        {
            "chrt_id": 9934930,
            "track_number": "TESTTRACK0001",
            "price": 453,
            "rid": "ab4219087a764test",
            "name": "Mascara",
            "sale": 30,
            "size": "0",
            "total_price": 317,
            "nm_id": 2389212,
            "brand": "Testbrand",
            "status": 202,
        }
    ],
    "locale": "en",
    "internal_signature": "",
    "customer_id": "test",
    "delivery_service": "meest",
    "shardkey": "9",
    "sm_id": 99,
    "date_created": "2021-11-26T06:22:19Z",
    "oof_shard": "1",
}
SMALLEST = {"order_uid": "1", "items": [{}], "date_created": "2021-11-26T06:22:19Z"}


def with_value(path: str, value: Any) -> dict[str, Any]:
    """The sample with another value at `path`."""
    changed = json.loads(json.dumps(SAMPLE))
    at = changed
    *parents, last = path.split(".")
    for name in parents:
        at = at[int(name)] if isinstance(at, list) else at[name]
    at[last] = value
    return changed


def test_the_message_of_an_order_service_comes_back_as_it_was() -> None:
    text = json.dumps(SAMPLE, separators=(",", ":"))
    record = parse_order_record(text)
    assert record.model_dump_json() == text
    assert record.model_dump(mode="json") == SAMPLE
    assert record.delivery is not None
    assert record.delivery.zip == "0123456"
    assert record.items[0].price == 453


def test_text_bytes_and_what_was_read_from_them_are_the_same_record() -> None:
    text = json.dumps(SAMPLE)
    record = parse_order_record(text)
    assert record == parse_order_record(text.encode()) == parse_order_record(bytearray(text.encode()))
    assert record == parse_order_record(SAMPLE) == OrderRecord(**SAMPLE)


def outcome_of(message: bytes | bytearray) -> object:
    try:
        return parse_order_record(message).model_dump_json()
    except InvalidDataError as error:
        return error.message, error.field


ODD = ["", "a" * 255, "a" * 256, "\0", "\ud800", 'a"b', "\\u0000", "é🙂", None, True, 0, -0.0, 1.0, 2**63 - 1, 2**63]
ODD += [-(2**63) - 1, 10**25, 10**5000, [], {}, [{}], {"order_uid": 1}, [SAMPLE["items"][0]] * 1001]


@pytest.mark.parametrize("path", ["order_uid", "sm_id", "date_created", "delivery.zip", "payment.amount", "items"])
def test_what_is_read_as_usual_is_read_as_anything_else(path: str) -> None:
    # Bytes in the usual form are read by a way of their own, a bytearray never.
    sys.set_int_max_str_digits(0)
    try:
        texts = [
            json.dumps(with_value(path, value), ensure_ascii=escaped) for value in ODD for escaped in (True, False)
        ]
    finally:
        sys.set_int_max_str_digits(4300)
    sample = json.dumps(SAMPLE)
    key = f'"{path.rpartition(".")[2]}": '
    texts += [sample, json.dumps(SAMPLE, indent=1), json.dumps(dict(reversed(SAMPLE.items())))]
    texts += [
        sample.replace(key, odd) for odd in (f'{key}"1", {key}', f"{key}1, {key}", f"{key[:-2]} : ", f'"x", {key}')
    ]
    texts += [sample[:-1], f"{sample}x", f"[{sample}]", f"\ufeff{sample}", sample.replace("T06:22:19Z", "T06:22:61Z")]
    for text in texts:
        message = text.encode("utf-8", "surrogatepass")
        assert outcome_of(message) == outcome_of(bytearray(message))


def test_three_keys_are_enough_and_none_is_invented() -> None:
    record = parse_order_record(SMALLEST)
    assert record.model_dump() == {"order_uid": "1", "items": ({},), "date_created": "2021-11-26T06:22:19Z"}
    assert record.delivery is None
    assert record.items[0].price is None


@each_case(
    ("path", "value"),
    [
        ("payment.transaction", ""),
        ("payment.amount", 0),
        ("payment.amount", -5),
        ("payment.goods_total", 99999),
        ("payment.amount", None),
        ("payment", None),
        ("delivery", {}),
        ("customer_id", ""),
        ("track_number", ""),
        ("items.0.chrt_id", 0),
        ("items.0.size", ""),
        ("items", [SAMPLE["items"][0]] * 3),
        ("new_key", {"at": ["every", "level"]}),
        ("delivery.new_key", 1),
        ("payment.new_key", None),
        ("items.0.new_key", [0.0]),
    ],
)
def test_zeros_empty_texts_repeats_and_unknown_keys_are_legal(path: str, value: Any) -> None:
    message = json.dumps(with_value(path, value))
    assert json.loads(parse_order_record(message).model_dump_json()) == json.loads(message)


@each_case(
    ("path", "value"),
    [
        ("order_uid", ""),
        ("order_uid", None),
        ("order_uid", 5),
        ("order_uid", "x" * 256),
        ("items", []),
        ("items", None),
        ("items", {}),
        ("items.0", "mascara"),
        ("items.0.price", "453"),
        ("items.0.price", True),
        ("items.0.chrt_id", 1.5),
        ("items.0.name", 7),
        ("payment", []),
        ("payment.amount", "1817"),
        ("payment.payment_dt", "2021-11-26"),
        ("delivery.zip", 123456),
        ("sm_id", "99"),
        ("customer_id", "x" * 256),
        ("date_created", "2021-11-26"),
        ("date_created", "2021-11-26T06:22:19"),
        ("date_created", 1637907727),
        ("date_created", "2021-13-26T06:22:19Z"),
        ("date_created", "0001-01-01T00:00:00+01:00"),
    ],
)
def test_what_is_wrong_is_named_by_its_path_and_the_raw_bytes_are_kept(path: str, value: Any) -> None:
    changed = with_value(path, value) if path != "items.0" else {**SAMPLE, "items": [value]}
    raw = json.dumps(changed).encode()
    with pytest.raises(InvalidDataError) as caught:
        parse_order_record(raw)
    assert caught.value.field == path
    assert caught.value.raw == raw
    assert "mascara" not in str(caught.value)


@pytest.mark.parametrize("key", ["order_uid", "items", "date_created"])
def test_a_required_key_that_is_missing_is_named(key: str) -> None:
    with pytest.raises(InvalidDataError) as caught:
        parse_order_record({name: value for name, value in SAMPLE.items() if name != key})
    assert caught.value.field == key
    assert caught.value.raw is None


@pytest.mark.parametrize("raw", [b"\xef\xbb\xbf{}", b"", b"{", b"\xff\xfe", b"[]", b'{"a":1,"a":2}'], ids=repr)
def test_broken_messages_are_refused_with_their_bytes(raw: bytes) -> None:
    with pytest.raises(InvalidDataError) as caught:
        parse_order_record(raw)
    assert caught.value.raw == raw


def test_the_raw_bytes_of_text_are_its_utf_8_even_where_that_is_broken() -> None:
    with pytest.raises(InvalidDataError) as caught:
        parse_order_record("\ud800")
    assert caught.value.raw == b"\xed\xa0\x80"


def with_key(text: str) -> bytes:
    """A record with an unknown key `x` whose value is `text`."""
    return f'{{"order_uid":"1","items":[{{}}],"date_created":"2026-02-02T02:40:00Z","x":{text}}}'.encode()


@pytest.mark.parametrize("text", ["1e999", "-1E-999", "-0.0", "1.0", "0", "1." + "0123456789" * 90, "9" * 18])
def test_an_unknown_number_comes_back_to_the_digit(text: str) -> None:
    record = parse_order_record(with_key(text))
    for dumped in (record.model_dump_json(), record.model_dump_json(indent=1)):
        assert parse_order_record(dumped) == record
        assert json.loads(dumped, parse_float=str, parse_int=str)["x"] == text.upper().replace("E9", "E+9")


@each_case(
    ("message", "field"),
    [
        *((with_key(text), "") for text in ("1e9999999999999999999", "1E-999999", "1e1000", "1." + "1" * 10_000)),
        (with_key("1" * 10_000), ""),
        (with_key("NaN"), ""),
        (with_key("[" * 100_000), ""),
        (with_key("[" * 64 + "]" * 64), "x.0.0.0.0.0.0.0"),
        (with_key('"' + "x" * 2_000_000 + '"'), ""),
        (with_key('"' + "x" * 65_537 + '"'), "x"),
        (with_key('"' + "ä" * 32_769 + '"'), "x"),
        (with_key(json.dumps({"k" * 65_537: 1})), "x"),
        (with_key(json.dumps([1] * 1001)), "x"),
        (with_key(json.dumps({str(n): n for n in range(1001)})), "x"),
        (with_key('"\\u0000"'), "x"),
        (with_key('"\\ud800"'), "x"),
    ],
)
def test_what_would_cost_too_much_is_refused(message: bytes, field: str) -> None:
    with pytest.raises(InvalidDataError) as caught:
        parse_order_record(message)
    assert caught.value.field == field
    assert caught.value.raw == message
    assert len(str(caught.value)) < 300


def test_limits_may_be_set() -> None:
    message = with_key('{"a": ["b", "cc"]}')
    assert parse_order_record(message, JsonLimits(size=len(message), items=2, keys=4, text=20, depth=3))
    for limit, value in {"size": len(message) - 1, "items": 1, "keys": 3, "text": 19, "depth": 2}.items():
        for form in (message, message.decode(), json.loads(message)):
            if limit == "size" and isinstance(form, dict):
                continue
            with pytest.raises(InvalidDataError):
                parse_order_record(form, JsonLimits(**{limit: value}))


@pytest.mark.parametrize(
    "message", [None, 1, 1.5, [], ["{}"], memoryview(b"{}"), object()], ids=lambda value: type(value).__name__
)
def test_what_is_no_message_is_refused(message: Any) -> None:
    with pytest.raises(InvalidDataError) as caught:
        parse_order_record(message)
    assert caught.value.field == "message"


@given(st.binary(max_size=40) | st.text(max_size=40))
def test_nothing_but_typed_errors_comes_of_garbage(message: bytes | str) -> None:
    with pytest.raises(InvalidDataError):
        parse_order_record(message)


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2021-11-26T06:22:19Z", datetime(2021, 11, 26, 6, 22, 19, tzinfo=UTC)),
        ("2021-11-26t06:22:19z", datetime(2021, 11, 26, 6, 22, 19, tzinfo=UTC)),
        ("2021-11-26 06:22:19.5+03:00", datetime(2021, 11, 26, 3, 22, 19, 500000, tzinfo=UTC)),
        ("2021-11-26T06:22:19.123456999Z", datetime(2021, 11, 26, 6, 22, 19, 123456, tzinfo=UTC)),
    ],
)
def test_the_time_is_read_and_its_text_kept(text: str, moment: datetime) -> None:
    record = parse_order_record({**SAMPLE, "date_created": text})
    assert record.date_created == text
    assert record.date_created_at == moment


@pytest.mark.parametrize("text", ["2021-11-26T06:22Z", "2021-11-26T06:22:19.Z", "2021-11-26T06:22:1999Z", "now", ""])
def test_other_texts_are_no_time(text: str) -> None:
    with pytest.raises(ValueError, match="RFC 3339"):
        parse_date_created(text)


def test_the_digest_is_of_the_content_and_not_of_the_order_of_keys() -> None:
    record = parse_order_record(SAMPLE)
    assert record.digest() == parse_order_record(dict(reversed(SAMPLE.items()))).digest()
    others = [
        parse_order_record(with_value(path, value))
        for path, value in [
            ("payment.amount", Decimal("1817.0")),
            ("items.0.size", ""),
            ("delivery.new_key", None),
            ("items", SAMPLE["items"] * 2),
        ]
    ]
    assert len({record.digest(), *(other.digest() for other in others)}) == 5
