from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from metacore.domain.trading.order_updates import UpdateSource
from metacore.domain.trading.orders import OrderSide, OrderStatus, OrderType
from metacore.domain.trading.reports import ExecutionReport
from metacore.domain.trading.trades import NewTrade
from metacore.errors import InvalidDataError
from metacore.exchanges import mexc
from metacore.testing.cases import each_case
from tests.exchanges.mexc_payloads import NOW, ORDER, SYMBOLS, USER, D, ms, parsed, put, text

EXAMPLES = Path(__file__).parents[2] / "examples" / "data" / "mexc"


def stream_report(payload: Any) -> ExecutionReport:
    return mexc.stream_report(payload, user_id=USER, symbols=SYMBOLS)


def stream_trade(payload: Any) -> NewTrade:
    return mexc.stream_trade(payload, user_id=USER)


def stream_event(payload: Any) -> mexc.StreamEvent | None:
    return mexc.stream_event(payload, user_id=USER, symbols=SYMBOLS)


STREAM_ORDERS: dict[str, dict[str, Any]] = {
    "stream_order_protobuf": {
        "symbol": "MXUSDT",
        "base_asset": "MX",
        "quote_asset": "USDT",
        "side": OrderSide.SELL,
        "type": OrderType.MARKET,
        "status": OrderStatus.FILLED,
        "price": None,
        "quantity": D(20),
        "quote_quantity": None,
        "executed_quantity": D(20),
        "executed_quote_quantity": D("49.95"),
        "exchange_order_id": "C02__560000000000000004115",
        "client_order_id": "mine-7",
        "transacted_at": ms(1760000006259),
    },
    "stream_order_json": {
        "symbol": "MXUSDT",
        "side": OrderSide.BUY,
        "type": OrderType.LIMIT,
        "status": OrderStatus.NEW,
        "price": D("1.24"),
        "quantity": D("12.5"),
        "executed_quantity": 0,
        "executed_quote_quantity": 0,
        "exchange_order_id": "7c1d0e5a9b3f4826a0d4c6b8e2f10357",
        "client_order_id": None,
        "transacted_at": ms(1760000007000),
    },
    "stream_order_stop": {
        "type": OrderType.STOP_LIMIT,
        "status": OrderStatus.NEW,
        "price": D("1.36"),
        "stop_price": D("1.35"),
        "quantity": D("7.5"),
        "transacted_at": ms(1760000008715),
    },
}


@pytest.mark.parametrize(
    ("name", "sent", "executed"),
    [
        ("stream_order_protobuf", 1760000006281, (D(20), D("49.95"))),
        ("stream_order_json", 1760000007193, (D(0), D(0))),
        ("stream_order_stop", 1760000008727, (None, None)),
    ],
)
def test_orders_of_the_stream(name: str, sent: int, executed: tuple[Decimal | None, Decimal | None]):
    read = stream_report(text(name))

    expected = STREAM_ORDERS[name]
    assert {field: getattr(read.order, field) for field in expected} == expected
    assert (read.status, read.source, read.occurred_at) == (expected["status"], UpdateSource.WEBSOCKET, ms(sent))
    assert (read.executed_quantity, read.executed_quote_quantity) == executed
    assert read.raw == read.order.raw == parsed(name)


@each_case(
    ("code", "expected"),
    [
        (1, OrderStatus.NEW),
        (2, OrderStatus.FILLED),
        (3, OrderStatus.PARTIALLY_FILLED),
        (4, OrderStatus.CANCELED),
        (5, OrderStatus.PARTIALLY_CANCELED),
        ("5", OrderStatus.PARTIALLY_CANCELED),
        ("FAILED", OrderStatus.REJECTED),
    ],
)
@each_case(("name", "path"), [("stream_order_protobuf", "privateOrders.status"), ("stream_order_json", "d.s")])
def test_status_codes_of_the_stream(name: str, path: str, code: Any, expected: OrderStatus):
    assert stream_report(put(parsed(name), path, code)).status is expected


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        (1, OrderType.LIMIT),
        (2, OrderType.LIMIT_MAKER),
        (3, OrderType.IMMEDIATE_OR_CANCEL),
        (4, OrderType.FILL_OR_KILL),
        (5, OrderType.MARKET),
        (100, OrderType.STOP_LIMIT),
    ],
)
def test_type_codes_of_the_stream(code: int, expected: OrderType):
    assert stream_report(put(parsed("stream_order_json"), "d.o", code)).order.type is expected


def test_a_market_buy_by_quote_in_the_stream():
    payload = parsed("stream_order_protobuf")
    payload["privateOrders"] |= {"tradeType": 1, "quantity": "0", "amount": "50", "status": 1}

    read = stream_report(payload).order

    assert (read.quantity, read.quote_quantity, read.price) == (None, D(50), None)


def test_a_message_without_an_id_names_the_order_by_client_id_as_documented():
    payload = parsed("stream_order_protobuf")
    del payload["privateOrders"]["id"]

    read = stream_report(payload)

    assert (read.exchange_order_id, read.client_order_id) == ("mine-7", None)


def test_a_stream_report_names_the_stored_order_where_the_caller_gives_it():
    read = mexc.stream_report(text("stream_order_json"), user_id=USER, symbols=SYMBOLS, order_id=ORDER)

    assert (read.order_id, read.order.id) == (ORDER, ORDER)


