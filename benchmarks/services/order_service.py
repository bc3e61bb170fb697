"""The order service under load: cached GETs against the barest application, and orders consumed.

    nox -s bench -- benchmarks/services/order_service.py

The barest application answers the same bytes on the same server, without routes, cache or metrics. The two take turns,
so that the ratio holds on a machine that does other work, too; a rate by processor time is of the service's process.
Who asks takes a part of the same machine, which is told.
"""

from __future__ import annotations

import asyncio
import os
import socket
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import cast

import httpx
import psutil
import uvloop

from common.parts import Parts
from metacore.testing.factories import OrderRecordFactory
from orders.publish import publish
from orders.settings import OrderSettings

EXAMPLES = Path(__file__).parents[2] / "examples"
CONNECTIONS = 16
ROUNDS = 5
SECONDS = 2.0
ORDERS = 10_000
ITEMS = 3

BAREST = """
import sys, uvloop
from granian.constants import Interfaces
from granian.server.embed import Server
BODY = open(sys.argv[2], "rb").read()
HEADERS = [(b"content-type", b"application/json"), (b"content-length", str(len(BODY)).encode())]
async def app(scope, receive, send):
    await send({"type": "http.response.start", "status": 200, "headers": HEADERS})
    await send({"type": "http.response.body", "body": BODY})
async def main():
    await Server(app, port=int(sys.argv[1]), interface=Interfaces.ASGINL, log_enabled=False).serve()
uvloop.run(main())
"""


class Asker(asyncio.Protocol):
    """Asks again as soon as it is answered."""

    def __init__(self, request: bytes, length: int, tail: bytes, until: float, times: list[float]) -> None:
        self._request, self._length, self._tail = request, length, tail
        self._until, self._times = until, times
        self.wrong = 0
        self.ended = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        self._ask()

    def _ask(self) -> None:
        self._got = b""
        self._began = time.perf_counter()
        self._transport.write(self._request)

    def data_received(self, data: bytes) -> None:
        self._got += data
        if len(self._got) < self._length:
            return
        now = time.perf_counter()
        self._times.append(now - self._began)
        self.wrong += not (self._got.startswith(b"HTTP/1.1 200") and self._got.endswith(self._tail))
        if now < self._until:
            self._ask()
        else:
            self._transport.close()

    def connection_lost(self, _: Exception | None) -> None:
        self.ended.set_result(None)


async def ask(port: int, path: str, seconds: float) -> tuple[list[float], int]:
    """The times of the answers, and how many were wrong."""
    request = f"GET {path} HTTP/1.1\r\nhost: 127.0.0.1:{port}\r\n\r\n".encode()
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(request)
    head = await reader.readuntil(b"\r\n\r\n")
    length = int(head.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0])
    body = await reader.readexactly(length)
    writer.close()
    times: list[float] = []
    until = time.perf_counter() + seconds
    askers = []
    for _ in range(CONNECTIONS):
        _, asker = await asyncio.get_running_loop().create_connection(
            lambda: Asker(request, len(head) + length, body, until, times), "127.0.0.1", port
        )
        askers.append(asker)
    await asyncio.gather(*(asker.ended for asker in askers))
    return times, sum(asker.wrong for asker in askers)


@contextmanager
def service(urls: dict[str, str], port: int) -> Iterator[psutil.Process]:
    """The order service in a process of its own, once it is ready."""
    environment = {**os.environ, **urls, "ORDERS_PORT": str(port)}
    with subprocess.Popen(
        [sys.executable, "-m", "orders"], cwd=EXAMPLES, env=environment, stdout=subprocess.PIPE
    ) as process:
        assert process.stdout is not None
        try:
            while b"SERVICES_KAFKA" not in process.stdout.readline():
                assert process.poll() is None, "the service did not start"
            yield psutil.Process(process.pid)
        finally:
            process.terminate()


def processor_time(process: psutil.Process) -> float:
    times = process.cpu_times()
    return times.user + times.system


