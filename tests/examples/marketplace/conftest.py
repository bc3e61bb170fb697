"""One marketplace for the tests of this folder, and who trades there."""

import functools
import os
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from typing import Any, TypeVar

import httpx
import pytest

from metacore.ids import new_id
from metacore.testing.databases import Databases

from .shared import Shared
from .traces import Collector
from .trade import Trade

T = TypeVar("T")

_SHARED = pytest.StashKey[Shared]()

PASSWORD = "correct horse"


class Caller:
    """Somebody who has signed in, and what is asked in that name."""

    def __init__(self, http: httpx.Client, username: str) -> None:
        self._http, self.username = http, username
        self._sign_in()

    def _sign_in(self) -> None:
        answer = self._http.post("/v1/login", json={"username": self.username, "password": PASSWORD})
        assert answer.status_code == 200, answer.text
        signed_in = answer.json()
        self.id, self.tokens = signed_in["user"]["id"], signed_in["tokens"]
        self.headers = {"authorization": f"Bearer {self.tokens['access']}"}

    def ask(self, method: str, path: str, **sent: Any) -> httpx.Response:
        """Ask with the token; with another one when its time is over, for the long forms of tests last longer."""
        answer = self._ask(method, path, **sent)
        if answer.status_code == 401 and "is over" in answer.text:
            self._sign_in()
            answer = self._ask(method, path, **sent)
        return answer

    def _ask(self, method: str, path: str, **sent: Any) -> httpx.Response:
        return self._http.request(method, path, **{**sent, "headers": {**self.headers, **sent.get("headers", {})}})

    def __getattr__(self, name: str) -> Callable[..., httpx.Response]:
        return functools.partial(self.ask, name.upper())


@pytest.fixture(scope="session")
def collector() -> Iterator[Collector]:
    """The collector of traces."""
    with Collector() as collector:
        yield collector


@pytest.fixture(scope="session")
def shared(
    request: pytest.FixtureRequest, run_system: Any, metacore_databases: Databases, kafka_url: str, collector: Collector
) -> Iterator[Shared]:
    """The marketplace that all tests of this folder share, since its seven processes take a while to start."""
    with ExitStack() as stack:
        variables = {
            "METACORE_URL": os.environ.get("METACORE_URL") or stack.enter_context(metacore_databases.database()),
            "SERVICES_KAFKA": kafka_url,
            "MARKETPLACE_TOPICS": f"{new_id().hex}.",
            "MARKETPLACE_ADMIN_PASSWORD": PASSWORD,
            # What is done and published later is not waited for.
            "MARKETPLACE_SWEEP_EVERY": "0.3",
            "MARKETPLACE_PAY_WAITS": "10",
            "MARKETPLACE_EVENTS_KEPT_FOR": "3",
            "OTEL_EXPORTER_OTLP_ENDPOINT": collector.url,
            "OTEL_BSP_SCHEDULE_DELAY": "500",
        }
        shared = request.session.stash[_SHARED] = Shared(functools.partial(run_system, "marketplace", **variables))
        yield shared
        shared.stop()


@pytest.hookimpl(trylast=True)
def pytest_runtest_teardown(item: pytest.Item, nextitem: pytest.Item | None) -> None:
    """End the marketplace behind the last test of this folder: it would take from the time of the others."""
    shared = item.session.stash.get(_SHARED, None)
    if shared is not None and (nextitem is None or nextitem.path.parent != item.path.parent):
        shared.stop()


@pytest.fixture(scope="module")
def system(shared: Shared) -> Any:
    """The marketplace; a module that needs another one has a fixture of this name."""
    return shared.get()


@pytest.fixture(scope="module")
def http(system: Any) -> Iterator[httpx.Client]:
    """A client that keeps no cookies."""
    with httpx.Client(base_url=system.url, timeout=30, verify=False) as client:
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
