import json
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from metacore.errors import InvalidDataError
from metacore.exchanges import mexc
from metacore.testing.cases import each_case
from tests.exchanges.mexc_payloads import NOW, SAMPLES, SYMBOLS, USER, D, parsed, put, refusal, text


def order(payload: Any) -> object:
    return mexc.order(payload, user_id=USER, symbols=SYMBOLS)


def orders(payload: Any) -> object:
    return mexc.orders(payload, user_id=USER, symbols=SYMBOLS)


def report(payload: Any, **options: Any) -> object:
    return mexc.report(payload, user_id=USER, symbols=SYMBOLS, **{"occurred_at": NOW, **options})


def reports(payload: Any) -> object:
    return mexc.reports(payload, user_id=USER, symbols=SYMBOLS, occurred_at=NOW)


def trade(payload: Any) -> object:
    return mexc.trade(payload, user_id=USER)


def trades(payload: Any) -> object:
    return mexc.trades(payload, user_id=USER)


def account(payload: Any) -> Any:
    return mexc.account(payload, taken_at=NOW)


def stream_report(payload: Any) -> object:
    return mexc.stream_report(payload, user_id=USER, symbols=SYMBOLS)


def stream_trade(payload: Any) -> object:
    return mexc.stream_trade(payload, user_id=USER)


def stream_event(payload: Any) -> object:
    return mexc.stream_event(payload, user_id=USER, symbols=SYMBOLS)


OF_OBJECTS: dict[Callable[[Any], Any], tuple[str, ...]] = {
    account: ("account",),
    mexc.user_patch: ("account",),
    mexc.kyc_status: ("kyc_status",),
    order: ("order_new", "order_query", "order_market_by_quote", "order_cancel"),
    report: ("order_new", "order_query", "order_market_by_quote", "order_cancel"),
    stream_report: ("stream_order_protobuf", "stream_order_json", "stream_order_stop"),
    stream_trade: ("stream_deal_protobuf", "stream_deal_json"),
    mexc.stream_balance: ("stream_account_protobuf", "stream_account_json"),
    mexc.Symbols.from_exchange_info: ("exchange_info",),
}
OF_LISTS: dict[Callable[[Any], Any], tuple[str, ...]] = {
    orders: ("open_orders", "all_orders", "cancel_all"),
    reports: ("open_orders", "all_orders", "cancel_all"),
    trades: ("my_trades",),
}
PARSERS = [*OF_OBJECTS, *OF_LISTS, trade, stream_event]


TOO_FINE, TOO_LARGE = "0." + "1" * 37, "1" * 39

