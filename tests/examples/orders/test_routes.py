"""The routes of the order service, asked from outside."""

import json
import re
import socket
import threading
import urllib.parse
from typing import Any

import httpx
import pytest


def put(system: Any, order: dict[str, Any]) -> httpx.Response:
    answer: httpx.Response = system.http.put(f"/api/v1/orders/{order['order_uid']}", json=order)
    return answer


def test_what_was_put_is_seen_at_once_and_what_was_deleted_is_not(system: Any, order: Any) -> None:
    first = order()
    assert put(system, first).status_code == 201
    assert system.http.get(f"/order/{first['order_uid']}").json() == first
    changed = {**first, "locale": "ru"}
    assert put(system, changed).status_code == 200
    assert system.http.get(f"/order/{first['order_uid']}").json() == changed
    assert system.http.delete(f"/api/v1/orders/{first['order_uid']}").status_code == 204
    for method, path in (("GET", "/order/"), ("DELETE", "/api/v1/orders/")):
        answer = system.http.request(method, path + first["order_uid"])
        assert answer.status_code == 404
        assert answer.headers["content-type"] == "application/problem+json"
        assert answer.json()["request_id"] == answer.headers["x-request-id"]


def test_a_path_with_a_slash_at_its_end_is_another(system: Any) -> None:
    assert system.http.get("/api/v1/orders/").status_code in (404, 405)
    assert system.http.get("/health/").status_code == 404


def test_an_order_comes_back_to_the_byte(system: Any, order: Any) -> None:
    body = json.dumps(order(price=10**18), separators=(",", ":")).replace("1.5", "1.50").encode()
    uid = json.loads(body)["order_uid"]
    assert system.http.put(f"/api/v1/orders/{uid}", content=body).status_code == 201
    assert system.http.get(f"/order/{uid}").content == body


@pytest.mark.parametrize(
    "body",
    [b"", b"{", b"[]", b"null", b'{"order_uid":"x"}', b"\xff", b'{"a":"\\u0000"}', b'{"a":1e9999999999999999999}'],
    ids=repr,
)
def test_what_is_no_order_is_refused(system: Any, body: bytes) -> None:
    answer = system.http.put("/api/v1/orders/x", content=body)
    assert answer.status_code == 400
    assert answer.headers["content-type"] == "application/problem+json"


def test_another_uid_or_too_much_in_the_body_is_refused(system: Any, order: Any) -> None:
    assert system.http.put("/api/v1/orders/another", json=order()).status_code == 400
    assert system.http.put("/api/v1/orders/x", content=b"x" * 1_500_000).status_code == 400
    answer = system.http.put("/api/v1/orders/x", content=b"x" * 5_000_000)
    assert (answer.status_code, answer.headers["content-type"]) == (413, "application/problem+json")


def test_a_request_that_ends_in_its_body_is_no_fault_of_the_service(system: Any, eventually: Any) -> None:
    host, port = system.url.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port))) as sent:
        sent.sendall(b"PUT /api/v1/orders/x HTTP/1.1\r\nhost: x\r\ncontent-length: 100\r\n\r\n{")
    ended = 'method="PUT",route="/api/v1/orders/{order_uid}",status="400"'
    eventually(lambda: ended in system.http.get("/metrics").text)
    assert 'status="500"' not in system.http.get("/metrics").text


@pytest.mark.parametrize(
    "uid", ["unknown", "x" * 256, "a%2Fb", "%00", "..%2F..%2Fetc%2Fpasswd", "../x", "%D0%B7%D0%B0", "%FF", "%ED%A0%80"]
)
def test_a_uid_that_is_none_is_400_or_404(system: Any, uid: str) -> None:
    # A client of its own: httpx makes paths normal before it sends them.
    request = httpx.Request("GET", httpx.URL(system.url, raw_path=f"/order/{uid}".encode()))
    assert system.http.send(request).status_code in (400, 404)
    request = httpx.Request("DELETE", httpx.URL(system.url, raw_path=f"/api/v1/orders/{uid}".encode()))
    assert system.http.send(request).status_code in (400, 404, 405)


def pages_of_orders(system: Any) -> list[str]:
    seen: list[str] = []
    after: dict[str, str] = {}
    while True:
        page = system.http.get("/api/v1/orders", params={"limit": 7, **after}).json()
        seen += [item["order_uid"] for item in page["items"]]
        if page["next"] is None:
            return seen
        after = {"after": page["next"]}


