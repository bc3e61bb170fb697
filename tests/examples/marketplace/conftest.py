"""One marketplace for the tests of a module, and who trades there."""

import functools
import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from typing import Any, TypeVar

import httpx
import psutil
import pytest

import metacore.sync
from metacore import Settings
from metacore.ids import new_id

T = TypeVar("T")

PASSWORD = "correct horse"


class Caller:
    """Somebody who has signed in, and what is asked in that name."""

    def __init__(self, http: httpx.Client, username: str) -> None:
        answer = http.post("/v1/login", json={"username": username, "password": PASSWORD})
        assert answer.status_code == 200, answer.text
        told = answer.json()
        self._http = http
        self.id, self.username, self.tokens = told["user"]["id"], username, told["tokens"]
        self.headers = {"authorization": f"Bearer {self.tokens['access']}"}

    def ask(self, method: str, path: str, **sent: Any) -> httpx.Response:
        """Ask with the token."""
        return self._http.request(method, path, **{**sent, "headers": {**self.headers, **sent.get("headers", {})}})

    def __getattr__(self, name: str) -> Callable[..., httpx.Response]:
        return functools.partial(self.ask, name.upper())


@pytest.fixture(scope="module")
def parts(database_url: str, kafka_url: str) -> dict[str, str]:
    """What the marketplace of a module runs on."""
    return {"METACORE_URL": database_url, "SERVICES_KAFKA": kafka_url}


@pytest.fixture(scope="module")
def variables() -> dict[str, str]:
    """What the marketplace of a module is told beside what all are."""
    return {}


@pytest.fixture(scope="module")
def topics_begin() -> str:
    """How the names of the topics of a module begin."""
    return f"{new_id().hex}."


@pytest.fixture(scope="module")
def system(parts: dict[str, str], variables: dict[str, str], topics_begin: str, start_system: Any) -> Any:
    """The marketplace that the tests of a module share."""
    own = {"MARKETPLACE_TOPICS": topics_begin, "MARKETPLACE_ADMIN_PASSWORD": PASSWORD}
    return start_system("marketplace", **parts, **own, **variables)


@pytest.fixture(scope="module")
def http(system: Any) -> Iterator[httpx.Client]:
    """A client that keeps no cookies."""
    with httpx.Client(base_url=system.url, timeout=30) as client:
        client.event_hooks = {"response": [lambda _: client.cookies.clear()]}
        yield client


@pytest.fixture(scope="module")
def admin(http: httpx.Client) -> Caller:
    """The ADMIN that the system has from its start."""
    return Caller(http, "admin")


@pytest.fixture(scope="module")
def signed_in(http: httpx.Client, admin: Caller) -> Callable[..., Caller]:
    """Register somebody, with these roles beside that of a customer, and sign in."""

    def sign_in(*roles: str) -> Caller:
        username = new_id().hex
        answer = http.post("/v1/register", json={"username": username, "password": PASSWORD})
        assert answer.status_code == 201, answer.text
        for role in roles:
            assert admin.put(f"/v1/users/{answer.json()['id']}/roles/{role}").status_code == 200
        return Caller(http, username)

    return sign_in


@pytest.fixture(scope="module")
def seller(signed_in: Callable[..., Caller]) -> Caller:
    """Somebody who sells."""
    return signed_in("SELLER")


@pytest.fixture(scope="module")
def customer(signed_in: Callable[..., Caller]) -> Caller:
    """Somebody who buys."""
    return signed_in()


@pytest.fixture(scope="module")
def category(admin: Caller) -> dict[str, Any]:
    """A category at the top."""
    made: dict[str, Any] = admin.post("/v1/categories", json={"name": new_id().hex}).json()
    return made


@pytest.fixture(scope="module")
def product(seller: Caller, category: dict[str, Any]) -> Callable[..., dict[str, Any]]:
    """Sell a product, with these changes."""

    def sell(**changes: Any) -> dict[str, Any]:
        new = {"title": "Shoes", "price": "12.50", "currency": "USD", "category_id": category["id"], **changes}
        answer = seller.post("/v1/products", json=new)
        assert answer.status_code == 201, answer.text
        made: dict[str, Any] = answer.json()
        return made

    return sell


def at_once(work: Callable[[int], T], count: int, workers: int = 16) -> list[T]:
    """What `count` calls give, as many at the same time as there are workers."""
    with ThreadPoolExecutor(workers) as pool:
        return list(pool.map(work, range(count)))


