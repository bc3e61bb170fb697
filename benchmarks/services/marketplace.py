"""The marketplace under load: orders of three lines from basket to paid, a product that all want, how late events are.

    nox -s bench -- benchmarks/services/marketplace.py

All of it runs on the same machine: the services, the stand-in for the bank, PostgreSQL, a broker, and who asks. What
each takes of the processors is printed for one order.
"""

from __future__ import annotations

import asyncio
import os
import secrets
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from uuid import UUID, uuid4

import aiohttp
import psutil
import psycopg
import uvloop
from aiokafka import AIOKafkaConsumer
from pydantic import SecretStr
from services.buyers import LINES, Buyers

import metacore
from common.access_tokens import AccessTokens, Claims
from common.parts import Parts

EXAMPLES = Path(__file__).parents[2] / "examples"
SECONDS = float(os.environ.get("MARKETPLACE_LOAD_SECONDS", "10"))
BUYERS = int(os.environ.get("MARKETPLACE_LOAD_BUYERS", "256"))
RESERVING = 64
WARM_UP = 4
PRODUCTS, STOCK = 100, 10**8
EVENTS, BATCH = 1000, 10
BROKER = "noida-db"
KEY = secrets.token_urlsafe(32)
WAITS = {"MARKETPLACE_PAY_WAITS": "12"}

Spent = Callable[[], dict[str, float]]
"""The processor time so far, by process."""


def token(*roles: str) -> dict[str, str]:
    """The header of somebody with these roles."""
    claims = Claims(uuid4(), uuid4(), frozenset(roles))
    return {"authorization": f"Bearer {AccessTokens('marketplace', SecretStr(KEY)).issue(claims, datetime.now(UTC))}"}


@contextmanager
def marketplace(urls: dict[str, str]) -> Iterator[tuple[psutil.Process, dict[str, str]]]:
    """The marketplace, once it is ready, and where its services are."""
    environment = {**os.environ, **urls, "MARKETPLACE_TOKEN_KEY": KEY, "MARKETPLACE_PORT": "18990"} | WAITS
    command = [sys.executable, "-m", "marketplace"]
    with subprocess.Popen(command, cwd=EXAMPLES, env=environment, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        variables = dict(urls)
        try:
            while (line := process.stdout.readline().strip()) != "marketplace: ready":
                assert process.poll() is None, "the marketplace did not start"
                name, _, value = line.partition("=")
                variables[name] = value
            yield psutil.Process(process.pid), {**variables, **urls}
        finally:
            process.terminate()


def used(services: Iterable[psutil.Process], url: str) -> dict[str, float]:
    """The processor time so far of each service, of the database, and of the broker."""
    with psycopg.connect(url) as connection:
        row = connection.execute("SHOW data_directory").fetchone()
        assert row is not None
    server = psutil.Process(int((Path(row[0]) / "postmaster.pid").read_text().split()[0]))
    brokers = [one for one in psutil.Process().children(recursive=True) if one.name() == BROKER]
    found: dict[str, float] = {}
    for one in {*services, *brokers, server, *server.children()}:
        with suppress(psutil.NoSuchProcess):
            spent = one.cpu_times()
            found[one.name()] = found.get(one.name(), 0) + spent.user + spent.system
    return found


def print_times(what: str, times: list[float]) -> None:
    times.sort()
    p50, p99 = times[len(times) // 2], times[len(times) * 99 // 100]
    print(f"  {what}: p50 {p50 * 1e3:,.0f} ms, p99 {p99 * 1e3:,.0f} ms")


async def make_products(http: aiohttp.ClientSession, url: str, count: int, stock: int) -> list[str]:
    """Products with so much stock each."""
    admin, seller, keeper = token("ADMIN"), token("SELLER"), token("WAREHOUSE")
    async with http.post(f"{url}/v1/categories", json={"name": uuid4().hex}, headers=admin) as answer:
        category = (await answer.json())["id"]

    turns = asyncio.Semaphore(10)

    async def make(number: int) -> str:
        async with turns:
            return await make_one(number)

    async def make_one(number: int) -> str:
        new = {"title": f"Product {number}", "price": "12.50", "currency": "USD", "category_id": category}
        async with http.post(f"{url}/v1/products", json=new, headers=seller) as answer:
            product: str = (await answer.json())["id"]
        goods = {"product_id": product, "quantity": stock}
        async with http.post(f"{url}/v1/warehouse/stock", json=goods, headers=keeper) as answer:
            assert answer.status == 201, await answer.text()
        return product

    return list(await asyncio.gather(*(make(number) for number in range(count))))


async def orders(spent: Spent, url: str) -> None:
    """Orders of three lines, each ordered and paid by the gateway; counted while as many buyers as ever are there."""
    async with aiohttp.ClientSession() as http:
        authorizations = [token("CUSTOMER")["authorization"] for _ in range(BUYERS)]
        buyers = Buyers(await make_products(http, url, PRODUCTS, STOCK), authorizations)
        await buyers.begin(int(url.rpartition(":")[2]))
        await asyncio.sleep(WARM_UP)
        before, own, began = spent(), time.process_time(), time.perf_counter()
        await asyncio.sleep(SECONDS)
        after, asking, ended = spent(), time.process_time() - own, time.perf_counter()
        await buyers.end()
        stocks = await asyncio.gather(*(stock(http, url, product) for product in buyers.products))
    ordering = [answer.took for answer in buyers.ordered if began < answer.at <= ended]
    paying = [answer.took for answer in buyers.paid if began < answer.at <= ended]
    count, seconds = len(paying), ended - began
    assert count, f"nothing was paid: {buyers.others}"
    each = {name: (now - before[name]) / count for name, now in after.items() if name in before}
    print(f"orders of {LINES} lines, {BUYERS} buyers: {count} paid in {seconds:.1f} s, {count / seconds:,.0f}/s")
    print(f"  not paid, by status: {dict(buyers.others)}")
    sold, reserved = (sum(figures) for figures in zip(*stocks, strict=True))
    print(f"  {len(buyers.paid)} paid in all, {sold} goods sold, {reserved} reserved")
    print_times("ordered", ordering)
    print_times("paid", paying)
    shares = ", ".join(f"{name} {taken * 1e3:.1f}" for name, taken in sorted(each.items()))
    print(f"  {sum(each.values()) * 1e3:.1f} ms of processor time each: {shares}; to ask {asking / count * 1e3:.1f}")


async def stock(http: aiohttp.ClientSession, url: str, product: str) -> tuple[int, int]:
    """How much of a product is sold, and how much is reserved."""
    async with http.get(f"{url}/v1/warehouse/stock/{product}") as answer:
        now = await answer.json()
        return STOCK - now["free"] - now["reserved"], now["reserved"]


async def hot_product(spent: Spent, warehouse: str, url: str) -> None:
    """Reservations of one product, asked of the warehouse."""
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=RESERVING)) as http:
        (product,) = await make_products(http, url, 1, 10**8)
        times: list[float] = []
        until = time.perf_counter() + SECONDS
        expires_at = datetime.now(UTC).replace(year=2100).isoformat()

        async def reserve() -> None:
            headers = token("SERVICE")
            while (began := time.perf_counter()) < until:
                request = {
                    "purchase_id": str(uuid4()),
                    "warehouse": "main",
                    "goods": {product: 1},
                    "expires_at": expires_at,
                }
                body = {"requests": [request]}
                async with http.post(f"{warehouse}/internal/reservations", json=body, headers=headers) as answer:
                    assert await answer.json() == {"reserved": [True]}, await answer.text()
                times.append(time.perf_counter() - began)

        before, began = spent(), time.perf_counter()
        await asyncio.gather(*(reserve() for _ in range(RESERVING)))
        took = time.perf_counter() - began
        each = (spent()["warehouse"] - before["warehouse"]) / len(times)
    print(f"one product, {RESERVING} at once: {len(times)} reserved in {took:.1f} s, {len(times) / took:,.0f}/s")
    print_times("reserved", times)
    print(f"  {each * 1e3:.1f} ms of processor time of the warehouse each")