REFUSED: list[tuple[Callable[[Any], Any], str, str, Any]] = [
    *((order, "order_query", "status", value) for value in ("OPEN", "new", 9, True, None, ["NEW"], {})),
    *((order, "order_query", "type", value) for value in ("STOP_LOSS", "limit", 1, None, ...)),
    *((order, "order_query", "side", value) for value in ("LONG", 1, None, ...)),
    *((order, "order_query", "timeInForce", value) for value in ("GTD", 1)),
    *((order, "order_query", "price", value) for value in ("0", "-1", "x", "NaN", "Infinity", None, ..., True, [])),
    *((order, "order_query", "price", value) for value in (TOO_FINE, TOO_LARGE, " 1")),
    *((order, "order_query", "Qty", value) for value in ("0", "-1", "1,5", {})),
    *((order, "order_query", "executedQty", value) for value in ("-1", None, ..., TOO_FINE)),
    *((order, "order_query", "cummulativeQuoteQty", value) for value in ("-1", None, ..., D("1e-37"))),
    *((order, "order_query", "stopPrice", value) for value in ("-1", "x", False)),
    *((order, "order_market_by_quote", "origQuoteOrderQty", value) for value in ("-1", "x")),
    *((order, "order_query", "orderId", value) for value in (None, "", ..., True, D("1.5"), "x" * 256, [])),
    *((order, "order_query", "clientOrderId", value) for value in (True, "x" * 256, {})),
    *((order, "order_query", "symbol", value) for value in ("BTCEUR", "btcusdt", "USDT", None, ..., True, "x" * 256)),
    *((order, "order_query", "time", value) for value in ("soon", D("1.5"), True, -1, "-1", 10**15, "²")),
    *((report, "order_query", "updateTime", value) for value in ("2026-01-31", 253402300800000, [])),
    *((order, "order_query", "side", value) for value in ("a\0b", "\ud800", 2**63)),
    (order, "order_new", "transactTime", "x"),
    *((orders, "open_orders", f"1.{field}", ...) for field in ("symbol", "status", "price")),
    (reports, "cancel_all", "0.status", "GONE"),
    *((trades, "my_trades", f"2.{field}", ...) for field in ("symbol", "id", "orderId", "price", "qty", "time")),
    *((trades, "my_trades", f"2.{field}", ...) for field in ("isBuyer", "commission", "commissionAsset")),
    *((trades, "my_trades", "0.isBuyer", value) for value in ("true", 2, None, D(1))),
    *((trades, "my_trades", "0.isMaker", value) for value in ("no", -1)),
    *((trades, "my_trades", "0.qty", value) for value in ("0", "-1")),
    *((trades, "my_trades", "0.quoteQty", value) for value in ("-1", TOO_FINE)),
    *((trades, "my_trades", "0.commission", value) for value in ("x", "1.2.3", TOO_LARGE + ".1", True)),
    (trades, "my_trades", "0.commission", "0." + "1" * 65),
    (account, "account", "balances", ...),
    (account, "account", "balances", {}),
    *((account, "account", f"balances.1.{field}", ...) for field in ("asset", "free", "locked")),
    *((account, "account", f"balances.1.{field}", "-1") for field in ("free", "locked")),
    (account, "account", "balances.1.asset", "x" * 256),
    *((mexc.user_patch, "account", field, "yes") for field in ("canTrade", "canWithdraw", "canDeposit", "permissions")),
    *((mexc.user_patch, "account", "accountType", value) for value in (True, "x" * 256)),
    *((mexc.kyc_status, "kyc_status", "status", value) for value in ("0", 5, None, True, "PRIMARY", ...)),
    *((stream_report, "stream_order_protobuf", f"privateOrders.{field}", ...) for field in ("status", "orderType")),
    *((stream_report, "stream_order_protobuf", f"privateOrders.{field}", 9) for field in ("status", "tradeType")),
    (stream_report, "stream_order_protobuf", "privateOrders.cumulativeQuantity", ...),
    (stream_report, "stream_order_protobuf", "privateOrders.quantity", "0"),
    (stream_report, "stream_order_protobuf", "privateOrders", []),
    (stream_report, "stream_order_protobuf", "sendTime", ...),
    (stream_report, "stream_order_protobuf", "symbol", "NOPE"),
    *((stream_report, "stream_order_json", f"d.{field}", ...) for field in "Siopsv"),
    (stream_report, "stream_order_json", "d.o", 6),
    (stream_report, "stream_order_json", "d", ...),
    *((stream_report, "stream_order_json", field, ...) for field in ("s", "t")),
    (stream_report, "stream_order_stop", "d.s", "EXECUTED"),
    *((stream_trade, "stream_deal_json", f"d.{field}", ...) for field in "pvSTtinN"),
    *((stream_trade, "stream_deal_json", f"d.{field}", 3) for field in "Sm"),
    (stream_trade, "stream_deal_protobuf", "privateDeals.feeAmount", ...),
    *(
        (mexc.stream_balance, "stream_account_json", f"d.{field}", ...)
        for field in ["a", "f", "fd", "l", "ld", "o", "c"]
    ),
    (mexc.stream_balance, "stream_account_protobuf", "privateAccount.balanceAmount", "-1"),
    *(
        (stream_event, "stream_order_json", "c", value)
        for value in ("spot@public.news.v3.api", "spot@private.news.v3.api.pb", 1, [])
    ),
    (mexc.Symbols.from_exchange_info, "exchange_info", "symbols.1.symbol", ...),
    (mexc.Symbols.from_exchange_info, "exchange_info", "symbols.1.baseAsset", ...),
    (mexc.Symbols.from_exchange_info, "exchange_info", "symbols.1.quoteAsset", "MX"),
    (mexc.Symbols.from_exchange_info, "exchange_info", "symbols.1.symbol", "BTCUSDT"),
    (mexc.Symbols.from_exchange_info, "exchange_info", "symbols", ...),
]


def named(value: Any) -> str:
    return "left out" if value is ... else ascii(value)[:24]


@each_case(("parse", "name", "path", "value"), REFUSED)
def test_a_wrong_field_is_refused_by_its_path(parse: Callable[[Any], Any], name: str, path: str, value: Any):
    error = refusal(parse, put(parsed(name), path, value))

    assert error.field == path
    assert error.raw is None


def test_an_asset_is_listed_once():
    payload = parsed("account")
    payload["balances"].append({"asset": "MX", "free": "1", "locked": "0"})

    error = refusal(account, payload)

    assert (error.field, "MX" in str(error)) == ("balances.1.asset", False)


@pytest.mark.parametrize("permissions", [[1], [""], ["x" * 256]])
def test_a_permission_is_text(permissions: Any):
    assert refusal(account, put(parsed("account"), "permissions", permissions)).field == "permissions.0"


def test_no_float_ever():
    for parse, names in {**OF_OBJECTS, **OF_LISTS}.items():
        for name in names:
            payload = parsed(name)
            first = payload[0] if isinstance(payload, list) else payload
            first["somewhere"] = {"deep": [D(1), 0.5]}
            prefix = "0." if isinstance(payload, list) else ""
            assert refusal(parse, payload).field == f"{prefix}somewhere.deep.1"
    assert refusal(order, put(parsed("order_query"), "price", 0.1)).field == "price"
    assert refusal(stream_report, json.loads(text("stream_order_json"))).field == "d.A"


