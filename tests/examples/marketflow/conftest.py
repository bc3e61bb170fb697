"""Exchanges under the control of a test, the market data service that reads them, and what it ought to tell."""

import json
import socket
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from threading import Thread
from types import SimpleNamespace
from typing import Any, NamedTuple, TypeAlias

import psycopg
import pytest

from metacore.ids import new_id

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MILLISECOND = timedelta(milliseconds=1)
SYMBOLS = ("BTCUSDT", "DOGEUSDT", "TONUSDT", "SOLUSDT", "ETHUSDT")


Minute: TypeAlias = tuple[str, str, int]
Figures: TypeAlias = tuple[int, Decimal, Decimal, Decimal]


class Sent(NamedTuple):
    """A tick as the test sent it, its time in milliseconds."""

    exchange: str
    symbol: str
    price: Decimal
    at: int

    def line(self) -> bytes:
        """As an exchange sends it: the price to the digit."""
        return f'{{"symbol":{json.dumps(self.symbol)},"price":{self.price:f},"timestamp":{self.at}}}\n'.encode()


def milliseconds() -> int:
    """Now."""
    return time.time_ns() // 1_000_000


class Exchange:
    """A TCP server that sends what it is told to whoever is connected."""

    def __init__(self, name: str) -> None:
        self.name = name
        self._connections: list[socket.socket] = []
        self.port = 0
        self.open()

    def open(self) -> None:
        """Listen, on the same port as before."""
        self._server = socket.create_server(("127.0.0.1", self.port))
        self.port = self._server.getsockname()[1]
        Thread(target=self._accept, args=[self._server], daemon=True).start()

    def close(self) -> None:
        """Be gone."""
        self._server.shutdown(socket.SHUT_RDWR)
        self._server.close()
        while self._connections:
            self._connections.pop().close()

    @property
    def connections(self) -> int:
        """How many are connected."""
        for connection in tuple(self._connections):
            try:
                gone = connection.recv(1, socket.MSG_PEEK | socket.MSG_DONTWAIT) == b""
            except BlockingIOError:
                gone = False
            except OSError:
                gone = True
            if gone:
                self._drop(connection)
        return len(self._connections)

    def send(self, data: bytes) -> None:
        """Send it to all."""
        for connection in tuple(self._connections):
            try:
                connection.sendall(data)
            except OSError:
                self._drop(connection)

    def _drop(self, connection: socket.socket) -> None:
        # Who looks and who sends may both find that it is gone.
        with suppress(ValueError):
            self._connections.remove(connection)
        connection.close()

    def _accept(self, server: socket.socket) -> None:
        while True:
            try:
                self._connections.append(server.accept()[0])
            except OSError:
                return


@pytest.fixture(scope="module")
def exchanges() -> Iterator[list[Exchange]]:
    """Three exchanges."""
    made = [Exchange(f"exchange{n}") for n in (1, 2, 3)]
    yield made
    for exchange in made:
        exchange.close()


@pytest.fixture(scope="module")
def symbols() -> list[str]:
    """Symbols that no other module has, so that a database may be shared."""
    return [f"{symbol}{new_id().hex[-6:].upper()}" for symbol in SYMBOLS]


@pytest.fixture(scope="module")
def variables(database_url: str, redis_url: str, exchanges: list[Exchange], symbols: list[str]) -> dict[str, str]:
    """What the services of a module run on."""
    sources = ",".join(f"{exchange.name}=127.0.0.1:{exchange.port}" for exchange in exchanges)
    parts = {"METACORE_URL": database_url, "SERVICES_REDIS": redis_url}
    own = {"MARKETFLOW_SYMBOLS": ",".join(symbols), "MARKETFLOW_NAMESPACE": new_id().hex}
    return {**parts, **own, "MARKETFLOW_SOURCES": sources}


