"""Prices that nobody has paid: for test mode, and for simulated exchanges."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import asynccontextmanager, suppress
from random import Random
from typing import Any

from marketflow.settings import Address

_BEGIN = {"BTCUSDT": 97_000_00, "ETHUSDT": 3_300_00, "SOLUSDT": 190_00, "TONUSDT": 5_40, "DOGEUSDT": 35}
_EVERY = 0.05


async def generated(symbols: Iterable[str], rate: float, random: Random) -> AsyncIterator[bytes]:
    """Lines as exchanges send them: `rate` ticks a second of each symbol, which wander about, for ever."""
    prices = {symbol: _BEGIN.get(symbol, 100_00) * 10_000 for symbol in symbols}
    due, last = 0.0, time.monotonic()
    while True:
        await asyncio.sleep(max(_EVERY, 1 / rate))
        now = time.monotonic()
        due, last = due + (now - last) * rate, now
        count, due = int(due), due % 1
        yield b"".join(_line(symbol, prices, random) for _ in range(count) for symbol in prices)


def _line(symbol: str, prices: dict[str, int], random: Random) -> bytes:
    # In millionths, so that no price is a float.
    prices[symbol] = max(1, prices[symbol] + round(random.gauss(0, 0.0002) * prices[symbol]))
    whole, part = divmod(prices[symbol], 1_000_000)
    line = f'{{"symbol":{json.dumps(symbol)},"price":{whole}.{part:06},"timestamp":{time.time_ns() // 1_000_000}}}\n'
    return line.encode()


@asynccontextmanager
async def simulated(addresses: Sequence[Address], symbols: Sequence[str], rate: float) -> AsyncIterator[None]:
    """Exchanges at these addresses for the time of the block, but where somebody else listens already."""
    serving: set[asyncio.Task[Any]] = set()

    async def serve(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        serving.add(task)
        # Who was connected is served by a task of the server's, which would tell of it that it was cancelled.
        with suppress(OSError, asyncio.CancelledError):
            async for lines in generated(symbols, rate, Random()):
                writer.write(lines)
                await writer.drain()
        serving.discard(task)
        writer.close()

    servers = []
    for address in addresses:
        try:
            servers.append(await asyncio.start_server(serve, address.host, address.port))
        except OSError:
            continue
    try:
        yield
    finally:
        for server in servers:
            server.close()
        for task in serving:
            task.cancel()
        await asyncio.gather(*serving)
