"""What becomes of a fault, in an application and in one that is mounted in another."""

import asyncio
import logging
from collections.abc import Callable
from uuid import UUID

import httpx
import psycopg
import pytest
from starlette.types import ASGIApp

import metacore
from common.problems import answer_to
from common.tracing import Tracing
from metacore import OrderRecordService, Storage
from orders.cache import ReadyOrders
from orders.consumer import Consumer
from orders.settings import OrderSettings
from orders.system import application
from service.app import create_app


def of_orders(storage: Storage) -> ASGIApp:
    service = OrderRecordService(storage)
    tracing = Tracing("orders")
    consumer = Consumer(storage, service, OrderSettings(), "nowhere:1", tracing)
    return application(storage, service, ReadyOrders(service, 10, 2**20), consumer, tracing)


def of_service(_: Storage) -> ASGIApp:
    return create_app("memory://")


@pytest.mark.parametrize(
    ("make", "patched", "path"),
    [
        (of_orders, "metacore.OrderRecordService.list", "/api/v1/orders"),
        (of_orders, "metacore.OrderRecordService.get", "/order/x"),
        (of_service, "service.accounts.asked", f"/users/{UUID(int=0)}/journal"),
    ],
)
def test_a_fault_is_answered_with_the_id_of_its_request_and_logged_once(
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    make: Callable[[Storage], ASGIApp],
    patched: str,
    path: str,
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise RuntimeError("hush")

    async def ask() -> httpx.Response:
        async with metacore.connect("memory://") as storage:
            transport = httpx.ASGITransport(make(storage), raise_app_exceptions=False)
            async with httpx.AsyncClient(transport=transport, base_url="http://system") as client:
                return await client.get(path, headers={"x-request-id": "one"})

    monkeypatch.setattr(patched, fail)
    answer = asyncio.run(ask())
    assert (answer.status_code, answer.headers["content-type"]) == (500, "application/problem+json")
    assert answer.headers["x-request-id"] == answer.json()["request_id"] == "one"
    assert "hush" not in answer.text
    assert len([record for record in caplog.records if record.levelno >= logging.ERROR]) == 1


def test_what_keeps_a_statement_of_ones_own_from_the_database_is_503() -> None:
    answer = answer_to(psycopg.errors.AdminShutdown("hush"))
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "1")
    assert b"hush" not in answer.body
