"""Services killed at each step of an order, and the broker away: every order ends, and stock and money agree."""

import asyncio
import json
import os
import random
import signal
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import pytest
from aiokafka import AIOKafkaConsumer, TopicPartition

from common.brokers import rest
from common.servers import Broker
from metacore import Event
from metacore.ids import new_id

KILLS = int(os.environ.get("MARKETPLACE_TEST_KILLS", "1"))
"""How often each service is killed."""
AWAY = float(os.environ.get("MARKETPLACE_TEST_AWAY", "2"))
"""For how many seconds the broker is away."""
RESERVED_FOR = 20 + AWAY
BUYERS = 4
PAUSE = 0.2
"""Seconds between the orders of a buyer: there is something to be killed in all the time, and time for all else."""

STEPS = {
    "gateway": ("order.reserved", "order.paying", "order.paid"),
    "users": ("order.reserved",),
    "products": ("order.reserved",),
    "orders": (
        *("order.reserved", "payment.captured", "order.paid"),
        *("payment.refunded", "stock.returned", "order.shipped"),
    ),
    "warehouse": ("order.paying", "order.returning", "order.shipped", "order.canceled"),
    "payments": ("stock.taken", "order.refunding"),
    "payment_gateway": ("stock.taken", "order.refunding"),
}
"""Each service is killed as soon as such an event is published, which it, or who asks it, is to act on."""
SAVED_BY_THE_BROKER_AFTER = 1
"""Seconds. The embedded broker has what it acknowledged on disk half a second later."""


@pytest.fixture(scope="module")
def broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Broker]:
    """A broker that may be stopped."""
    broker = Broker(tmp_path_factory.mktemp("own-broker"))
    broker.start()
    yield broker
    broker.stop()


@pytest.fixture(scope="module")
def topics_begin() -> str:
    """How the names of the topics begin."""
    return f"{new_id().hex}."


@pytest.fixture(scope="module")
def system(start_system: Any, database_url: str, broker: Broker, topics_begin: str) -> Any:
    """A marketplace of this module's own, for what is done to it."""
    variables = {
        "METACORE_URL": database_url,
        "SERVICES_KAFKA": broker.url,
        "MARKETPLACE_TOPICS": topics_begin,
        "MARKETPLACE_ADMIN_PASSWORD": "correct horse",
        "MARKETPLACE_RESERVED_FOR": str(RESERVED_FOR),
        "MARKETPLACE_SWEEP_EVERY": "0.3",
        "MARKETPLACE_PAY_WAITS": "1",
    }
    return start_system("marketplace", **variables)


@pytest.fixture(scope="module")
def forgotten(trade: Any) -> tuple[str, str]:
    """An order that nobody pays, and its product."""
    product = trade.stocked(3)
    return trade.ordered({product: 2})["id"], product


def insist(ask: Callable[[], httpx.Response], statuses: Sequence[int]) -> httpx.Response:
    """Ask until one of these statuses is answered; no other is a fault."""
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        try:
            answer = ask()
        except httpx.TransportError:  # nobody listens
            time.sleep(0.2)
            continue
        if answer.status_code in statuses:
            return answer
        assert answer.status_code in (202, 503), answer.text
        time.sleep(0.2)
    raise AssertionError("it was not answered")


async def kill_in_turn(trade: Any, topics_begin: str, eventually: Any, plan: Sequence[tuple[str, str]]) -> None:
    """Kill each of these services as soon as an event of its step is published."""
    consumer = AIOKafkaConsumer(bootstrap_servers=trade.system.parts["SERVICES_KAFKA"])
    await consumer.start()
    try:
        topics = [f"{topics_begin}{topic}" for topic in ("orders", "stock", "payments")]
        consumer.assign([TopicPartition(topic, number) for topic in topics for number in range(3)])
        for service, step in plan:
            await asyncio.to_thread(eventually, lambda service=service: trade.process(service) is not None)
            await consumer.seek_to_end()
            async with asyncio.timeout(60):
                types = set[str]()
                while step not in types:
                    await rest(consumer, 20)
                    polled = await consumer.getmany(timeout_ms=3)
                    types = {json.loads(one.value)["type"] for messages in polled.values() for one in messages}
            killed = trade.process(service)
            killed.kill()
            # As long as it is not gone, it looks as if it were started again.
            await asyncio.to_thread(killed.wait, 60)
    finally:
        await consumer.stop()


