import json
from collections.abc import Callable
from datetime import datetime
from decimal import Decimal
from typing import Any

import pytest

from metacore.domain.trading.order_updates import UpdateSource
from metacore.domain.trading.orders import NewOrder, OrderSide, OrderStatus, OrderType, TimeInForce
from metacore.domain.trading.reports import ExecutionReport
from metacore.errors import InvalidDataError
from metacore.exchanges import mexc
from tests.exchanges.mexc_payloads import NOW, ORDER, SYMBOLS, USER, D, ms, parsed, put, text


def order(payload: Any) -> NewOrder:
    return mexc.order(payload, user_id=USER, symbols=SYMBOLS)


def orders(payload: Any) -> tuple[NewOrder, ...]:
    return mexc.orders(payload, user_id=USER, symbols=SYMBOLS)


def report(payload: Any, **options: Any) -> ExecutionReport:
    return mexc.report(payload, user_id=USER, symbols=SYMBOLS, **{"occurred_at": NOW, **options})


def reports(payload: Any) -> tuple[ExecutionReport, ...]:
    return mexc.reports(payload, user_id=USER, symbols=SYMBOLS, occurred_at=NOW)


# What each sample says; a whole order is compared below.
ORDERS: dict[str, list[dict[str, Any]]] = {
    "order_new": [
        {
            "symbol": "MXUSDT",
            "base_asset": "MX",
            "quote_asset": "USDT",
            "side": OrderSide.SELL,
            "type": OrderType.LIMIT,
            "status": OrderStatus.NEW,
            "price": D("2.41"),
            "quantity": D(25),
            "exchange_order_id": "C02__560000000000000001045",
            "transacted_at": ms(1760000000123),
        }
    ],
    "order_query": [
        {
            "symbol": "BTCUSDT",
            "base_asset": "BTC",
            "quote_asset": "USDT",
            "side": OrderSide.BUY,
            "type": OrderType.LIMIT,
            "time_in_force": TimeInForce.GTC,
            "status": OrderStatus.PARTIALLY_FILLED,
            "price": D("61250.5"),
            "quantity": D("0.0032"),
            "executed_quantity": D("0.0012"),
            "executed_quote_quantity": D("73.5006"),
            "exchange_order_id": "77",
            "client_order_id": "mine-2",
            "transacted_at": ms(1760000001000),
        }
    ],
    "order_market_by_quote": [
        {
            "symbol": "KASUSDT",
            "base_asset": "KAS",
            "quote_asset": "USDT",
            "side": OrderSide.BUY,
            "type": OrderType.MARKET,
            "status": OrderStatus.FILLED,
            "price": None,
            "quantity": D("217.15"),
            "quote_quantity": D(20),
            "executed_quantity": D("217.15"),
            "executed_quote_quantity": D("19.108115"),
            "exchange_order_id": "C02__560000000000000003015",
            "transacted_at": ms(1760000003000),
        }
    ],
    "order_cancel": [
        {
            "symbol": "BTCUSDT",
            "base_asset": "BTC",
            "quote_asset": "USDT",
            "side": OrderSide.BUY,
            "type": OrderType.LIMIT,
            "time_in_force": TimeInForce.GTC,
            "status": OrderStatus.PARTIALLY_CANCELED,
            "price": D("61250.5"),
            "quantity": D("0.0032"),
            "executed_quantity": D("0.0012"),
            "executed_quote_quantity": D("73.5006"),
            "exchange_order_id": "77",
            "client_order_id": "mine-2",
            "transacted_at": None,
        }
    ],
    "open_orders": [
        {
            "side": OrderSide.SELL,
            "type": OrderType.LIMIT_MAKER,
            "time_in_force": None,
            "status": OrderStatus.NEW,
            "stop_price": None,
            "quote_quantity": None,
            "exchange_order_id": "560000000000000005",
            "client_order_id": None,
            "transacted_at": ms(1760000004199),
        },
        {"type": OrderType.STOP_LIMIT, "stop_price": D(61000), "price": D("61250.5"), "client_order_id": "mine-3"},
    ],
    "all_orders": [
        {
            "type": OrderType.IMMEDIATE_OR_CANCEL,
            "time_in_force": TimeInForce.IOC,
            "status": OrderStatus.FILLED,
            "executed_quantity": D("0.0032"),
            "quote_quantity": None,
        },
        {"type": OrderType.FILL_OR_KILL, "time_in_force": TimeInForce.FOK, "status": OrderStatus.CANCELED},
        {"type": OrderType.MARKET, "side": OrderSide.SELL, "price": None, "quantity": D(10), "quote_quantity": None},
    ],
    "cancel_all": [
        {"status": OrderStatus.CANCELED, "exchange_order_id": "91", "client_order_id": "mine-5"},
        {"status": OrderStatus.CANCELED, "exchange_order_id": "92", "client_order_id": None},
    ],
}


