"""The portfolio tracker under load: refreshes, live sockets, log-ins, and log-ins that fail.

    nox -s bench -- benchmarks/services/portfolio_tracker.py

A rate by processor time is of the process that people talk to. Who asks takes a part of the same machine, which is told
where it is known. The time of a price is from its being told in Redis to its being read from each socket.
"""

from __future__ import annotations

import asyncio
import base64
import os
import re
import statistics
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import cast

import httpx
import psutil
import uvloop
from pydantic import SecretStr
from services.harness import EXAMPLES, Asker, processor_time

import metacore
from common import redis_client
from common.access_tokens import AccessTokens, Claims
from common.parts import Parts
from common.ports import free_port
from crypto.quotes import Quote, pack, quotes_of

KEY = "k" * 64
PASSWORD = "correct horse"
REFRESH = b"POST /v1/refresh HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\n"
SYMBOL = "loadusdt"
SESSIONS, REFRESH_SECONDS = 32, 5.0
SOCKETS, PRICES = 1000, 10
LOGINS, LOGINS_PER_SECOND = 100, 20
FAILURES = 30


class Refresher(Asker):
    """Presents a refresh token, and each time the one that it gets, until it is time."""

    def __init__(self, token: str, until: float, times: list[float]) -> None:
        super().__init__(_refresh(token.encode()), until, times, None)
        self.wrong = 1

    def goes_on(self, head: bytes, body: bytes) -> bool:
        self.wrong = 0
        super().goes_on(head, body)
        self._request = _refresh(body.partition(b'"refresh":"')[2].partition(b'"')[0])
        return not self.wrong


def _refresh(token: bytes) -> bytes:
    body = b'{"refresh":"%s"}' % token
    return b"%scontent-length: %d\r\n\r\n%s" % (REFRESH, len(body), body)


class Socket(asyncio.Protocol):
    """A live profile that notes when it is told each price."""

    def __init__(self, head: bytes, on_data: Callable[[bytes], None]) -> None:
        self._head, self._on_data = head, on_data
        self.opened: asyncio.Future[bool] = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)
        self.transport.write(self._head)

    def data_received(self, data: bytes) -> None:
        if not self.opened.done():
            self.opened.set_result(data.startswith(b"HTTP/1.1 101"))
            return
        self._on_data(data)


@contextmanager
def tracker(urls: dict[str, str], port: int) -> Iterator[psutil.Process]:
    """The tracker, once it is ready; gives the process that people talk to."""
    environment = {
        **os.environ,
        **urls,
        "CRYPTO_PORT": str(port),
        "CRYPTO_ACCESS_KEY": KEY,
        "CRYPTO_LOG_LEVEL": "ERROR",
    }
    with subprocess.Popen(
        [sys.executable, "-m", "crypto"], cwd=EXAMPLES, env=environment, stdout=subprocess.PIPE
    ) as process:
        assert process.stdout is not None
        try:
            while process.stdout.readline() != b"crypto: ready\n":
                assert process.poll() is None, "the tracker did not start"
            yield max(psutil.Process(process.pid).children(), key=_memory)
        finally:
            process.terminate()


def _memory(process: psutil.Process) -> int:
    # Of the copies, the one with the web server has the most memory of its own.
    return int(process.memory_full_info().uss)


def at(values: Sequence[float], percent: int) -> str:
    return f"p{percent} {sorted(values)[min(len(values) - 1, len(values) * percent // 100)] * 1e3:.1f} ms"


async def refreshes(port: int, process: psutil.Process) -> None:
    credentials = {"username": f"refresh-{time.time_ns()}", "password": PASSWORD}
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", timeout=30) as client:
        assert (await client.post("/v1/register", json=credentials)).status_code == 201
        tokens = [(await client.post("/v1/login", json=credentials)).json()["tokens"] for _ in range(SESSIONS)]
    times: list[float] = []
    until = time.perf_counter() + REFRESH_SECONDS
    before, asking = processor_time(process), time.process_time()
    askers = [Refresher(pair["refresh"], until, times) for pair in tokens]
    for asker in askers:
        await asyncio.get_running_loop().create_connection(lambda asker=asker: asker, "127.0.0.1", port)  # type: ignore[misc]
    await asyncio.gather(*(asker.ended for asker in askers))
    assert not any(asker.wrong for asker in askers), "not each was answered by 200"
    used, asked = processor_time(process) - before, time.process_time() - asking
    print(f"refreshes: {len(times) / REFRESH_SECONDS:,.0f}/s by {SESSIONS} sessions, {at(times, 50)}, {at(times, 99)}")
    print(f"  {used / len(times) * 1e6:.0f} us of processor time each, and {asked / len(times) * 1e6:.0f} to ask")