@pytest.mark.usefixtures("forgotten")
def test_whichever_service_is_killed_at_whichever_step_every_order_ends(
    trade: Any, topics_begin: str, eventually: Any
) -> None:
    goods = {trade.stocked(10_000): 2, trade.stocked(10_000): 1}
    is_over = threading.Event()

    def buy(number: int) -> list[str]:
        """Buy, and let one be, have one shipped, and cancel one, in turn."""
        bought = list[str]()
        while not is_over.wait(PAUSE):
            key = new_id().hex
            bought.append(insist(lambda key=key: trade.order(goods, key), [201]).json()["id"])
            insist(lambda: trade.pay(bought[-1]), [200, 409])
            what = (number + len(bought)) % 3
            if what == 1:
                insist(lambda: trade.keeper.post(f"/v1/orders/{bought[-1]}/ship"), [200, 409])
            elif what == 2:
                insist(lambda: trade.cancel(bought[-1]), [200, 409])
        return bought

    first = random.randrange(60)
    turns = range(first, first + KILLS)
    plan = [(service, steps[turn % len(steps)]) for turn in turns for service, steps in STEPS.items()]
    random.shuffle(plan)
    with ThreadPoolExecutor(BUYERS) as pool:
        buying = [pool.submit(buy, number) for number in range(BUYERS)]
        try:
            asyncio.run(kill_in_turn(trade, topics_begin, eventually, plan))
        finally:
            is_over.set()
        order_ids = [order_id for one in buying for order_id in one.result()]
    ends = {"PAID", "SHIPPED", "FAILED", "CANCELED"}
    # All that are ahead of one have ended by then: to ask for all of them each time would keep the services busy.
    for order_id in order_ids:
        eventually(lambda order_id=order_id: trade.get(order_id)["state"] in ends)
    states = {trade.get(order_id)["state"] for order_id in order_ids}
    assert ends - {"FAILED"} <= states <= ends
    trade.require_consistent(order_ids, dict.fromkeys(goods, 10_000))


async def _published(url: str, topics: Sequence[str]) -> list[tuple[str, bytes, int]]:
    consumer = AIOKafkaConsumer(bootstrap_servers=url)
    await consumer.start()
    try:
        partitions = [TopicPartition(topic, number) for topic in topics for number in range(3)]
        consumer.assign(partitions)
        await consumer.seek_to_beginning()
        ends = await consumer.end_offsets(partitions)
        records = []
        while any([await consumer.position(partition) < ends[partition] for partition in partitions]):
            for messages in (await consumer.getmany(timeout_ms=100)).values():
                records += [(one.topic, one.key, one.value) for one in messages]
        return records
    finally:
        await consumer.stop()


def test_while_the_broker_is_away_orders_are_taken_and_events_are_published_later(
    trade: Any, topics_begin: str, broker: Broker, eventually: Any
) -> None:
    product = trade.stocked(100)
    before = trade.ordered({product: 1})
    assert insist(lambda: trade.pay(before["id"]), [200]).json()["state"] == "PAID"
    time.sleep(SAVED_BY_THE_BROKER_AFTER)
    broker.stop(signal.SIGKILL)
    orders = [before, *(trade.ordered({product: 1}) for _ in range(4))]
    assert [trade.pay(order["id"]).status_code for order in orders] == [200, 202, 202, 202, 202]
    cancelled = trade.ordered({product: 1})
    assert trade.cancel(cancelled["id"]).json()["state"] == "CANCELED"
    time.sleep(AWAY)
    broker.start()
    eventually(lambda: {trade.get(order["id"])["state"] for order in orders} == {"PAID"})
    eventually(lambda: trade.stock(product) == (95, 0))
    trade.require_consistent([order["id"] for order in orders], {product: 100})

    topics = [f"{topics_begin}{topic}" for topic in ("orders", "stock", "payments")]
    for service, topic in zip(("orders", "warehouse", "payments"), topics, strict=True):
        with trade.storage(service) as storage:
            eventually(lambda storage=storage, topic=topic: storage.outbox.lag(topic).events == 0)
    seqs: dict[tuple[str, bytes], list[int]] = {}
    for topic, key, value in asyncio.run(_published(broker.url, topics)):
        seq = Event.model_validate_json(value).seq
        if seq not in seqs.setdefault((topic, key), []):
            seqs[topic, key].append(seq)
    assert len(seqs) > len(orders)
    assert all(seen == list(range(1, len(seen) + 1)) for seen in seqs.values())


def test_what_is_not_paid_in_time_expires_once_and_is_never_paid(trade: Any, forgotten: Any, eventually: Any) -> None:
    order_id, product = forgotten
    eventually(lambda: trade.get(order_id)["state"] == "FAILED")
    assert trade.get(order_id)["reason"] == "EXPIRED"
    eventually(lambda: trade.stock(product) == (3, 0))
    assert trade.pay(order_id).status_code == 409
    eventually(lambda: trade.payment(order_id).get("state") == "VOIDED")
    assert trade.bank_log([order_id]) == []
    moves = trade.keeper.get(f"/v1/warehouse/stock/{product}/movements").json()["items"]
    assert [move["reason"] for move in moves] == ["DEPOSIT", "HOLD", "RELEASE"]
    assert trade.get(order_id)["state"] == "FAILED"
