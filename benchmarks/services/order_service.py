"""The order service under load: cached GETs against the barest application, and orders consumed.

    nox -s bench -- benchmarks/services/order_service.py

The barest application answers the same bytes on the same server, without routes, cache or metrics. The two take turns,
so that the ratio holds on a machine that does other work, too; a rate by processor time is of the service's process.
Who asks takes a part of the same machine, which is told.
"""

from __future__ import annotations

import asyncio
import os
import statistics
import subprocess
import sys
import time
from pathlib import Path

import httpx
import psutil
import uvloop
from services.harness import ask, figure, processor_time, running

from common.parts import Parts
from common.ports import free_port
from metacore.testing.factories import OrderRecordFactory
from orders.publish import publish
from orders.settings import OrderSettings

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


def cached_gets(urls: dict[str, str], body: Path) -> None:
    record = OrderRecordFactory.build(count=ITEMS)
    body.write_text(record.model_dump_json(), encoding="utf-8")
    port, bare_port = free_port(), free_port()
    bare = subprocess.Popen([sys.executable, "-c", BAREST, str(bare_port), str(body)])
    try:
        with running("orders", urls, port) as process, httpx.Client(base_url=f"http://127.0.0.1:{port}") as client:
            client.put(f"/api/v1/orders/{record.order_uid}", content=body.read_bytes()).raise_for_status()
            expected = client.get(f"/order/{record.order_uid}").content
            own = psutil.Process()
            ratios, rates, used, asking, every = [], [], [], [], []
            for _ in range(ROUNDS):
                before, before_own = processor_time(process), processor_time(own)
                times, wrong = uvloop.run(ask(port, f"/order/{record.order_uid}", SECONDS, CONNECTIONS, expected))
                used.append((processor_time(process) - before) / len(times))
                asking.append((processor_time(own) - before_own) / len(times))
                bare_times, _ = uvloop.run(ask(bare_port, "/", SECONDS, CONNECTIONS))
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
    each, to_ask = statistics.median(used) * 1e6, statistics.median(asking) * 1e6
    print(f"  {each:.0f} us of processor time each, and {to_ask:.0f} to ask")


def consumed(urls: dict[str, str], name: str, broken_every: int) -> None:
    own = {**urls, "ORDERS_TOPIC": name, "ORDERS_GROUP": name}
    records = OrderRecordFactory.build_batch(ORDERS, count=ITEMS)
    messages = [record.model_dump_json().encode() for record in records]
    if broken_every:
        messages[::broken_every] = [b'{"order_uid": "broken"'] * len(messages[::broken_every])
    port = free_port()
    with (
        running("orders", own, port) as process,
        httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=30) as client,
    ):
        while client.get("/health").status_code != 200:
            time.sleep(0.05)
        settings = OrderSettings(topic=name)
        before, began = processor_time(process), time.perf_counter()
        asyncio.run(publish(urls["SERVICES_KAFKA"], settings, messages))
        published = time.perf_counter() - began
        while True:
            metrics = client.get("/metrics").text
            done = figure(metrics, "orders_consumed") + figure(metrics, "orders_dead_letters")
            if done >= ORDERS:
                break
            time.sleep(0.2)
        took, used = time.perf_counter() - began, processor_time(process) - before
        letters = int(figure(metrics, "orders_dead_letters"))
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