async def lag(urls: dict[str, str]) -> None:
    """How late events arrive at the broker, where so many are appended each second to the outbox of a service."""
    topic = "marketplace.products"
    consumer = AIOKafkaConsumer(topic, bootstrap_servers=urls["SERVICES_KAFKA"], auto_offset_reset="latest")
    await consumer.start()
    await consumer.seek_to_end()
    late: list[float] = []
    expected = int(EVENTS * SECONDS)

    async def take() -> None:
        while len(late) < expected:
            for messages in (await consumer.getmany(timeout_ms=10)).values():
                now = time.time()
                late.extend(
                    now - metacore.Event.model_validate_json(one.value).recorded_at.timestamp() for one in messages
                )
            await asyncio.sleep(0.01)

    settings = metacore.Settings(schema="marketplace_products")
    async with metacore.connect(urls["METACORE_URL"], settings=settings) as storage:
        taking = asyncio.create_task(take())
        began = time.perf_counter()
        for number in range(expected // BATCH):
            await asyncio.sleep(max(0.0, began + number * BATCH / EVENTS - time.perf_counter()))
            events = [
                metacore.NewEvent(topic=topic, key=str(UUID(int=(number * BATCH + one) % 500)), type="load", payload={})
                for one in range(BATCH)
            ]
            await storage.outbox.append(events)
        appended = time.perf_counter() - began
        await taking
    await consumer.stop()
    print(f"events: {expected} appended in {appended:.1f} s, {expected / appended:,.0f}/s")
    print_times("late", late)


def main() -> None:
    # So that the parts and the marketplace end with it.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    with Parts("METACORE_URL", "SERVICES_KAFKA") as parts, marketplace(parts.urls) as (process, variables):
        spent = partial(used, process.children(), variables["METACORE_URL"])
        uvloop.run(orders(spent, variables["MARKETPLACE_GATEWAY"]))
        uvloop.run(hot_product(spent, variables["MARKETPLACE_WAREHOUSE"], variables["MARKETPLACE_GATEWAY"]))
        uvloop.run(lag(variables))


if __name__ == "__main__":
    main()