BROKEN = [
    b"",
    b"{",
    b"nope",
    b'{"symbol": NaN}',
    b'{"symbol": -Infinity}',
    b'{"price": 1e999999999999999999999}',
    b'{"price": 1' + b"0" * 5000 + b"}",
    b"\xef\xbb\xbf{}",
    b"\xff\xfe{\x00}\x00",
    b"\x80",
    b"[" * 100_000,
    b"[" * 65 + b"]" * 65,
    b'{"a":' * 65 + b"1" + b"}" * 65,
    b'{"a": "\\u0000"}',
    b'{"a": "\\ud800"}',
    b'{"\\u0000": 1}',
    b"null",
    b"1",
    b'"text"',
    b"{} {}",
    b'{"code": 30002, "msg": "too small"}',
]


@each_case("parse", PARSERS)
@each_case("payload", BROKEN)
def test_what_cannot_be_read_is_refused_with_its_bytes(parse: Callable[[Any], Any], payload: bytes):
    error = refusal(parse, payload)

    assert error.raw == payload
    assert error.__context__ is None or error.__suppress_context__
    assert "too small" not in str(error)


def test_the_bytes_of_a_text_are_kept_whatever_it_holds():
    assert refusal(order, '{"a": "\ud800"').raw == b'{"a": "\xed\xa0\x80"'
    damaged = text("order_query").replace(b"GTC", b"GTX")
    assert refusal(order, damaged).raw == refusal(order, damaged.decode()).raw == damaged


@each_case("parse", PARSERS)
@each_case("payload", [None, 1, 0.5, {1: 2}, object(), {"x": object()}, {"x": {1}}, {"x": float("nan")}])
def test_what_is_no_payload_is_refused(parse: Callable[[Any], Any], payload: Any):
    assert refusal(parse, payload).raw is None


def test_objects_and_lists_are_not_mixed_up():
    for parse, names in OF_OBJECTS.items():
        assert "object" in str(refusal(parse, [parsed(names[0])]))
    for parse, names in OF_LISTS.items():
        assert "list" in str(refusal(parse, parsed(names[0])[0]))
        assert refusal(parse, [*parsed(names[0]), 1]).field == str(len(parsed(names[0])))
        assert parse([]) == ()


def test_an_error_answer_of_the_exchange_is_an_exchange_error():
    assert refusal(order, {"code": 30002, "msg": "too small"}).field == "code"
    assert refusal(orders, {"code": 30002, "msg": "too small"}).field == "code"


def test_what_the_caller_gives_is_checked_too():
    payload = text("order_new")

    assert refusal(lambda who: mexc.order(payload, user_id=who, symbols=SYMBOLS), "me").field == "user_id"
    assert refusal(lambda source: report(payload, source=source), "RUMOUR").field == "source"


# Whatever arrives, nothing but a model or an InvalidDataError comes out.

NAMES = sorted(
    {
        name
        for path in SAMPLES.glob("*.json")
        for value in [json.loads(path.read_text())]
        for item in (value if isinstance(value, list) else [value])
        for part in [item, *(nested for nested in item.values() if isinstance(nested, dict))]
        for name in part
    }
)
CHANNELS = [f"spot@private.{topic}.v3.api" for topic in ("orders", "deals", "account")]
WORDS = st.sampled_from([*CHANNELS, "BTCUSDT", "NEW", "FILLED", "LIMIT", "MARKET", "BUY", "SELL", "1", "0", "-1"])
LEAVES = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.integers(0, 2 * 10**12),
    st.decimals(),
    st.floats(),
    st.text(max_size=8),
    WORDS,
)
JSON = st.recursive(
    LEAVES,
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(NAMES) | st.text(max_size=4), inner, max_size=8)
    ),
    max_leaves=20,
)


def survives(parse: Callable[[Any], Any], payload: Any) -> None:
    with suppress(InvalidDataError):
        parse(payload)


@settings(deadline=None)
@given(payload=JSON)
def test_any_json_is_read_or_refused(payload: Any):
    for parse in PARSERS:
        survives(parse, payload)


@settings(deadline=None)
@given(payload=st.binary(max_size=64) | st.text(max_size=64))
def test_any_text_is_read_or_refused(payload: bytes | str):
    for parse in PARSERS:
        survives(parse, payload)


@settings(deadline=None)
@given(data=st.data())
def test_any_sample_with_anything_in_any_field_is_read_or_refused(data: st.DataObject):
    parse, names = data.draw(st.sampled_from(list({**OF_OBJECTS, **OF_LISTS}.items())))
    payload = parsed(data.draw(st.sampled_from(names)))
    target = payload[0] if isinstance(payload, list) else payload
    nested = [value for value in target.values() if isinstance(value, dict)]
    target = data.draw(st.sampled_from([target, *nested]))
    for name in data.draw(st.lists(st.sampled_from(sorted(target)), min_size=1, max_size=3)):
        target[name] = data.draw(JSON)
    survives(parse, payload)


@settings(deadline=None)
@given(payload=st.binary(max_size=200))
def test_a_damaged_sample_is_read_or_refused(payload: bytes):
    sample = text("order_query")
    survives(order, sample[: len(payload)] + payload + sample[2 * len(payload) :])
