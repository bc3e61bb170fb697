"""What is seen from outside: who may do what, the routes, and metrics and traces."""

import json
from typing import Any
from uuid import UUID

import httpx
import jwt
import pytest

SERVICES = ("users", "products", "orders", "payments", "warehouse")
TRACE = "0af7651916cd43dd8448eb211c80319c"

PRODUCT = {"title": "Shoes", "price": "1", "currency": "USD", "category_id": str(UUID(int=1))}


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("POST", "/v1/products", PRODUCT),
        ("PUT", f"/v1/products/{UUID(int=1)}", {**PRODUCT, "version": 1}),
        ("DELETE", f"/v1/products/{UUID(int=1)}", None),
        ("PUT", f"/v1/products/{UUID(int=1)}/images/main.png", None),
        ("POST", "/v1/categories", {"name": "Shoes"}),
        ("GET", "/v1/users", None),
        ("PUT", f"/v1/users/{UUID(int=1)}/roles/ADMIN", None),
    ],
)
def test_who_is_not_known_is_401_and_who_may_not_is_403(
    http: Any, customer: Any, method: str, path: str, body: Any
) -> None:
    answer = http.request(method, path, json=body)
    assert (answer.status_code, answer.headers["www-authenticate"]) == (401, "Bearer")
    assert answer.headers["content-type"] == "application/problem+json"
    assert customer.ask(method, path, json=body).status_code == 403


def test_a_token_that_is_worth_nothing_is_401_wherever_it_is_shown(http: Any, customer: Any) -> None:
    token = customer.tokens["access"]
    claims = jwt.decode(token, options={"verify_signature": False})
    forged = (
        token[:-5] + "AAAAA",
        jwt.encode({**claims, "roles": ["ADMIN"]}, "another key that is as long as it must be", "HS256"),
        jwt.encode({**claims, "roles": ["ADMIN"]}, "", "none"),
        "x",
        "x" * 10_000,
    )
    for one in forged:
        for path in ("/v1/users", "/v1/products"):
            assert http.get(path, headers={"authorization": f"Bearer {one}"}).status_code == 401


def test_a_role_counts_from_the_next_refresh_on_and_until_it_is_taken(
    http: Any, admin: Any, signed_in: Any, category: Any
) -> None:
    somebody = signed_in()
    new = {**PRODUCT, "category_id": category["id"]}

    def refreshed() -> int:
        answer = http.post("/v1/refresh", json={"refresh": somebody.tokens["refresh"]})
        somebody.tokens = answer.json()["tokens"]
        somebody.headers = {"authorization": f"Bearer {somebody.tokens['access']}"}
        return int(somebody.post("/v1/products", json=new).status_code)

    assert somebody.get("/v1/me").json()["roles"] == ["CUSTOMER"]
    role = f"/v1/users/{somebody.id}/roles/SELLER"
    assert admin.put(role).json()["roles"] == ["CUSTOMER", "SELLER"]
    assert refreshed() == 201
    assert admin.delete(role).json()["roles"] == ["CUSTOMER"]
    assert refreshed() == 403
    assert admin.put(f"/v1/users/{somebody.id}/roles/SERVICE").status_code == 400
    assert admin.delete(f"/v1/users/{admin.id}/roles/ADMIN").status_code == 409


def test_a_session_goes_on_by_the_cookie_and_ends_by_it(http: Any, customer: Any, signed_in: Any) -> None:
    credentials = {"username": signed_in().username, "password": "correct horse"}
    assert http.post("/v1/register", json=credentials).status_code == 409
    answer = http.post("/v1/login", json=credentials)
    assert "HttpOnly" in answer.headers["set-cookie"]
    assert "samesite=strict" in answer.headers["set-cookie"].lower()
    cookie = {"cookie": f"refresh={answer.json()['tokens']['refresh']}"}
    assert http.post("/v1/refresh", headers=cookie).status_code == 200
    assert http.post("/v1/logout", headers=cookie).status_code == 204
    assert http.post("/v1/refresh", headers=cookie).status_code == 401
    assert http.post("/v1/refresh").status_code == 401
    wrong = http.post("/v1/login", json={**credentials, "password": "wrong horse"})
    unknown = http.post("/v1/login", json={**credentials, "username": "nobody"})
    assert (wrong.status_code, wrong.json()["detail"]) == (unknown.status_code, unknown.json()["detail"])
    assert wrong.status_code == 401