@pytest.mark.parametrize("name", ORDERS)
def test_orders_as_found_on_the_exchange(name: str):
    read = orders(text(name)) if isinstance(parsed(name), list) else (order(text(name)),)

    items = parsed(name) if isinstance(parsed(name), list) else [parsed(name)]
    assert len(read) == len(ORDERS[name]) == len(items)
    for found, expected, item in zip(read, ORDERS[name], items, strict=True):
        assert {field: getattr(found, field) for field in expected} == expected
        assert found.user_id == USER
        assert found.raw == item


def test_an_order_read_whole_has_nothing_but_what_the_sample_says():
    found = order(text("order_new"))

    expected = NewOrder(id=found.id, user_id=USER, raw=parsed("order_new"), **ORDERS["order_new"][0])
    assert found == expected


@pytest.mark.parametrize(
    ("name", "occurred_at", "executed", "executed_quote"),
    [
        ("order_new", ms(1760000000123), None, None),
        ("order_query", ms(1760000002500), D("0.0012"), D("73.5006")),
        ("order_market_by_quote", ms(1760000003000), D("217.15"), D("19.108115")),
        ("order_cancel", NOW, D("0.0012"), D("73.5006")),
    ],
)
def test_reports_of_orders(name: str, occurred_at: datetime, executed: Decimal | None, executed_quote: Decimal | None):
    read = report(text(name))

    found = order(text(name))
    assert read.order == found.changed(id=read.order.id)
    assert (read.user_id, read.order_id, read.source) == (USER, None, UpdateSource.REST)
    assert (read.exchange_order_id, read.client_order_id) == (found.exchange_order_id, found.client_order_id)
    assert (read.status, read.occurred_at) == (found.status, occurred_at)
    assert (read.executed_quantity, read.executed_quote_quantity) == (executed, executed_quote)
    assert read.raw == parsed(name)


def test_reports_of_a_list_come_in_its_order_with_the_time_of_each():
    read = reports(text("open_orders"))

    assert [item.exchange_order_id for item in read] == ["560000000000000005", "78"]
    assert [item.occurred_at for item in read] == [ms(1760000004199), ms(1760000002500)]


def test_a_report_names_the_stored_order_and_its_source_where_the_caller_gives_them():
    read = report(text("order_new"), order_id=ORDER, source=UpdateSource.RECONCILE)

    assert (read.order_id, read.order.id, read.source) == (ORDER, ORDER, UpdateSource.RECONCILE)


def test_a_cancel_tells_no_time_so_the_caller_must():
    with pytest.raises(InvalidDataError, match="pass occurred_at") as caught:
        report(text("order_cancel"), occurred_at=None)
    assert caught.value.field == "updateTime"


