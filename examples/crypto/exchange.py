"""`python -m crypto.exchange`: an exchange that is none: its WebSocket tells miniTickers of a file, again and again."""

from __future__ import annotations

import asyncio
import json
import sys
import time
from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import asynccontextmanager, suppress
from functools import partial
from itertools import cycle, groupby
from pathlib import Path
from typing import Any

from websockets.asyncio.server import Server, ServerConnection, broadcast, serve
from websockets.exceptions import ConnectionClosed

from common import logs
from common.group import parts_of
from common.parts import Parts
from common.serving import run
from crypto.settings import ExchangeSettings

RECORDED = Path(__file__).parents[1] / "data" / "binance" / "mini_tickers.jsonl"


def recorded(path: Path = RECORDED) -> list[list[dict[str, Any]]]:
    """What the file has: for each second, the tickers of it."""
    messages = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    return [list(of_second) for _, of_second in groupby(messages, lambda message: message["E"] // 1000)]


class SimulatedExchange:
    """Tells everyone who is connected the same messages, whatever they asked for, as `!miniTicker@arr` does.

    It can hang up, tell garbage, and fall silent, as real ones do.
    """

    def __init__(self) -> None:
        self.silent = False
        self._server: Server | None = None

    @property
    def clients(self) -> int:
        """How many are connected."""
        return len(self._connections())

    @asynccontextmanager
    async def listening(self, host: str, port: int) -> AsyncIterator[int]:
        """Take connections for the time of the block; gives the port."""
        async with serve(_listen_on, host, port, compression=None) as server:
            self._server = server
            yield next(iter(server.sockets)).getsockname()[1]
        self._server = None

    def tell(self, message: str | bytes) -> None:
        """Send everyone this, unless it is silent."""
        if not self.silent:
            broadcast(self._connections(), message)

    def quote(self, prices: Iterable[tuple[str, str]]) -> None:
        """Tell everyone these prices, by symbol."""
        now = time.time_ns() // 1_000_000
        self.tell(json.dumps([_ticker(symbol, price, now) for symbol, price in prices]))

    async def hang_up(self) -> None:
        """Close every connection."""
        await asyncio.gather(*(connection.close() for connection in self._connections()))

    async def replay(self, seconds: Sequence[Sequence[dict[str, Any]]], every: float) -> None:
        """Tell these again and again, as of now, until cancelled."""
        for tickers in cycle(seconds):
            now = time.time_ns() // 1_000_000
            self.tell(json.dumps([{**ticker, "E": now} for ticker in tickers]))
            await asyncio.sleep(every)

    def _connections(self) -> Sequence[ServerConnection]:
        return [] if self._server is None else list(self._server.connections)


def _ticker(symbol: str, price: str, now: int) -> dict[str, Any]:
    same = dict.fromkeys("ohl", price)
    return {"e": "24hrMiniTicker", "E": now, "s": symbol, "c": price, **same, "v": "1", "q": price}


async def _listen_on(connection: ServerConnection) -> None:
    with suppress(ConnectionClosed):
        async for _ in connection:
            pass


async def serve_replay(settings: ExchangeSettings, _: dict[str, str], stop: asyncio.Event) -> None:
    """Replay what was recorded until the event is set."""
    exchange = SimulatedExchange()
    async with exchange.listening(settings.host, settings.port):
        replaying = asyncio.create_task(exchange.replay(recorded(), settings.every))
        print("ready", flush=True)
        await stop.wait()
        replaying.cancel()


def main() -> int:
    """Run the process."""
    settings = ExchangeSettings()
    logs.configure("crypto", settings.log_level)
    return run(partial(serve_replay, settings), parts_of(Parts))


if __name__ == "__main__":
    sys.exit(main())