@pytest.fixture(scope="module")
def await_connections(exchanges: list[Exchange], eventually: Any) -> Callable[[], None]:
    """Wait until each exchange has one connection."""
    return lambda: eventually(lambda: all(exchange.connections == 1 for exchange in exchanges), 20)


@pytest.fixture(scope="module")
def system(start_copy: Any, variables: dict[str, str], await_connections: Any) -> Any:
    """The service that the tests of a module share, connected to all exchanges."""
    system = start_copy("marketflow", **variables)
    await_connections()
    return system


class Feed:
    """Sends ticks by their exchanges, and knows them all."""

    def __init__(self, exchanges: Sequence[Exchange]) -> None:
        self._exchanges = {exchange.name: exchange for exchange in exchanges}
        self.sent: list[Sent] = []

    def send(self, *ticks: Sent) -> None:
        """Send these in their order, those of each exchange at once."""
        lines: dict[str, list[bytes]] = {}
        for tick in ticks:
            lines.setdefault(tick.exchange, []).append(tick.line())
        for name, sent_lines in lines.items():
            self._exchanges[name].send(b"".join(sent_lines))
        self.sent += ticks

    def minutes(self) -> dict[Minute, list[Decimal]]:
        """The prices of each minute of each pair: minutes are half-open."""
        found: dict[Minute, list[Decimal]] = {}
        for tick in self.sent:
            found.setdefault((tick.symbol, tick.exchange, tick.at - tick.at % 60_000), []).append(tick.price)
        return found


@pytest.fixture
def feed(exchanges: list[Exchange]) -> Feed:
    """What a test sends."""
    return Feed(exchanges)


def average(prices: Sequence[Decimal]) -> Decimal:
    """At 18 places, half to even: computed by fractions, not as the library does."""
    exact = sum(map(Fraction, prices), Fraction()) / len(prices) * 10**18
    return Decimal(f"{round(exact)}e-18")


@pytest.fixture
def stored(
    variables: dict[str, str],
) -> Callable[[], dict[tuple[str, str, int], tuple[int, Decimal, Decimal, Decimal]]]:
    """Count, average, lowest and highest price of each minute that is stored of the module's symbols, by the view."""

    def read(view: str = "market_minutes") -> Any:
        with psycopg.connect(variables["METACORE_URL"]) as connection:
            rows = connection.execute(
                "SELECT pair_name, exchange, timestamp, count, average_price, min_price, max_price"
                f" FROM metacore.{view} WHERE pair_name = ANY(%s)".encode(),
                [variables["MARKETFLOW_SYMBOLS"].split(",")],
            )
            return {(pair, place, (at - EPOCH) // MILLISECOND): tuple(rest) for pair, place, at, *rest in rows}

    return read


def recomputed(feed: Feed) -> dict[Minute, Figures]:
    """What ought to be stored of what was sent."""
    return {key: (len(p), average(p), min(p), max(p)) for key, p in feed.minutes().items()}


def moment(text: str) -> int:
    """The milliseconds of a time in an answer, which are whole."""
    since, rest = divmod(datetime.fromisoformat(text) - EPOCH, MILLISECOND)
    assert not rest
    return since


def window(ticks: Sequence[Sent], answer: dict[str, Any]) -> list[Sent]:
    """Those of `ticks` that an answer is about, as it says."""
    since, until = moment(answer["since"]), moment(answer["until"])
    places = {answer["exchange"]} if answer["exchange"] else {tick.exchange for tick in ticks}
    of = [tick for tick in ticks if tick.symbol == answer["symbol"] and tick.exchange in places]
    return [tick for tick in of if since <= tick.at < until]


@pytest.fixture(scope="session")
def reckoning() -> Any:
    """How answers are recomputed: `average`, `moment`, `recomputed`, `window`, `milliseconds`, `Sent`."""
    return SimpleNamespace(
        average=average, moment=moment, recomputed=recomputed, window=window, milliseconds=milliseconds, Sent=Sent
    )