class Trade:
    """What is done with orders in a marketplace that runs."""

    def __init__(self, system: Any, customer: Any, keeper: Any, product: Callable[..., dict[str, Any]]) -> None:
        self.system, self.customer, self.keeper, self._product = system, customer, keeper, product
        self.bank = httpx.Client(base_url=system.parts["MARKETPLACE_PAYMENT_GATEWAY"], timeout=30)

    def stocked(self, quantity: int, **changes: Any) -> str:
        """A product of which there is so much."""
        product_id: str = self._product(**changes)["id"]
        self.put_in(product_id, quantity)
        return product_id

    def put_in(self, product_id: str, quantity: int) -> None:
        """More of it has come in."""
        answer = self.keeper.post("/v1/warehouse/stock", json={"product_id": product_id, "quantity": quantity})
        assert answer.status_code == 201, answer.text

    def stock(self, product_id: str) -> tuple[int, int]:
        """How much is free, and how much is reserved."""
        told = self.keeper.get(f"/v1/warehouse/stock/{product_id}").json()
        return told["free"], told["reserved"]

    def order(self, goods: dict[str, int], key: str = "", customer: Any = None) -> httpx.Response:
        """Order so much of each."""
        lines = [{"product_id": product_id, "quantity": quantity} for product_id, quantity in goods.items()]
        headers = {"idempotency-key": key or new_id().hex}
        answer: httpx.Response = (customer or self.customer).post("/v1/orders", json={"lines": lines}, headers=headers)
        return answer

    def ordered(self, goods: dict[str, int]) -> dict[str, Any]:
        """The order, which is reserved."""
        answer = self.order(goods)
        assert answer.status_code == 201, answer.text
        told: dict[str, Any] = answer.json()
        assert told["state"] == "RESERVED"
        return told

    def get(self, order_id: str) -> dict[str, Any]:
        """The order as it is now."""
        told: dict[str, Any] = self.customer.get(f"/v1/orders/{order_id}").json()
        return told

    def payment(self, order_id: str) -> dict[str, Any]:
        """Its payment as it is now."""
        told: dict[str, Any] = self.customer.get(f"/v1/payments/{order_id}").json()
        return told

    def pay(self, order_id: str) -> httpx.Response:
        """Pay it."""
        answer: httpx.Response = self.customer.post(f"/v1/orders/{order_id}/pay")
        return answer

    def cancel(self, order_id: str) -> httpx.Response:
        """Cancel it."""
        answer: httpx.Response = self.customer.post(f"/v1/orders/{order_id}/cancel")
        return answer

    def mind(self, mode: str) -> None:
        """Let the bank be minded so."""
        assert self.bank.put("/mode", json={"mode": mode}).status_code == 200

    def bank_log(self, of: Iterable[str]) -> list[dict[str, Any]]:
        """What the bank's own log has about these orders: captures by their ids, refunds of them."""
        wanted = set(of)
        return [entry for entry in self.bank.get("/log").json() if {entry["key"], entry["of"]} & wanted]

    def storage(self, service: str) -> metacore.sync.Storage:
        """What a service has stored."""
        url = self.system.parts["METACORE_URL"]
        url = os.environ.get("METACORE_URL", url) if url == "(as given)" else url
        return metacore.sync.connect(url, settings=Settings(schema=f"marketplace_{service}"))

    def process(self, service: str) -> psutil.Process | None:
        """The process of a service, if it lives."""
        family = psutil.Process(self.system.process.pid).children()
        return next((one for one in family if one.name() == service), None)

    def require_consistent(self, order_ids: Sequence[str], goods: dict[str, int]) -> None:
        """Stock and money are what these orders, of all that there are of `goods`, make of them."""
        orders = [self.get(order_id) for order_id in order_ids]
        sold = dict.fromkeys(goods, 0)
        held = dict.fromkeys(goods, 0)
        for order in orders:
            for line in order["lines"]:
                if order["state"] in ("PAID", "SHIPPED"):
                    sold[line["product_id"]] += line["quantity"]
                elif order["state"] == "RESERVED":
                    held[line["product_id"]] += line["quantity"]
        for product_id, quantity in goods.items():
            free = quantity - sold[product_id] - held[product_id]
            assert self.stock(product_id) == (free, held[product_id])
        log = self.bank_log(order_ids)
        took = {
            entry["key"]: Decimal(entry["amount"]) for entry in log if not entry["of"] and entry["outcome"] == "DONE"
        }
        assert took == {order["id"]: Decimal(order["total"]) for order in orders if order["state"] == "PAID"}
        for service in ("warehouse", "payments"):
            with self.storage(service) as storage:
                for user in storage.users.stream():
                    assert not storage.balances.audit(user.id)


@pytest.fixture(name="at_once")
def at_once_fixture() -> Callable[..., list[Any]]:
    """The function above."""
    return at_once


@pytest.fixture(scope="module")
def trade(system: Any, customer: Caller, product: Any, signed_in: Callable[..., Caller]) -> Iterator[Trade]:
    """What is done with orders in the marketplace of the module."""
    trade = Trade(system, customer, signed_in("WAREHOUSE"), product)
    yield trade
    trade.bank.close()
