"""The web service, asked from outside its application, over memory and over PostgreSQL."""

import asyncio
import re
from collections.abc import Iterator
from typing import Any
from uuid import UUID

import httpx
import pytest
from fastapi import FastAPI
from fastapi.openapi.models import OpenAPI

from metacore.ids import new_id
from service.app import MAX_BODY, create_app

NOBODY = str(UUID(int=0))
OCCURRED_AT = "2026-02-02T02:40:00Z"


class Client:
    """Asks an application, in an event loop that lives as long as this."""

    def __init__(self, app: FastAPI, runner: asyncio.Runner) -> None:
        transport = httpx.ASGITransport(app, raise_app_exceptions=False)
        self._http = httpx.AsyncClient(transport=transport, base_url="http://service")
        self._runner = runner

    def get(self, path: str) -> httpx.Response:
        return self._runner.run(self._http.get(path))

    def post(self, path: str, body: Any) -> httpx.Response:
        return self._runner.run(self._http.post(path, json=body))


@pytest.fixture(scope="module", params=["memory", "postgres"])
def client(request: pytest.FixtureRequest) -> Iterator[Client]:
    app = create_app("memory://" if request.param == "memory" else request.getfixturevalue("database_url"))
    lifespan = app.router.lifespan_context(app)
    with asyncio.Runner() as runner:
        runner.run(lifespan.__aenter__())
        yield Client(app, runner)
        runner.run(lifespan.__aexit__(None, None, None))


@pytest.fixture(scope="module")
def unopened() -> Iterator[Client]:
    """The application before it has started: its storage answers nothing."""
    with asyncio.Runner() as runner:
        yield Client(create_app("memory://"), runner)


def created(client: Client, **fields: Any) -> str:
    """The id of a new account, which has 1000 USDT."""
    user: str = done(client, 201, "/users", fields)["id"]
    done(client, 200, "/transfers", transfer(user, "1000"))
    return user


def transfer(user: str, amount: str, **fields: Any) -> dict[str, Any]:
    values = {"user_id": user, "asset": "USDT", "amount": amount, "reference": "bank-1", "reason": "DEPOSIT"}
    return {**values, "occurred_at": OCCURRED_AT, **fields}


def order(user: str, name: str, quantity: str = "0.01") -> dict[str, Any]:
    market = {"symbol": "BTCUSDT", "base_asset": "BTC", "quote_asset": "USDT", "side": "BUY", "type": "LIMIT"}
    return {"user_id": user, "client_order_id": name, "price": "50000", "quantity": quantity, **market}


def report(user: str, name: str, status: str, **fields: Any) -> dict[str, Any]:
    return {"user_id": user, "client_order_id": name, "status": status, "occurred_at": OCCURRED_AT, **fields}


def trade(user: str, name: str, price: str = "49000") -> dict[str, Any]:
    values = {"exchange_trade_id": f"of {name}", "symbol": "BTCUSDT", "side": "BUY", "price": price, "quantity": "0.01"}
    return {
        "user_id": user,
        "client_order_id": name,
        "exchange_order_id": f"at {name}",
        "traded_at": OCCURRED_AT,
        **values,
    }


def done(client: Client, status: int, path: str, body: dict[str, Any] | None = None) -> Any:
    answer = client.get(path) if body is None else client.post(path, body)
    assert answer.status_code == status, answer.text
    return answer.json()


