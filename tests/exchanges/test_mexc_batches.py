"""Answers to batches of orders."""

from typing import Any

import pytest

from metacore.domain.trading.orders import OrderStatus
from metacore.errors import ExchangeError
from metacore.exchanges import mexc
from tests.exchanges.mexc_payloads import NOW, USER, refusal


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