async def sockets(urls: dict[str, str], port: int, process: psutil.Process) -> None:
    access = AccessTokens("crypto", SecretStr(KEY), timedelta(hours=1))
    async with metacore.connect(urls["METACORE_URL"]) as storage:
        users = [
            await storage.users.create(metacore.NewUser(username=f"socket-{n}-{time.time_ns()}"))
            for n in range(SOCKETS)
        ]
        for user in users:
            await storage.portfolios.put(user.id, SYMBOL, Decimal(1))
    published_at: dict[bytes, float] = {}
    times: list[float] = []
    total = re.compile(rb'"Total":"(\d+)"')

    def on_data(data: bytes) -> None:
        now = time.perf_counter()
        times.extend(now - published_at[price] for price in total.findall(data) if price in published_at)

    loop = asyncio.get_running_loop()
    opened: list[Socket] = []
    began = time.perf_counter()
    for user in users:
        token = access.issue(Claims(user.id, metacore.new_id()), datetime.now(UTC))
        key = base64.b64encode(os.urandom(16)).decode()
        head = (
            f"GET /v2/user/profile/ws HTTP/1.1\r\nhost: x\r\nupgrade: websocket\r\nconnection: upgrade\r\n"
            f"sec-websocket-key: {key}\r\nsec-websocket-version: 13\r\nauthorization: Bearer {token}\r\n\r\n"
        )
        _, one = await loop.create_connection(lambda head=head: Socket(head.encode(), on_data), "127.0.0.1", port)  # type: ignore[misc]
        assert await one.opened
        opened.append(one)
    took = time.perf_counter() - began
    client = redis_client.connect(urls["SERVICES_REDIS"])
    await asyncio.sleep(3)
    before, asking = processor_time(process), time.process_time()
    for price in range(1, PRICES + 1):
        published_at[b"%d" % price] = time.perf_counter()
        await client.publish(quotes_of(SYMBOL), pack([Quote(SYMBOL, Decimal(price), datetime.now(UTC))]))
        await asyncio.sleep(1)
    used, asked = processor_time(process) - before, time.process_time() - asking
    await client.aclose()
    for one in opened:
        one.transport.close()
    assert len(times) >= SOCKETS * PRICES * 0.99, f"{len(times)} of {SOCKETS * PRICES} were told"
    print(f"sockets: {SOCKETS}, opened in {took:.1f} s, a price a second: {len(times)} told")
    print(f"  {at(times, 50)}, {at(times, 99)}, longest {max(times) * 1e3:.1f} ms")
    print(f"  {used / len(times) * 1e6:.0f} us of processor time each, and {asked / len(times) * 1e6:.0f} to read")


async def log_ins(url: str) -> None:
    async with httpx.AsyncClient(base_url=url, timeout=30) as client:
        name = f"login-{time.time_ns()}"
        right = {"username": name, "password": PASSWORD}
        assert (await client.post("/v1/register", json=right)).status_code == 201

        async def one(body: dict[str, str], status: int) -> float:
            began = time.perf_counter()
            assert (await client.post("/v1/login", json=body)).status_code == status
            return time.perf_counter() - began

        async def later(after: float, work: Callable[[], Awaitable[float]]) -> float:
            await asyncio.sleep(after)
            return await work()

        paced = [later(n / LOGINS_PER_SECOND, lambda: one(right, 200)) for n in range(LOGINS)]
        times = await asyncio.gather(*paced)
        print(f"log-ins: {LOGINS}, {LOGINS_PER_SECOND} a second: {at(times, 50)}, {at(times, 95)}")

        wrong, unknown = [], []
        for number in range(FAILURES):
            # After a few failures a name has to wait, which would be no proof of anything.
            if number % 10 == 0:
                await one(right, 200)
            wrong.append(await one({"username": name, "password": "wrong horse"}, 401))
            unknown.append(await one({"username": f"nobody-{number}", "password": "wrong horse"}, 401))
        ratio = statistics.median(wrong) / statistics.median(unknown)
        print(f"  a wrong password takes {ratio:.2f} of the time of an unknown name (medians of {FAILURES}, in turn)")


def main() -> None:
    port = free_port()
    with Parts("METACORE_URL", "SERVICES_REDIS") as parts, tracker(parts.urls, port) as process:
        uvloop.run(refreshes(port, process))
        uvloop.run(sockets(parts.urls, port, process))
        uvloop.run(log_ins(f"http://127.0.0.1:{port}"))


if __name__ == "__main__":
    main()
