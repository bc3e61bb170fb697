"""The market data service under load.

Ticks by TCP into exact minutes, paced, as one process takes them; then the newest price, asked for as fast as it is
answered while ticks come; then one exchange that floods, and how late the ticks of another are; then memory while
ticks come for longer. `MARKETFLOW_LOAD_SECONDS` says for how long each, `MARKETFLOW_LOAD_MEMORY` for the last.
"""

from __future__ import annotations

import asyncio
import os
import statistics
import time
from decimal import Decimal

import aiohttp
import psutil
import uvloop
from services.harness import ask, processor_time, running

import metacore
from common.parts import Parts
from common.ports import free_port

SECONDS = float(os.environ.get("MARKETFLOW_LOAD_SECONDS", "10"))
MEMORY = float(os.environ.get("MARKETFLOW_LOAD_MEMORY", SECONDS))
ROUNDS = 5
CONNECTIONS = 16
SYMBOLS = ("BTCUSDT", "DOGEUSDT", "TONUSDT", "SOLUSDT", "ETHUSDT")
EXCHANGES = ("exchange1", "exchange2", "exchange3")
EVERY = 0.02
FLOOD = 50_000
"""So many lines a second."""


class Exchanges:
    """Exchanges that send what they are told to whoever is connected, and know what they sent."""

    def __init__(self) -> None:
        self.ports = {name: free_port() for name in EXCHANGES}
        self._writers: list[asyncio.StreamWriter] = []
        self._connected = asyncio.Event()
        self._number = 0
        self.count, self.sum = 0, Decimal(0)
        self._price = Decimal(0)

    async def open(self) -> None:
        """Listen."""
        for port in self.ports.values():
            await asyncio.start_server(self._accept, "127.0.0.1", port)

    async def connected(self) -> None:
        """Wait until somebody is connected to each."""
        await self._connected.wait()

    async def send(self, rate: float, seconds: float) -> None:
        """Send so many ticks a second, over all exchanges and symbols."""
        began, done = time.perf_counter(), 0
        while (passed := time.perf_counter() - began) < seconds:
            due = int(passed * rate) - done
            done += due
            for n, writer in enumerate(self._writers):
                writer.write(b"".join(self._line() for _ in range(n, due, len(self._writers))))
                await writer.drain()
            await asyncio.sleep(EVERY)

    async def flood(self, seconds: float) -> int:
        """Send as many lines by the first exchange alone as it takes, up to the flood's; how many they were."""
        began, sent = time.perf_counter(), 0
        while (passed := time.perf_counter() - began) < seconds:
            due = min(int(passed * FLOOD) - sent, FLOOD // 10)
            line = self._line()
            self.count, self.sum = self.count - 1, self.sum - self._price
            self._writers[0].write(line * due)
            self.count, self.sum = self.count + due, self.sum + due * self._price
            sent += due
            await self._writers[0].drain()
            await asyncio.sleep(EVERY)
        return sent

    async def tell(self, number: int) -> str:
        """Send one tick by the last exchange; its price."""
        self._number = number * len(SYMBOLS)
        self._writers[-1].write(self._line())
        await self._writers[-1].drain()
        return f"{self._price.normalize():f}"

    async def _accept(self, _: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._writers.append(writer)
        if len(self._writers) == len(self.ports):
            self._connected.set()

    def _line(self) -> bytes:
        self._number = n = self._number + 1
        price = f"{50_000 + n % 1000}.{n % 1_000_000:06}"
        self._price = Decimal(price)
        self.count, self.sum = self.count + 1, self.sum + self._price
        symbol, at = SYMBOLS[n % len(SYMBOLS)], time.time_ns() // 1_000_000
        return f'{{"symbol":"{symbol}","price":{price},"timestamp":{at}}}\n'.encode()


async def stored(url: str) -> tuple[int, Decimal]:
    """How many ticks the minutes have, and what their prices add up to."""
    count, total = 0, Decimal(0)
    async with metacore.connect(url) as storage:
        for symbol in SYMBOLS:
            async for bar in storage.bars.stream("live", symbol):
                count, total = count + bar.count, total + bar.sum
    return count, total


async def require_exact(url: str, exchanges: Exchanges) -> None:
    """Wait until all that was sent is stored, and no more."""
    for _ in range(100):
        if (await stored(url))[0] >= exchanges.count:
            break
        await asyncio.sleep(0.1)
    assert await stored(url) == (exchanges.count, exchanges.sum), "the minutes are not those of the ticks"


async def counted(url: str, exchanges: Exchanges, rate: float, process: psutil.Process) -> None:
    """Ticks into exact minutes."""
    before, began = processor_time(process), time.perf_counter()
    await exchanges.send(rate, SECONDS)
    sent = time.perf_counter() - began
    await require_exact(url, exchanges)
    took, used = time.perf_counter() - began, processor_time(process) - before
    print(f"ticks: {exchanges.count} sent in {sent:.1f} s, {exchanges.count / sent:,.0f}/s; in exact minutes after")
    print(f"  {took:.1f} s, count and sum equal; {used / exchanges.count * 1e6:.0f} us of processor time each")


async def asked(port: int, exchanges: Exchanges, process: psutil.Process) -> None:
    """The newest price, while 1,000 ticks a second come."""
    sending = asyncio.create_task(exchanges.send(1000, 60 * SECONDS))
    rates, every, used = [], list[float](), []
    length = SECONDS / ROUNDS
    for _ in range(ROUNDS):
        before = processor_time(process)
        times, wrong = await ask(port, "/prices/latest/BTCUSDT", length, CONNECTIONS)
        assert not wrong, f"{wrong} of {len(times)} answers were wrong"
        used.append((processor_time(process) - before) / len(times))
        rates.append(len(times) / length)
        every += times
    sending.cancel()
    every.sort()
    print(f"latest, while 1,000 ticks/s come: {len(every)} asked; median round {statistics.median(rates):,.0f}/s")
    print(f"  p50 {every[len(every) // 2] * 1e3:.2f} ms, p99 {every[len(every) * 99 // 100] * 1e3:.2f} ms")
    print(f"  {statistics.median(used) * 1e6:.0f} us of processor time each, with that of the ticks")


async def flooded(url: str, port: int, exchanges: Exchanges, process: psutil.Process) -> None:
    """How late the ticks of one exchange are while another floods."""
    before, late = process.memory_info().rss, list[float]()
    flood = asyncio.create_task(exchanges.flood(SECONDS))
    latest = f"http://127.0.0.1:{port}/prices/latest/{EXCHANGES[-1]}/{SYMBOLS[1]}"
    async with aiohttp.ClientSession() as http:
        while not flood.done():
            price, began = await exchanges.tell(len(late)), time.perf_counter()
            while True:
                async with http.get(latest) as answer:
                    if (await answer.json()).get("price") == price:
                        break
                await asyncio.sleep(0.01)
            late.append(time.perf_counter() - began)
            await asyncio.sleep(0.05)
    await require_exact(url, exchanges)
    more = (process.memory_info().rss - before) / 2**20
    late.sort()
    median, most = late[len(late) // 2] * 1e3, late[-1] * 1e3
    print(
        f"one exchange floods: of {FLOOD:,} lines/s {await flood / SECONDS:,.0f} are taken; another's {len(late)} ticks"
    )
    print(f"  are late by {median:.0f} ms, {most:.0f} ms at most; memory {more:+.0f} MiB")


async def flat(exchanges: Exchanges, process: psutil.Process) -> None:
    """Memory, while 1,000 ticks a second come."""
    sending = asyncio.create_task(exchanges.send(1000, 2 * MEMORY))
    sizes = []
    for _ in range(6):
        await asyncio.sleep(MEMORY / 6)
        sizes.append(process.memory_info().rss / 2**20)
    sending.cancel()
    print(f"memory, at 1,000 ticks/s for {MEMORY:.0f} s: {', '.join(f'{size:.0f}' for size in sizes)} MiB")


async def load(urls: dict[str, str]) -> None:
    """All of it, on one service."""
    exchanges, port = Exchanges(), free_port()
    await exchanges.open()
    sources = ",".join(f"{name}=127.0.0.1:{own}" for name, own in exchanges.ports.items())
    with running("marketflow", {**urls, "MARKETFLOW_SOURCES": sources}, port) as process:
        await exchanges.connected()
        await counted(urls["METACORE_URL"], exchanges, 10_000, process)
        await asked(port, exchanges, process)
        await flooded(urls["METACORE_URL"], port, exchanges, process)
        await flat(exchanges, process)


def main() -> None:
    with Parts("METACORE_URL", "SERVICES_REDIS") as parts:
        uvloop.run(load(parts.urls))


if __name__ == "__main__":
    main()