def test_pages_give_all_exactly_once_while_a_thousand_come(system: Any, order: Any, produce: Any) -> None:
    there = [order(date_created=f"2020-01-01T00:00:{n % 60:02}Z") for n in range(70)]
    for one in there:
        put(system, one)
    coming = [order(date_created=f"20{10 + n % 20}-01-01T00:00:00Z") for n in range(1000)]
    producing = threading.Thread(target=produce, args=([json.dumps(one).encode() for one in coming],))
    producing.start()
    rounds = 0
    while True:
        seen = pages_of_orders(system)
        assert len(seen) == len(set(seen))
        assert {one["order_uid"] for one in there} <= set(seen)
        rounds += 1
        assert rounds < 1000
        if {one["order_uid"] for one in coming} <= set(seen):
            break
    producing.join()
    assert rounds > 1
    for wrong in ({"limit": 0}, {"limit": -1}, {"limit": 1001}, {"limit": "x"}, {"after": "x"}, {"after": ""}):
        assert system.http.get("/api/v1/orders", params=wrong).status_code == 400, wrong


def test_the_parts_are_well_and_metrics_name_no_order(system: Any, order: Any) -> None:
    health = system.http.get("/health")
    assert health.status_code == 200
    assert {part["status"] for part in health.json()["parts"].values()} == {"ok"}
    one = order()
    put(system, one)
    metrics = system.http.get("/metrics").text
    assert 'http_request_seconds_count{method="PUT",route="/api/v1/orders/{order_uid}",status="201"}' in metrics
    assert 'database_pool{figure="pool_max"}' in metrics
    assert one["order_uid"] not in metrics


def test_a_request_id_that_was_sent_is_kept_unless_it_is_no_plain_one(system: Any, order: Any) -> None:
    one = order()
    put(system, one)
    for uid in ("x", one["order_uid"]):
        for sent, kept in (("abc-1", True), ("a b", False), ("x" * 65, False)):
            answer = system.http.get(f"/order/{uid}", headers={"x-request-id": sent})
            assert (answer.headers["x-request-id"] == sent) is kept


def test_an_answer_from_the_cache_is_as_any_other_and_is_counted(system: Any, order: Any) -> None:
    counted = re.compile(r'seconds_count{method="GET",route="/order/{order_uid}",status="200"} (\S+)')

    def count() -> float:
        found = counted.search(system.http.get("/metrics").text)
        return float(found[1]) if found else 0

    one = order()
    uid = one["order_uid"]
    put(system, one)
    before = count()
    for method, path, status in (("GET", uid, 200), ("HEAD", uid, 200), ("GET", "unknown", 404), ("POST", uid, 405)):
        answer = system.http.request(method, f"/order/{path}")
        assert answer.status_code == status
        assert answer.headers["x-request-id"]
        if status == 200:
            assert answer.headers["content-type"] == "application/json"
            assert int(answer.headers["content-length"]) == len(json.dumps(one, separators=(",", ":")))
    assert count() - before == 1


def test_a_uid_may_have_slashes_and_points(system: Any, order: Any) -> None:
    one = order(order_uid=f"../заказ/{order()['order_uid']}/%")
    path = urllib.parse.quote(one["order_uid"], safe="")
    for content, status in ((json.dumps(one), 201), (json.dumps({**one, "locale": "ru"}), 200)):
        assert system.http.put(f"/api/v1/orders/{path}", content=content).status_code == status
        assert system.http.get(f"/order/{path}").json() == json.loads(content)
    assert system.http.delete(f"/api/v1/orders/{path}").status_code == 204
    assert system.http.get(f"/order/{path}").status_code == 404


def test_the_openapi_document_names_every_route(system: Any) -> None:
    document = system.http.get("/openapi.json").json()
    assert {"/order/{order_uid}", "/api/v1/orders", "/api/v1/orders/{order_uid}", "/health"} <= set(document["paths"])
    for path in document["paths"].values():
        for operation in path.values():
            refusals = {code: answer for code, answer in operation["responses"].items() if code[0] in "45"}
            assert "422" not in refusals
            assert (
                all("application/problem+json" in answer["content"] for answer in refusals.values())
                or path == (document["paths"]["/health"])
            )
    references = set(json.dumps(document).split('"#/components/schemas/')[1:])
    assert {reference.partition('"')[0] for reference in references} <= set(document["components"]["schemas"])


def test_the_page_may_load_nothing_but_its_own(system: Any) -> None:
    answer = system.http.get("/")
    assert answer.headers["content-security-policy"].startswith("default-src 'none'; script-src 'self';")
    assert "<script src=" in answer.text
    assert system.http.get("/page.js").headers["content-type"].startswith("text/javascript")


def test_warming_up_again_tells_how_many_orders_are_cached(system: Any, order: Any) -> None:
    put(system, order())
    warmed = system.http.post("/api/v1/cache/warmup").json()["records"]
    state = system.http.get("/api/v1/cache/stats").json()
    assert 0 < warmed == state["records"] <= state["max_records"]
    assert 0 < state["bytes"] <= state["max_bytes"]
