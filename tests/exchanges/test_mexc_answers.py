"""Answers of the exchange: what is refused, errors, its time."""

import json
import pickle
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest

from metacore.domain.trading.orders import OrderStatus
from metacore.errors import ExchangeError, SubscriptionError
from metacore.exchanges import mexc
from tests.exchanges.mexc_payloads import (
    DEPOSIT,
    GOOD,
    KNOWN,
    NOW,
    SAMPLES,
    USER,
    event,
    refusal,
)


def test_a_refused_subscription_is_an_error_with_channels_and_reason():
    msg = "Not Subscribed successfully! [spot@private.deals.v3.api.pb].  Reason\uff1a Blocked! "
    payload = json.dumps({"id": 0, "code": 0, "msg": msg}, ensure_ascii=False)

    for form in (payload, payload.encode()):
        error = refusal(event, form)
        assert isinstance(error, SubscriptionError)
        assert error.field == "msg"
        assert error.channels == ("spot@private.deals.v3.api.pb",)
        assert (error.reason, error.code, error.msg) == ("Blocked!", 0, msg)
        assert error.raw == payload.encode()
        assert "Blocked" not in str(error)
        assert vars(pickle.loads(pickle.dumps(error))) == vars(error)


@pytest.mark.parametrize(
    ("msg", "channels", "reason"),
    [
        ("Not Subscribed successfully! [a,b]. Reason: no", (), "no"),
        ("Not Subscribed successfully! [spot@a.pb, spot@b.pb]", ("spot@a.pb", "spot@b.pb"), None),
        (
            "Subscribed successful! [spot@a.pb]. Not Subscribed successfully! [spot@b.pb]. Reason\uff1a Blocked!",
            ("spot@b.pb",),
            "Blocked!",
        ),
        ("msg format invalid", (), None),
        ("", (), None),
    ],
)
def test_whatever_is_no_good_answer_is_an_error(msg: str, channels: tuple[str, ...], reason: str | None):
    error = refusal(event, {"id": 0, "code": 0, "msg": msg})

    assert isinstance(error, SubscriptionError)
    assert (error.field, error.channels, error.reason) == ("msg", channels, msg if reason is None else reason)


@pytest.mark.parametrize(
    "msg",
    [
        "PONG",
        "spot@private.orders.v3.api.pb",
        "spot@public.aggre.deals.v3.api.pb@100ms@BTCUSDT",
        "spot@public.increase.depth.v3.api@BTCUSDT,spot@public.deals.v3.api@BTCUSDT",
        "Subscribed successful! [spot@private.orders.v3.api.pb]",
    ],
)
def test_a_good_answer_says_nothing(msg: str):
    assert event({"id": 0, "code": 0, "msg": msg}) is None


@pytest.mark.parametrize("answer", [{"id": 0, "code": 0, "msg": None}, {"id": 0, "code": 0}, {"code": 0, "msg": 7}])
def test_an_answer_without_words_is_refused(answer: Any):
    assert refusal(event, answer).field == "msg"


@pytest.mark.parametrize("code", [30002, "30002", -2011, 1])
def test_an_error_body_tells_its_code_and_words(code: Any):
    body = {"code": code, "msg": "Unknown order sent", "_extend": None}
    parsers = [
        (mexc.order, KNOWN),
        (mexc.orders, KNOWN),
        (mexc.report, KNOWN),
        (mexc.trades, {"user_id": USER}),
        (mexc.account, {"taken_at": NOW}),
        (mexc.withdrawals, {"user_id": USER}),
        (mexc.server_time, {}),
        (mexc.stream_event, KNOWN),
    ]
    for parse, options in parsers:
        error = refusal(parse, body, **options)
        assert isinstance(error, ExchangeError)
        assert (error.field, error.code, error.msg) == ("code", code, "Unknown order sent")
        assert "Unknown" not in str(error)


ISOLATED: list[dict[str, Any]] = [
    {"isIsolated": True},
    {"isIsolated": "TRUE"},
    {"isIsolated": 1},
    {"isolatedSymbol": "BTCUSDT"},
]


@pytest.mark.parametrize("mark", ISOLATED)
def test_answers_of_isolated_margin_are_refused(mark: dict[str, Any]):
    order = json.loads(GOOD) | mark
    trade = json.loads((SAMPLES / "my_trades.json").read_text(), parse_float=Decimal)[0] | mark
    batch = {"symbol": "AUSDT", "orderId": "1"} | mark
    (field,) = mark

    assert refusal(mexc.order, order, **KNOWN).field == field
    assert refusal(mexc.reports, [order], **KNOWN).field == f"0.{field}"
    assert refusal(mexc.trade, trade, user_id=USER).field == field
    assert refusal(mexc.batch_report, batch, user_id=USER, occurred_at=NOW).field == field
    assert refusal(mexc.account, {"balances": []} | mark, taken_at=NOW).field == field
    assert mexc.order(json.loads(GOOD) | {"isIsolated": False, "isolatedSymbol": None}, **KNOWN)


def test_an_isolated_account_is_refused():
    pair = {"baseAsset": {"asset": "BTC", "free": "1"}, "quoteAsset": {"asset": "USDT", "free": "1"}}

    assert refusal(mexc.account, {"assets": [pair]}, taken_at=NOW).field == "assets"
    assert (
        refusal(mexc.account, {"accountType": "ISOLATED_MARGIN", "balances": []}, taken_at=NOW).field == "accountType"
    )
    assert refusal(mexc.user_patch, {"accountType": "ISOLATED_MARGIN", "balances": []}).field == "accountType"


@pytest.mark.parametrize("time", [1767225600, "1767225600", 0, 1262303999999])
def test_a_time_before_2010_is_in_seconds_and_refused(time: Any):
    trade = json.loads((SAMPLES / "my_trades.json").read_text(), parse_float=Decimal)[0] | {"time": time}
    order = json.loads(GOOD) | {"time": time}

    assert refusal(mexc.trade, trade, user_id=USER).field == "time"
    assert refusal(mexc.report, order, **KNOWN).field == "time"
    assert refusal(mexc.account, {"updateTime": time, "balances": []}).field == "updateTime"
    assert refusal(mexc.server_time, {"serverTime": time}).field == "serverTime"
    assert refusal(mexc.deposit, DEPOSIT | {"insertTime": time}, user_id=USER).field == "insertTime"
    assert mexc.server_time({"serverTime": 1262304000000}) == datetime(2010, 1, 1, tzinfo=UTC)


def test_the_time_of_the_exchange():
    assert mexc.server_time(b'{"serverTime":1767225600123}') == datetime(2026, 1, 1, 0, 0, 0, 123000, tzinfo=UTC)
    assert mexc.header_time("Thu, 01 Jan 2026 00:00:07 GMT") == datetime(2026, 1, 1, 0, 0, 7, tzinfo=UTC)
    for date in ("soon", "", None, "Thu, 01 Jan 2026 00:00:07", "Thu, 99 Jan 2026 00:00:07 GMT"):
        assert refusal(mexc.header_time, date).field == "date"


def test_the_orders_of_an_oco_in_json():
    payload = json.loads((SAMPLES / "stream_order_protobuf.json").read_text())
    payload["privateOrders"] |= {"orderType": 101, "status": 1, "ocoId": "7"}

    assert event(payload).status is OrderStatus.NEW
    assert event(json.dumps(payload)).raw["privateOrders"]["ocoId"] == "7"