def test_trades_of_the_stream():
    protobuf, older = stream_trade(text("stream_deal_protobuf")), stream_trade(text("stream_deal_json"))

    assert protobuf.model_dump(exclude={"id", "raw", "user_id", "order_id", "commission"}) == {
        "exchange_order_id": "C02__560000000000000004115",
        "client_order_id": None,
        "exchange_trade_id": "560000000000000004X1",
        "symbol": "MXUSDT",
        "side": OrderSide.SELL,
        "price": D("2.4975"),
        "quantity": D(20),
        "quote_quantity": D("49.95"),
        "commission_asset": "MX",
        "is_maker": False,
        "traded_at": ms(1760000006280),
    }
    assert older.model_dump(exclude={"id", "raw", "user_id", "order_id"}) == {
        "exchange_order_id": "7c1d0e5a9b3f4826a0d4c6b8e2f10357",
        "client_order_id": "mine-8",
        "exchange_trade_id": "d41f8a6027be4c95a3c0e7195b82f64d",
        "symbol": "MXUSDT",
        "side": OrderSide.BUY,
        "price": D("1.24"),
        "quantity": D("4.5"),
        "quote_quantity": D("5.58"),
        "commission": D("0.001116003348010044"),
        "commission_asset": "MX",
        "is_maker": True,
        "traded_at": ms(1760000009198),
    }
    assert protobuf.raw == parsed("stream_deal_protobuf")


def test_what_a_message_leaves_out_is_false_in_protobuf_and_unknown_in_json():
    assert stream_trade(put(parsed("stream_deal_json"), "d.m", ...)).is_maker is None
    assert stream_trade(put(parsed("stream_deal_protobuf"), "privateDeals.isMaker", True)).is_maker is True


@each_case(
    ("text", "expected"),
    [
        ("0.0099900124874219473", "0.009990012487421948"),
        ("0.0000000000000000001", "0.000000000000000001"),
        ("-0.0000000000000000019", "-0.000000000000000001"),
        ("-0.0000000000000000009", "0"),
        (D("1.1234567890123456781"), "1.123456789012345679"),
        ("0.1234567890123456780000", "0.123456789012345678"),
        ("-3", "-3"),
        (2, "2"),
    ],
)
def test_a_commission_of_too_many_decimals_is_rounded_as_money_is(text: Any, expected: str):
    read = stream_trade(put(parsed("stream_deal_protobuf"), "privateDeals.feeAmount", text))

    assert f"{read.commission:f}" == expected
    assert read.raw["privateDeals"]["feeAmount"] == text


def test_the_stream_and_rest_tell_of_the_same_trade_in_the_same_content():
    first = mexc.trades((EXAMPLES / "my_trades.json").read_bytes(), user_id=USER)[0]
    message = (EXAMPLES / "stream.jsonl").read_text().splitlines()[1]

    assert (stream_trade(message).key, stream_trade(message).content()) == (first.key, first.content())


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        (
            "stream_account_protobuf",
            ("USDT", D("48.31960250017"), D(-10), D(10), D(10), "ENTRUST_PLACE", ms(1760000010000)),
        ),
        (
            "stream_account_json",
            (
                "USDT",
                D("814.070223001764533151"),
                D("7.250310944"),
                D(0),
                D("-7.250310944"),
                "ENTRUST_UNFROZEN",
                ms(1760000011428),
            ),
        ),
    ],
)
def test_balances_of_the_stream(name: str, expected: tuple[Any, ...]):
    read = mexc.stream_balance(text(name))

    assert (
        read.asset,
        read.free,
        read.delta_free,
        read.locked,
        read.delta_locked,
        read.change_type,
        read.occurred_at,
    ) == expected
    assert read.raw == parsed(name)


def test_any_message_of_the_stream_is_read_by_its_channel():
    kinds = [
        type(stream_event(text(name))).__name__
        for name in ("stream_order_json", "stream_deal_protobuf", "stream_account_json")
    ]

    assert kinds == ["ExecutionReport", "NewTrade", "BalanceUpdate"]
    assert stream_event({"id": 0, "code": 0, "msg": "PONG"}) is None


@pytest.mark.parametrize(
    ("parse", "name", "field"),
    [
        (stream_report, "stream_deal_json", "c"),
        (stream_report, "stream_account_protobuf", "channel"),
        (stream_trade, "stream_order_json", "c"),
        (stream_trade, "stream_account_json", "c"),
        (mexc.stream_balance, "stream_order_protobuf", "channel"),
        (mexc.stream_balance, "stream_deal_protobuf", "channel"),
    ],
)
def test_a_message_of_another_channel_is_refused(parse: Callable[[Any], Any], name: str, field: str):
    with pytest.raises(InvalidDataError, match="is not the channel") as caught:
        parse(text(name))
    assert caught.value.field == field
    assert caught.value.raw == text(name)


@each_case("path", sorted(EXAMPLES.glob("*.json*")))
def test_the_examples_are_read(path: Path):
    symbols = mexc.Symbols.from_exchange_info((EXAMPLES / "exchange_info.json").read_bytes())
    within: dict[str, Any] = {"user_id": USER, "symbols": symbols}
    by_name: dict[str, Callable[[str], Any]] = {
        "account.json": mexc.account,
        "account_after.json": mexc.account,
        "kyc_status.json": mexc.kyc_status,
        "exchange_info.json": mexc.Symbols.from_exchange_info,
        "my_trades.json": lambda payload: mexc.trades(payload, user_id=USER),
        "open_orders.json": lambda payload: mexc.reports(payload, **within),
        "order_new.json": lambda payload: mexc.report(payload, **within),
        "order_cancel.json": lambda payload: mexc.report(payload, **within, occurred_at=NOW),
        "stream.jsonl": lambda lines: [mexc.stream_event(line, **within) for line in lines.splitlines()],
        "stream_illegal.json": lambda payload: mexc.stream_event(payload, **within),
    }

    assert by_name[path.name](path.read_text())
