"""Lists of the exchange: all or nothing, or what can be read and what cannot; batches, transfers, answers."""

import json
import pickle
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from metacore.domain.trading.balances import EntryReason
from metacore.domain.trading.orders import OrderStatus
from metacore.errors import ExchangeError, InvalidDataError, SubscriptionError
from metacore.exchanges import mexc
from metacore.testing.cases import each_case

SAMPLES = Path(__file__).parent / "samples"
USER = UUID("01900000-0000-7000-8000-000000000001")
NOW = datetime(2026, 1, 31, 12, tzinfo=UTC)
SYMBOLS = mexc.Symbols.from_exchange_info((SAMPLES / "exchange_info.json").read_bytes())
KNOWN: dict[str, Any] = {"user_id": USER, "symbols": SYMBOLS}
D = Decimal

GOOD = (
    '{"symbol":"BTCUSDT","orderId":"C02__1","clientOrderId":"c-1","price":"10","origQty":"1","executedQty":"0",'
    '"cummulativeQuoteQty":"0","status":"NEW","type":"LIMIT","side":"BUY","time":1767225600000}'
)
ODD = GOOD.replace('"LIMIT"', '"OCO_LIMIT"').replace("C02__1", "C02__2")


def event(payload: Any) -> Any:
    return mexc.stream_event(payload, **KNOWN)


def refusal(parse: Any, *arguments: Any, **options: Any) -> InvalidDataError:
    with pytest.raises(InvalidDataError) as caught:
        parse(*arguments, **options)
    return caught.value


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
def test_whatever_is_odd_in_an_item_is_told_by_index_field_and_bytes(damaged: str, field: str):
    read = mexc.orders.readable(f"[{damaged},{GOOD},{damaged}]", **KNOWN)

    assert [order.exchange_order_id for order in read.good] == ["C02__1"]
    assert [(bad.index, bad.field, bad.raw) for bad in read.bad] == [
        (0, field, damaged.encode()),
        (2, field, damaged.encode()),
    ]


def test_items_that_came_parsed_are_told_as_json():
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


def test_a_thousand_bad_items_are_told_in_no_time():
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
        usdt, told = mexc.account(payload, taken_at=NOW).balances
        assert (usdt.free, told.free) == (10, D(tiny))
    (read,) = mexc.orders("[" + GOOD.replace('"10"', '"1.50000000000000000000"').replace('"1"', "1e-25") + "]", **KNOWN)
    assert (read.price, read.quantity) == (D("1.5"), D("1e-25"))
    (whole,) = mexc.orders("[" + GOOD.replace('"10"', "1" + "0" * 37) + "]", **KNOWN)
    assert whole.price == D(10) ** 37


# Batches


def test_the_answer_to_a_batch():
    taken = {"symbol": "AUSDT", "orderId": "C02__1", "newClientOrderId": "c-1", "orderListId": -1}
    refused = {
        "newClientOrderId": "c-2",
        "msg": "The minimum transaction volume cannot be less than:1USDT",
        "code": 30002,
    }
    unnamed = {"symbol": "AUSDT", "orderId": 7, "orderListId": -1}

    first, second, third = mexc.batch_reports([taken, refused, unnamed], user_id=USER, occurred_at=NOW)

    assert (first.status, first.exchange_order_id, first.client_order_id) == (OrderStatus.NEW, "C02__1", "c-1")
    assert (first.occurred_at, first.executed_quantity, first.order, first.raw) == (NOW, None, None, taken)
    assert (second.status, second.exchange_order_id, second.client_order_id) == (OrderStatus.REJECTED, None, "c-2")
    assert second.reason == f"30002: {refused['msg']}"
    assert (third.exchange_order_id, third.client_order_id) == ("7", None)
    assert mexc.batch_report(taken, user_id=USER, occurred_at=NOW) == first


@pytest.mark.parametrize(
    "item",
    [
        {"code": 30002, "msg": "too small"},
        {"newClientOrderId": "c-2", "code": 504, "msg": "Gateway Time-out"},
        {"newClientOrderId": "c-2", "code": 500, "msg": None},
    ],
)
def test_an_item_that_rejects_no_order_is_an_error(item: Any):
    error = refusal(mexc.batch_report, item, user_id=USER, occurred_at=NOW)

    assert isinstance(error, ExchangeError)
    assert (error.field, error.code, error.msg) == ("code", item["code"], item["msg"])
    assert [bad.field for bad in mexc.batch_reports.readable([item], user_id=USER, occurred_at=NOW).bad] == ["code"]


def test_the_answer_to_a_batch_names_its_orders():
    for item in ({"symbol": "AUSDT"}, {"orderId": ""}, {"orderId": "x" * 256}):
        assert refusal(mexc.batch_report, item, user_id=USER, occurred_at=NOW).field == "orderId"