def test_what_is_for_services_alone_is_not_reached_from_outside(http: Any, admin: Any) -> None:
    for path in ("/internal/offers", "/v1/../internal/offers", "/v1/products/../../internal/offers", "/v1/none"):
        assert admin.post(path, json={"product_ids": []}).status_code in {404, 405}


def test_the_services_are_well_and_metrics_name_no_product(http: Any, product: Any) -> None:
    made = product()
    http.get(f"/v1/products/{made['id']}")
    health = http.get("/health")
    assert (health.status_code, health.json()["status"]) == (200, "ok")
    assert set(health.json()["parts"]) == set(SERVICES)
    metrics = http.get("/metrics").text
    assert 'http_request_seconds_count{method="GET",route="/v1/products/...",status="200"}' in metrics
    inside = "".join(http.get(f"/metrics/{service}").text for service in SERVICES)
    assert inside.count("# TYPE http_request_seconds histogram") == len(SERVICES)
    assert 'route="/v1/products/{product_id}",status="200"' in inside
    assert made["id"] not in metrics + inside
    assert http.get("/metrics/none").status_code == 404


@pytest.mark.parametrize("path", ["/v1", "/v1/", "/v1/products/", "/v1//products", "//v1/products", "/none", "/..%2Fx"])
def test_what_is_no_route_is_404_and_leads_nowhere_else(system: Any, http: Any, path: str) -> None:
    answer = http.send(httpx.Request("GET", httpx.URL(system.url, raw_path=path.encode())))
    assert (answer.status_code, answer.headers["content-type"]) == (404, "application/problem+json")


def test_the_openapi_document_names_the_routes_of_all_services(http: Any) -> None:
    document = http.get("/openapi.json").json()
    routes = ("me", "products/{product_id}", "orders/{order_id}/pay", "payments/{order_id}/refunds", "warehouse/stock")
    assert {f"/v1/{route}" for route in routes} <= set(document["paths"])
    assert all(path.startswith("/v1/") for path in document["paths"])
    operations = [operation for path in document["paths"].values() for operation in path.values()]
    for operation in operations:
        refusals = {code: answer for code, answer in operation["responses"].items() if code[0] in "45"}
        assert "422" not in refusals
        assert all("application/problem+json" in answer["content"] for answer in refusals.values())
    ids = [operation["operationId"] for operation in operations]
    assert len(ids) == len(set(ids))
    references = set(json.dumps(document).split('"#/components/schemas/')[1:])
    assert {reference.partition('"')[0] for reference in references} <= set(document["components"]["schemas"])


def test_a_trace_leads_through_all_services(
    http: Any, admin: Any, customer: Any, seller: Any, product: Any, collector: Any, eventually: Any
) -> None:
    within = {"headers": {"traceparent": f"00-{TRACE}-b7ad6b7169203331-01", "x-request-id": "one"}}
    sold = product()
    stock = {"product_id": sold["id"], "quantity": 1}
    assert seller.post("/v1/warehouse/stock", json=stock, **within).status_code == 201
    assert customer.get("/v1/me", **within).headers["x-request-id"] == "one"
    order = customer.post("/v1/orders", json={"lines": [stock]}, **within)
    assert order.status_code == 201, order.text
    assert customer.post(f"/v1/orders/{order.json()['id']}/pay", json={}, **within).status_code in {200, 202}
    expected = {f"marketplace.{name}" for name in (*SERVICES, "gateway")}
    eventually(lambda: expected <= collector.services.get(TRACE, set()))


def test_the_page_may_load_nothing_but_its_own(http: Any) -> None:
    answer = http.get("/")
    assert answer.headers["content-security-policy"].startswith("default-src 'none'; script-src 'self';")
    assert http.get("/shop.js").headers["content-type"].startswith("text/javascript")
