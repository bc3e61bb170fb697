"""Lists of the exchange: all or nothing, or what can be read and what cannot."""

import json
from typing import Any

import pytest

from metacore.exchanges import mexc
from metacore.testing.cases import each_case
from tests.exchanges.mexc_payloads import (
    GOOD,
    KNOWN,
    NOW,
    ODD,
    USER,
    D,
    refusal,
)


@pytest.mark.parametrize("form", ["[{}, {}]", " [\n{}\t,\r\n {} ] "])
@pytest.mark.parametrize("encode", [str, str.encode])
def test_an_odd_item_does_not_stop_the_others(form: str, encode: Any):
    payload = encode(form.format(GOOD, ODD))

    read = mexc.reports.readable(payload, **KNOWN)

    assert [report.exchange_order_id for report in read.good] == ["C02__1"]
    (bad,) = read.bad
    assert (bad.index, bad.field, bad.raw) == (1, "type", ODD.encode())
    assert (bad.error.field, bad.error.raw) == ("1.type", form.format(GOOD, ODD).encode())
    assert "OCO" not in repr(bad)
    assert refusal(mexc.reports, payload, **KNOWN).field == "1.type"


@each_case(
    ("damaged", "field"),
    [
        (GOOD.replace("BTCUSDT", "OLDUSDT"), "symbol"),
        (GOOD.replace('"10"', "1e999999999999999999999"), "price"),
        (GOOD.replace('"10"', "NaN"), "price"),
        (GOOD.replace('"10"', "9" * 5000), "price"),
        (GOOD.replace('"price"', '"symbol"'), ""),
        (GOOD.replace("1767225600000", "1767225600"), "time"),
        (GOOD.replace("c-1", "\\u0000"), "clientOrderId"),
        (GOOD.replace("c-1", "\\ud800"), "clientOrderId"),
        ('{"code":700002,"msg":"Signature for this request is not valid."}', "code"),
        ('{"isIsolated":true,' + GOOD[1:], "isIsolated"),
        ("7", ""),
        ("null", ""),
        ("[]", ""),
    ],
)
def test_a_bad_item_is_kept_with_its_index_field_and_bytes(damaged: str, field: str):
    read = mexc.orders.readable(f"[{damaged},{GOOD},{damaged}]", **KNOWN)

    assert [order.exchange_order_id for order in read.good] == ["C02__1"]
    assert [(bad.index, bad.field, bad.raw) for bad in read.bad] == [
        (0, field, damaged.encode()),
        (2, field, damaged.encode()),
    ]


def test_bad_items_that_came_parsed_are_kept_as_json():
    payload = [json.loads(GOOD), {**json.loads(GOOD), "price": 0.5}, object()]

    read = mexc.orders.readable(payload, **KNOWN)

    assert len(read.good) == 1
    assert [(bad.index, bad.field) for bad in read.bad] == [(1, "price"), (2, "")]
    assert json.loads(read.bad[0].raw)["price"] == 0.5
    assert read.bad[1].raw == b"object"


@each_case("parse", [mexc.orders, mexc.reports, mexc.trades, mexc.deposits, mexc.account])
@each_case("payload", [b"", b"[", b"nope", b"\xff", "1", None, b'{"code":401,"msg":"No authority"}'])
def test_a_payload_that_is_wrong_as_a_whole_is_an_error(parse: Any, payload: Any):
    options = KNOWN if parse in (mexc.orders, mexc.reports) else {"user_id": USER}
    options = {"taken_at": NOW} if parse is mexc.account else options

    assert type(refusal(parse.readable, payload, **options)) is type(refusal(parse, payload, **options))


def test_what_the_caller_gives_wrong_is_an_error_and_no_bad_item():
    cancelled = GOOD.replace(',"time":1767225600000', "")

    assert refusal(mexc.reports.readable, f"[{cancelled}]", **KNOWN, occurred_at="soon").field == "occurred_at"


def test_a_thousand_bad_items_are_listed_in_no_time():
    read = mexc.orders.readable("[" + ",".join([ODD] * 5000) + "]", **KNOWN)

    assert len(read.bad) == 5000
    assert read.bad[-1].raw == ODD.encode()


@pytest.mark.parametrize(
    ("balance", "field"),
    [
        ({"asset": "MX", "free": "-1", "locked": "0"}, "free"),
        ({"asset": "MX", "free": "1"}, "locked"),
        ({"asset": "", "free": "1", "locked": "0"}, "asset"),
        ({"asset": "MX", "free": "9" * 99, "locked": "0"}, "free"),
        (7, ""),
    ],
)
def test_a_bad_balance_makes_the_snapshot_a_partial_one(balance: Any, field: str):
    good = {"asset": "USDT", "free": "10", "locked": "1"}

    read = mexc.account.readable({"canTrade": True, "balances": [balance, good]}, taken_at=NOW)

    assert [(row.asset, row.free, row.locked) for row in read.good.balances] == [("USDT", 10, 1)]
    assert (read.good.is_partial, read.good.can_trade, read.good.taken_at) == (True, True, NOW)
    assert [(bad.index, bad.field, json.loads(bad.raw)) for bad in read.bad] == [(0, field, balance)]
    assert mexc.account({"balances": [good]}, taken_at=NOW).is_partial is False


def test_an_asset_that_is_listed_twice_is_not_trusted_at_all():
    twice = [{"asset": "MX", "free": free, "locked": "0"} for free in "12"]

    read = mexc.account.readable({"balances": twice}, taken_at=NOW)

    assert (read.good.balances, [bad.field for bad in read.bad]) == ((), ["asset", "asset"])


def test_amounts_are_read_by_value_and_exactly():
    tiny = "120000000000000000000000000000.5"
    for written in (f'"{tiny}"', tiny, f'"{tiny}000000000000000000000000000000000000000000"'):
        rows = f'{{"asset":"USDT","free":"10","locked":"0"}},{{"asset":"TINY","free":{written},"locked":0}}'
        payload = f'{{"balances":[{rows}]}}'
        usdt, tiny_balance = mexc.account(payload, taken_at=NOW).balances
        assert (usdt.free, tiny_balance.free) == (10, D(tiny))
    (read,) = mexc.orders("[" + GOOD.replace('"10"', '"1.50000000000000000000"').replace('"1"', "1e-25") + "]", **KNOWN)
    assert (read.price, read.quantity) == (D("1.5"), D("1e-25"))
    (whole,) = mexc.orders("[" + GOOD.replace('"10"', "1" + "0" * 37) + "]", **KNOWN)
    assert whole.price == D(10) ** 37