# Transfers

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


def test_a_deposit_that_is_done():
    read = mexc.deposit(DEPOSIT, user_id=USER)

    assert read is not None
    assert (read.user_id, read.asset, read.amount, read.reason) == (USER, "EOS", D("12.5"), EntryReason.DEPOSIT)
    assert read.occurred_at == datetime(2026, 1, 1, tzinfo=UTC)
    assert read.reference.startswith("EOS:5bd1:")


@each_case("status", range(1, 13))
@each_case("form", [int, str])
def test_which_deposits_are_done(status: int, form: type):
    told = {**DEPOSIT, "status": form(status)}

    assert (mexc.deposit(told, user_id=USER) is not None) == (status in (5, 12))
    assert len(mexc.deposits([told, told], user_id=USER)) == (2 if status in (5, 12) else 0)


@each_case("status", range(1, 11))
def test_which_withdrawals_are_done(status: int):
    assert (mexc.withdrawal({**WITHDRAWAL, "status": status}, user_id=USER) is not None) == (status == 7)


@pytest.mark.parametrize("status", [0, 13, "DONE", None, True])
def test_an_unknown_status_is_refused(status: Any):
    assert refusal(mexc.deposit, {**DEPOSIT, "status": status}, user_id=USER).field == "status"
    assert refusal(mexc.withdrawals, [{**WITHDRAWAL, "status": status}], user_id=USER).field == "0.status"


@each_case("field", ["amount", "coin", "txId", "insertTime", "status"])
@each_case("value", [None, "", [], {}])
def test_a_deposit_says_what_it_is(field: str, value: Any):
    assert refusal(mexc.deposit, {**DEPOSIT, field: value}, user_id=USER).field == field


@pytest.mark.parametrize("field", ["amount", "coin", "id", "applyTime", "status"])
def test_a_withdrawal_says_what_it_is(field: str):
    assert refusal(mexc.withdrawal, {**WITHDRAWAL, field: None}, user_id=USER).field == field


def test_the_same_deposit_has_the_same_reference_and_another_output_another():
    later = {**DEPOSIT, "confirmTimes": "300", "amount": "12.5000", "insertTime": "1767225600000"}
    outputs = [
        DEPOSIT,
        {**DEPOSIT, "amount": "3"},
        {**DEPOSIT, "memo": "m-2"},
        {**DEPOSIT, "address": "0x99"},
        {**DEPOSIT, "txId": "5bd1:1"},
        {**DEPOSIT, "network": "ETH"},
        {**DEPOSIT, "coin": "USDT"},
        {**DEPOSIT, "txId": "x" * 255},
        {**DEPOSIT, "txId": "y" * 255},
    ]

    references = [transfer.reference for transfer in mexc.deposits(outputs, user_id=USER)]

    assert len(set(references)) == len(outputs)
    assert [transfer.reference for transfer in mexc.deposits([later, *outputs[1:]], user_id=USER)] == references
    assert all(len(reference) <= 255 for reference in references)


def test_outputs_that_are_alike_are_told_apart_by_their_number():
    first, second, third = mexc.deposits([DEPOSIT, {**DEPOSIT, "status": 4}, DEPOSIT, DEPOSIT], user_id=USER)

    assert [second.reference, third.reference] == [f"{first.reference}#2", f"{first.reference}#3"]


def test_a_coin_that_is_told_with_its_network_is_the_asset_of_the_account():
    told = {"coin": "USDC-TRX", "network": "TRX"}

    assert [transfer.asset for transfer in mexc.deposits([DEPOSIT | told], user_id=USER)] == ["USDC"]
    assert [transfer.asset for transfer in mexc.withdrawals([WITHDRAWAL | told], user_id=USER)] == ["USDC"]
    assert refusal(mexc.deposit, DEPOSIT | {"coin": "-TRX"}, user_id=USER).field == "coin"


def test_an_id_is_read_whatever_its_length():
    (read,) = mexc.orders("[" + GOOD.replace('"C02__1"', "123456789012345678901234567890") + "]", **KNOWN)

    assert read.exchange_order_id == "123456789012345678901234567890"
    assert read.raw is not None
    for wrong in ("1.5", "1e3", "-1.0"):
        refused = mexc.orders.readable("[" + GOOD.replace('"C02__1"', wrong) + "]", **KNOWN)
        assert [bad.field for bad in refused.bad] == ["orderId"]


def test_a_withdrawal_is_what_left_the_account():
    (read,) = mexc.withdrawals([WITHDRAWAL], user_id=USER)

    assert (read.asset, read.amount, read.reference) == ("EOS", D(10), "bb17")
    assert (read.reason, read.occurred_at) == (EntryReason.WITHDRAWAL, datetime(2026, 1, 1, 0, 1, 40, tzinfo=UTC))


# Answers


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