def test_trades():
    read = mexc.trades(text("my_trades"), user_id=USER)

    first = read[0]
    assert first.model_dump(exclude={"id", "raw"}) == {
        "user_id": USER,
        "order_id": None,
        "exchange_order_id": "C02__560000000000000001045",
        "client_order_id": None,
        "exchange_trade_id": "9e3b75d0c8414f2fa6d21b0e5c7a4938",
        "symbol": "MXUSDT",
        "side": OrderSide.SELL,
        "price": D("2.41"),
        "quantity": D(10),
        "quote_quantity": D("24.1"),
        "commission": D("0.01205"),
        "commission_asset": "USDT",
        "is_maker": True,
        "traded_at": ms(1760000005590),
    }
    assert [item.raw for item in read] == parsed("my_trades")
    single = mexc.trade(parsed("my_trades")[0], user_id=USER)
    assert single == first.changed(id=single.id)
    assert read[2].commission == D("-0.00241")
    assert (read[3].commission, read[3].commission_asset) == (0, None)


def test_a_self_trade_is_two_trades_that_differ_by_their_order():
    buy, sell = mexc.trades(text("my_trades"), user_id=USER)[1:3]

    assert buy.key == sell.key
    assert (buy.side, buy.exchange_order_id, buy.client_order_id) == (OrderSide.BUY, "77", "mine-6")
    assert (sell.side, sell.exchange_order_id) == (OrderSide.SELL, "C02__560000000000000001045")
    assert buy.raw["isSelfTrade"] is True


@pytest.mark.parametrize("status", sorted(set(OrderStatus) - {OrderStatus.PENDING_NEW, OrderStatus.PENDING_CANCEL}))
def test_statuses_of_rest(status: OrderStatus):
    assert order(put(parsed("order_query"), "status", status.value)).status is status


@pytest.mark.parametrize("status", ["PENDING_NEW", "PENDING_CANCEL"])
def test_the_exchange_does_not_tell_the_states_of_our_own_side(status: str):
    with pytest.raises(InvalidDataError) as caught:
        order(put(parsed("order_query"), "status", status))
    assert caught.value.field == "status"


@pytest.mark.parametrize("form", [bytes, bytearray, memoryview, bytes.decode, json.loads])
def test_a_payload_is_text_or_what_was_parsed_from_it(form: Callable[[bytes], Any]):
    read = order(form(text("order_query")))

    assert read == order(text("order_query")).changed(id=read.id)


@pytest.mark.parametrize("number", ["61250.5", "61250.50000000", "6.12505e4", D("61250.5"), D("61250.5000")])
def test_numbers_are_read_from_text_and_from_exact_numbers(number: Any):
    assert str(order(put(parsed("order_query"), "price", number)).price) == "61250.5"


def test_a_number_in_json_keeps_every_digit():
    payload = text("order_query").replace(b'"61250.5"', b"12345678901234567890.123456789012345678")

    assert order(payload).price == D("12345678901234567890.123456789012345678")


@pytest.mark.parametrize(("value", "expected"), [(0, "0"), (7, "7"), ("7", "7"), ("C02__7", "C02__7")])
def test_ids_are_text_whether_they_come_as_text_or_as_integers(value: Any, expected: str):
    assert order(put(parsed("order_query"), "orderId", value)).exchange_order_id == expected


@pytest.mark.parametrize("value", [None, "", ...])
def test_no_client_order_id_is_none(value: Any):
    assert order(put(parsed("order_query"), "clientOrderId", value)).client_order_id is None


def test_the_client_order_id_of_a_cancel_is_never_taken_for_the_orders():
    assert order(put(parsed("order_cancel"), "origClientOrderId", None)).client_order_id is None


@pytest.mark.parametrize("value", [1760000001000, "1760000001000"])
def test_times_are_milliseconds(value: Any):
    assert order(put(parsed("order_query"), "time", value)).transacted_at == ms(1760000001000)


@pytest.mark.parametrize("value", ["0.0", "0", 0, None, "", ...])
def test_no_stop_price_is_none(value: Any):
    assert order(put(parsed("order_query"), "stopPrice", value)).stop_price is None


def test_what_was_read_cannot_be_changed():
    raw = order(text("order_query")).raw

    with pytest.raises(TypeError):
        raw["price"] = "1"