def figure(told: str, name: str) -> float:
    return float(told.partition(f"\n{name} ")[2].partition("\n")[0])


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port: int = free.getsockname()[1]
        return port


def cached_gets(urls: dict[str, str], body: Path) -> None:
    record = OrderRecordFactory.build(count=ITEMS)
    body.write_text(record.model_dump_json(), encoding="utf-8")
    port, bare_port = free_port(), free_port()
    bare = subprocess.Popen([sys.executable, "-c", BAREST, str(bare_port), str(body)])
    try:
        with service(urls, port) as process, httpx.Client(base_url=f"http://127.0.0.1:{port}") as client:
            client.put(f"/api/v1/orders/{record.order_uid}", content=body.read_bytes()).raise_for_status()
            own = psutil.Process()
            ratios, rates, used, asking, every = [], [], [], [], []
            for _ in range(ROUNDS):
                before, before_own = processor_time(process), processor_time(own)
                times, wrong = uvloop.run(ask(port, f"/order/{record.order_uid}", SECONDS))
                used.append((processor_time(process) - before) / len(times))
                asking.append((processor_time(own) - before_own) / len(times))
                bare_times, _ = uvloop.run(ask(bare_port, "/", SECONDS))
                assert not wrong, f"{wrong} of {len(times)} answers were wrong"
                rates.append(len(times) / SECONDS)
                ratios.append(len(times) / len(bare_times))
                every += times
    finally:
        bare.terminate()
        bare.wait()
    every.sort()
    print(f"cached GETs: {len(every)} asked, all 200 and equal; best round {max(rates):,.0f}/s")
    print(
        f"  median round {statistics.median(rates):,.0f}/s, {statistics.median(ratios):.2f} of the barest application"
    )
    print(f"  p50 {every[len(every) // 2] * 1e3:.2f} ms, p99 {every[len(every) * 99 // 100] * 1e3:.2f} ms")
    told, to_ask = statistics.median(used) * 1e6, statistics.median(asking) * 1e6
    print(f"  {told:.0f} us of processor time each, and {to_ask:.0f} to ask")


def consumed(urls: dict[str, str], name: str, broken_every: int) -> None:
    own = {**urls, "ORDERS_TOPIC": name, "ORDERS_GROUP": name}
    records = OrderRecordFactory.build_batch(ORDERS, count=ITEMS)
    messages = [record.model_dump_json().encode() for record in records]
    if broken_every:
        messages[::broken_every] = [b'{"order_uid": "broken"'] * len(messages[::broken_every])
    port = free_port()
    with service(own, port) as process, httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=30) as client:
        while client.get("/health").status_code != 200:
            time.sleep(0.05)
        settings = OrderSettings(topic=name)
        before, began = processor_time(process), time.perf_counter()
        asyncio.run(publish(urls["SERVICES_KAFKA"], settings, messages))
        published = time.perf_counter() - began
        while True:
            told = client.get("/metrics").text
            done = figure(told, "orders_consumed") + figure(told, "orders_dead_letters")
            if done >= ORDERS:
                break
            time.sleep(0.2)
        took, used = time.perf_counter() - began, processor_time(process) - before
        letters = int(figure(told, "orders_dead_letters"))
    print(f"consumed: {ORDERS} messages with {letters} broken, published in {published:.1f} s, stored in {took:.1f} s:")
    print(f"  {ORDERS / took:,.0f}/s; {ORDERS / used:,.0f} for each second of processor time of the service")


def main() -> None:
    with Parts("METACORE_URL", "SERVICES_KAFKA") as parts:
        body = Path(f"/tmp/orders-load-{os.getpid()}.json")
        try:
            cached_gets(parts.urls, body)
        finally:
            body.unlink(missing_ok=True)
        consumed(parts.urls, f"load-{os.getpid()}-good", 0)
        consumed(parts.urls, f"load-{os.getpid()}-broken", 100)


if __name__ == "__main__":
    main()
