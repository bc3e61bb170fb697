"""One portfolio tracker for the tests of a module, the exchange that it follows, and people who use it."""

import asyncio
import json
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from typing import Any

import httpx
import pytest
from websockets.sync.client import ClientConnection, connect

from crypto.exchange import SimulatedExchange
from metacore.ids import new_id

PASSWORD = "correct horse"


class Exchange:
    """A simulated exchange in a thread of its own, that tells what a test has it tell."""

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._simulated = SimulatedExchange()
        self._stop = asyncio.Event()
        self._port: Future[int] = Future()
        self._thread = threading.Thread(target=self._loop.run_until_complete, args=(self._listen(),))
        self._thread.start()
        self.url = f"ws://127.0.0.1:{self._port.result(10)}/ws/!miniTicker@arr"

    async def _listen(self) -> None:
        async with self._simulated.listening("127.0.0.1", 0) as port:
            self._port.set_result(port)
            await self._stop.wait()

    def _run(self, call: Callable[[], Any]) -> Any:
        async def called() -> Any:
            return call()

        return asyncio.run_coroutine_threadsafe(called(), self._loop).result(10)

    @property
    def clients(self) -> int:
        clients: int = self._run(lambda: self._simulated.clients)
        return clients

    def quote(self, **prices: str) -> None:
        self._run(lambda: self._simulated.quote(prices.items()))

    def tell(self, message: str | bytes) -> None:
        self._run(lambda: self._simulated.tell(message))

    def hang_up(self) -> None:
        asyncio.run_coroutine_threadsafe(self._simulated.hang_up(), self._loop).result(10)

    def close(self) -> None:
        self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join(10)
        self._loop.close()


@pytest.fixture(scope="module")
def exchange() -> Iterator[Exchange]:
    """The exchange of a module."""
    one = Exchange()
    yield one
    one.close()


@pytest.fixture(scope="module")
def variables(database_url: str, redis_url: str, exchange: Exchange) -> dict[str, str]:
    """What the system of a module runs on."""
    return {"METACORE_URL": database_url, "SERVICES_REDIS": redis_url, "CRYPTO_EXCHANGE_URL": exchange.url}


@pytest.fixture(scope="module")
def system(start_copy: Any, variables: dict[str, str], exchange: Exchange, eventually: Any) -> Any:
    """The tracker that the tests of a module share; it listens to the exchange."""
    system = start_copy("crypto", **variables)
    eventually(lambda: exchange.clients == 1, 20)
    return system


class Person:
    """A user who has signed in."""

    def __init__(self, url: str) -> None:
        self.name = f"user-{new_id().hex}"
        self.url = url
        self.http = httpx.Client(base_url=url, timeout=30, verify=False)
        self.id = self.http.post("/v1/register", json=self.credentials).json()["id"]
        self.log_in()

    @property
    def credentials(self) -> dict[str, str]:
        return {"username": self.name, "password": PASSWORD}

    def log_in(self) -> dict[str, str]:
        answer = self.http.post("/v1/login", json=self.credentials)
        assert answer.status_code == 200, answer.text
        self.tokens: dict[str, str] = answer.json()["tokens"]
        self.http.headers["authorization"] = f"Bearer {self.tokens['access']}"
        return self.tokens

    def add(self, symbol: str, quantity: Any) -> httpx.Response:
        return self.http.post("/v2/coin/symbol", json={"symbol": symbol, "quantity": quantity})

    def look_on(self, **options: Any) -> ClientConnection:
        headers = {"authorization": self.http.headers["authorization"]}
        return connect(
            f"{self.url.replace('http', 'ws')}/v2/user/profile/ws", additional_headers=headers, proxy=None, **options
        )


@pytest.fixture
def person(system: Any) -> Iterator[Callable[[], Person]]:
    """Somebody new, each time it is called."""
    made: list[Person] = []

    def make() -> Person:
        made.append(Person(system.url))
        return made[-1]

    yield make
    for one in made:
        one.http.close()


@pytest.fixture
def new_person() -> Callable[[str], Person]:
    """Somebody new of the tracker that has this URL."""
    return Person


@pytest.fixture(scope="module")
def one(system: Any) -> Iterator[Person]:
    """Somebody whom the tests of a module share."""
    shared = Person(system.url)
    yield shared
    shared.http.close()


def message_until(socket: ClientConnection, check: Callable[[dict[str, Any]], bool], timeout: float = 20) -> Any:
    """The first message that is as it should be."""
    deadline = time.monotonic() + timeout
    while True:
        message = json.loads(socket.recv(timeout=timeout))
        if check(message):
            return message
        assert time.monotonic() < deadline, message


@pytest.fixture(name="message_until")
def message_until_fixture() -> Callable[..., Any]:
    """The function above."""
    return message_until