def test_an_order_from_its_placing_to_its_history(client: Client) -> None:
    user = created(client)
    placed = done(client, 201, "/orders", order(user, "a-1"))
    assert (placed["status"], placed["held_amount"]) == ("PENDING_NEW", "500")
    assert done(client, 201, "/orders", order(user, "a-1")) == placed
    assert done(client, 200, "/reports", report(user, "a-1", "NEW", exchange_order_id="at a-1"))["outcome"] == "APPLIED"
    assert [done(client, 200, "/trades", trade(user, "a-1"))["outcome"] for _ in range(2)] == ["SETTLED", "DUPLICATE"]
    of_user = f"/users/{user}"
    assert done(client, 200, f"{of_user}/orders/{placed['id']}")["status"] == "FILLED"
    history = done(client, 200, f"{of_user}/orders/{placed['id']}/history")
    assert [step["status"] for step in history] == ["PENDING_NEW", "NEW", "FILLED"]
    balances = done(client, 200, f"{of_user}/balances")
    assert {row["asset"]: (row["free"], row["locked"]) for row in balances} == {
        "BTC": ("0.01", "0"),
        "USDT": ("510", "0"),
    }
    first = done(client, 200, f"{of_user}/journal?asset=USDT&limit=3")
    rest = done(client, 200, f"{of_user}/journal?asset=USDT&after={first['next']}")
    assert sorted(entry["seq"] for entry in first["items"] + rest["items"]) == [1, 2, 3, 4]
    assert rest["next"] is None
    assert client.get(of_user).json()["id"] == user


def test_lists_come_page_by_page_and_filtered(client: Client) -> None:
    user = created(client)
    for name in ("b-1", "b-2", "b-3"):
        done(client, 201, "/orders", order(user, name, "0.001"))
    done(client, 200, "/reports", report(user, "b-2", "CANCELED"))
    page = done(client, 200, f"/users/{user}/orders?limit=2")
    last = done(client, 200, f"/users/{user}/orders?limit=2&after={page['next']}")
    assert [listed["client_order_id"] for listed in page["items"] + last["items"]] == ["b-3", "b-2", "b-1"]
    kept = done(client, 200, f"/users/{user}/orders?symbol=BTCUSDT&status=PENDING_NEW")["items"]
    assert [listed["client_order_id"] for listed in kept] == ["b-3", "b-1"]
    several = done(client, 200, f"/users/{user}/orders?status=PENDING_NEW&status=CANCELED")["items"]
    assert [listed["client_order_id"] for listed in several] == ["b-3", "b-2", "b-1"]
    cancelled = done(client, 200, f"/users/{user}/orders/{kept[0]['id']}/cancel", {"reason": "too slow"})
    assert (cancelled["status"], cancelled["reason"]) == ("PENDING_CANCEL", "too slow")


def test_a_float_is_refused_and_not_rounded(client: Client) -> None:
    problem = client.post("/transfers", {**transfer(NOBODY, "1"), "amount": 0.1}).json()
    assert (problem["status"], problem["title"]) == (400, "Invalid data")
    assert "amount" in problem["detail"]


def test_health_and_metrics_tell_of_the_storage(client: Client, unopened: Client) -> None:
    assert client.get("/health").json() == {"status": "ok", "parts": {"storage": {"status": "ok", "reason": None}}}
    assert unopened.get("/health").json()["parts"]["storage"]["status"] == "down"
    assert 'route="/health"' in client.get("/metrics").text


