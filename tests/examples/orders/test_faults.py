"""The order service killed, and its parts stopped under it: nothing is lost, and nothing comes twice."""

import asyncio
import json
import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, NewTopic

import metacore.sync
from common.servers import Broker
from metacore.postgres import EmbeddedPostgres, SchemaDeployer

KILLS = int(os.environ.get("ORDERS_TEST_KILLS", "2"))

SAVED_BY_THE_BROKER_AFTER = 1
"""Seconds. The embedded broker has what it acknowledged on disk half a second later."""


def as_messages(orders: list[dict[str, Any]]) -> list[bytes]:
    return [json.dumps(order).encode() for order in orders]


async def _committed(variables: dict[str, str]) -> list[tuple[int, int]]:
    consumer = AIOKafkaConsumer(bootstrap_servers=variables["SERVICES_KAFKA"], group_id=variables["ORDERS_GROUP"])
    await consumer.start()
    try:
        partitions = [TopicPartition(variables["ORDERS_TOPIC"], number) for number in range(3)]
        ends = await consumer.end_offsets(partitions)
        return [(await consumer.committed(partition) or 0, ends[partition]) for partition in partitions]
    finally:
        await consumer.stop()


def committed(variables: dict[str, str]) -> list[tuple[int, int]]:
    """The committed offset and the end of each partition."""
    return asyncio.run(_committed(variables))


def all_is_committed(variables: dict[str, str]) -> bool:
    return all(offset == end for offset, end in committed(variables))


async def _make_topic(variables: dict[str, str]) -> None:
    admin = AIOKafkaAdminClient(bootstrap_servers=variables["SERVICES_KAFKA"])
    await admin.start()
    try:
        await admin.create_topics([NewTopic(variables["ORDERS_TOPIC"], 3, 1)])
    finally:
        await admin.close()


def test_killed_in_mid_stream_nothing_is_lost_and_the_next_is_warm_before_it_is_ready(
    start_copy: Any, variables: dict[str, str], produce: Any, order: Any, eventually: Any
) -> None:
    asyncio.run(_make_topic(variables))
    good = [order() for _ in range(1000)]
    values = as_messages(good)
    broken = len(values[100::100])
    values[100::100] = [b"broken"] * broken
    produce(values, partitions=[0, 1, 2])
    with metacore.sync.connect(variables["METACORE_URL"]) as storage:
        before = storage.order_records.count()
        for _ in range(KILLS):
            system = start_copy("orders", **variables, ORDERS_BATCH="1")
            already = storage.order_records.count()
            eventually(lambda already=already: storage.order_records.count() > already)
            system.stop(signal.SIGKILL)
        assert not all_is_committed(variables)
        one = storage.order_records.list(limit=1).items[0]
        system = start_copy("orders", **variables)
        assert system.http.get(f"/order/{one.order_uid}").json() == json.loads(one.model_dump_json())
        cache = system.http.get("/api/v1/cache/stats").json()
        assert (cache["hits"], cache["misses"]) == (1, 0)
        eventually(lambda: all_is_committed(variables))
        assert storage.order_records.count() - before == len(good) - broken
        assert storage.dead_letters.count(variables["ORDERS_TOPIC"]) == broken
    assert system.stop() == 0


@pytest.fixture
def own_parts(tmp_path: Path, variables: dict[str, str]) -> Iterator[tuple[EmbeddedPostgres, Broker, dict[str, str]]]:
    """A server and a broker that may be stopped, and the variables that name them."""
    (tmp_path / "broker").mkdir()
    broker = Broker(tmp_path / "broker")
    broker.start()
    with EmbeddedPostgres(tmp_path / "postgres") as server:
        SchemaDeployer(server.url).deploy()
        yield server, broker, {**variables, "METACORE_URL": server.url, "SERVICES_KAFKA": broker.url}
    broker.stop()


def test_parts_go_and_come_back(start_copy: Any, own_parts: Any, order: Any, eventually: Any, produce_to: Any) -> None:
    server, broker, variables = own_parts
    system = start_copy("orders", **variables)
    first = [order() for _ in range(20)]
    produce_to(variables, as_messages(first))
    eventually(lambda: all(system.http.get(f"/order/{one['order_uid']}").status_code == 200 for one in first))
    eventually(lambda: all_is_committed(variables))

    os.kill(server.pid, signal.SIGINT)  # its fast shutdown
    second = [order() for _ in range(20)]
    produce_to(variables, as_messages(second))
    eventually(lambda: system.http.get("/health").json()["parts"]["consumer"]["status"] == "down")
    assert system.http.get("/health").status_code == 503
    assert system.http.get(f"/order/{first[0]['order_uid']}").json() == first[0]
    for answer in (system.http.get(f"/order/{second[0]['order_uid']}"), system.http.get("/api/v1/orders")):
        assert (answer.status_code, answer.headers["retry-after"]) == (503, "1")
    assert sum(end - offset for offset, end in committed(variables)) == 20

    server.start()
    eventually(lambda: all_is_committed(variables))
    assert system.http.get("/health").status_code == 200
    for one in second:
        assert system.http.get(f"/order/{one['order_uid']}").json() == one

    time.sleep(SAVED_BY_THE_BROKER_AFTER)
    broker.stop(signal.SIGKILL)
    eventually(lambda: system.http.get("/health").json()["parts"]["kafka"]["status"] == "down")
    assert system.http.get(f"/order/{first[0]['order_uid']}").json() == first[0]
    broker.start()
    third = [order() for _ in range(20)]
    produce_to(variables, as_messages(third))
    eventually(lambda: all(system.http.get(f"/order/{one['order_uid']}").status_code == 200 for one in third))
    eventually(lambda: all_is_committed(variables))
    with metacore.sync.connect(variables["METACORE_URL"]) as storage:
        assert storage.order_records.count() == 60
    assert system.stop() == 0
