"""One marketplace for the tests of a module, and who trades there."""

import functools
from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest

from metacore.ids import new_id

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
def system(start_system: Any, parts: dict[str, str], variables: dict[str, str]) -> Any:
    """The marketplace that the tests of a module share."""
    own = {"MARKETPLACE_TOPICS": f"{new_id().hex}.", "MARKETPLACE_ADMIN_PASSWORD": PASSWORD}
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