def refusals(client: Client) -> dict[tuple[str, int], tuple[str, Any]]:
    """For each path and status of an error, how to come by it: the path as it is asked for, and the body."""
    user, idle = created(client, username=new_id().hex), created(client, can_trade=False, can_withdraw=False)
    name = done(client, 200, f"/users/{user}")["username"]
    one, other = (done(client, 201, "/orders", order(user, order_name, "0.001"))["id"] for order_name in ("c-1", "c-2"))
    done(client, 200, "/trades", trade(user, "c-1"))
    done(client, 200, "/reports", report(user, "c-2", "CANCELED"))
    orders, large = "/users/{user_id}/orders", "x" * (MAX_BODY + 1)
    requests = {
        ("/users", 400): ("/users", {"username": ""}),
        ("/users", 409): ("/users", {"username": name}),
        ("/users/{user_id}", 400): ("/users/nobody", None),
        ("/users/{user_id}", 404): (f"/users/{NOBODY}", None),
        ("/transfers", 400): ("/transfers", transfer(user, "1", reason="TRADE")),
        ("/transfers", 403): ("/transfers", transfer(idle, "1", reason="WITHDRAWAL")),
        ("/transfers", 404): ("/transfers", transfer(NOBODY, "1")),
        ("/transfers", 409): ("/transfers", transfer(user, "1")),
        ("/users/{user_id}/balances", 400): ("/users/nobody/balances", None),
        ("/users/{user_id}/journal", 400): (f"/users/{user}/journal?asset=%00", None),
        ("/orders", 400): ("/orders", order(user, "c-3", "-1")),
        ("/orders", 403): ("/orders", order(idle, "c-3")),
        ("/orders", 404): ("/orders", order(NOBODY, "c-3")),
        ("/orders", 409): ("/orders", order(user, "c-3", "1")),
        (orders, 400): (f"/users/{user}/orders?after=nowhere", None),
        (f"{orders}/{{order_id}}", 400): (f"/users/{user}/orders/none", None),
        (f"{orders}/{{order_id}}", 404): (f"/users/{user}/orders/{NOBODY}", None),
        (f"{orders}/{{order_id}}/history", 400): (f"/users/{user}/orders/none/history", None),
        (f"{orders}/{{order_id}}/cancel", 400): (f"/users/{user}/orders/{one}/cancel", {"reason": 1}),
        (f"{orders}/{{order_id}}/cancel", 404): (f"/users/{user}/orders/{NOBODY}/cancel", {}),
        (f"{orders}/{{order_id}}/cancel", 409): (f"/users/{user}/orders/{other}/cancel", {}),
        ("/reports", 400): ("/reports", {"status": "NEW"}),
        ("/reports", 404): ("/reports", report(NOBODY, "c-1", "NEW")),
        ("/reports", 409): ("/reports", report(user, "c-1", "CANCELED", executed_quantity="0.01")),
        ("/trades", 400): ("/trades", {}),
        ("/trades", 404): ("/trades", trade(NOBODY, "c-1")),
        ("/trades", 409): ("/trades", trade(user, "c-1", "48000")),
    }
    large_ones = {path for path, status in requests if requests[path, status][1] is not None}
    return requests | {(path, 413): (requests[path, 400][0], {"reason": large}) for path in large_ones}


def test_every_error_that_is_documented_can_be_had_and_no_other(client: Client, unopened: Client) -> None:
    document = client.get("/openapi.json").json()
    documented = {
        (path, int(status))
        for path, operations in document["paths"].items()
        for operation in operations.values()
        for status in operation["responses"]
        if int(status) >= 400 and path != "/health"
    }
    requests = refusals(client)
    for (path, status), (asked, body) in requests.items():
        answer = client.get(asked) if body is None else client.post(asked, body)
        assert answer.status_code == status, (path, answer.text)
        assert answer.headers["content-type"] == "application/problem+json"
        assert (answer.json()["status"], answer.json()["request_id"]) == (status, answer.headers["x-request-id"])
    asked_for = {path: fields for (path, status), fields in requests.items() if status not in (400, 413)}
    for path in {path for path, status in documented if status == 503}:
        asked, body = asked_for.get(path) or (re.sub(r"\{\w+\}", NOBODY, path), None)
        answer = unopened.get(asked) if body is None else unopened.post(asked, body)
        assert answer.status_code == 503, (path, answer.text)
        assert answer.headers["retry-after"] == "1"
    unavailable = {(path, 503) for path, _ in documented}
    assert documented == requests.keys() | unavailable


def test_the_document_is_valid_and_whole(client: Client) -> None:
    document = client.get("/openapi.json").json()
    OpenAPI.model_validate(document)
    text = client.get("/openapi.json").text
    named = set(re.findall(r'"#/components/schemas/([^"]+)"', text))
    assert named <= document["components"]["schemas"].keys()
    assert '"422"' not in text
    assert client.get("/docs").status_code == 200
