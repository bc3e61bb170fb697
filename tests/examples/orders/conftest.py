"""One order service for the tests of a module, and orders to send to it."""

import asyncio
import functools
import json
from collections.abc import Callable, Sequence
from typing import Any

import pytest
from aiokafka import AIOKafkaProducer

from metacore.ids import new_id

ORDER = {
    "order_uid": "",
    "track_number": "WBILMTESTTRACK",
    "entry": "WBIL",
    "delivery": {"name": "Test Testov", "phone": "+9720000000", "zip": "", "city": "Kiryat Mozkin"},
    "payment": {"transaction": "b563feb7b2b84b6test", "amount": 1817, "payment_dt": 1637907727, "custom_fee": 0},
    "items": [
        {"chrt_id": 9934930, "price": 453, "name": "Mascaras", "sale": 30, "size": "0"},
        {"chrt_id": 9934930, "price": 1, "name": "", "unknown": {"deep": [1, 1.5, None, "x"]}},
    ],
    "locale": "en",
    "internal_signature": "",
    "date_created": "2021-11-26T06:22:19Z",
    "oof_shard": "1",
    "unknown": {"kept": True, "ratio": 1.0},
}


@pytest.fixture(scope="module")
def variables(database_url: str, kafka_url: str) -> dict[str, str]:
    """What the services of a module run on: one database, one broker, a topic and a group of their own."""
    own = new_id().hex
    parts = {"METACORE_URL": database_url, "SERVICES_KAFKA": kafka_url}
    return {**parts, "ORDERS_TOPIC": f"orders-{own}", "ORDERS_GROUP": f"order-service-{own}"}


@pytest.fixture(scope="module")
def system(variables: dict[str, str], start_copy: Any) -> Any:
    """The order service that the tests of a module share."""
    return start_copy("orders", **variables)


@pytest.fixture
def order() -> Callable[..., dict[str, Any]]:
    """Make an order of its own uid, with these changes."""

    def make(**changes: Any) -> dict[str, Any]:
        copy: dict[str, Any] = json.loads(json.dumps(ORDER))
        return {**copy, "order_uid": new_id().hex, **changes}

    return make


async def _produce(url: str, topic: str, values: Sequence[bytes | None], partitions: Sequence[int | None]) -> None:
    producer = AIOKafkaProducer(bootstrap_servers=url, acks="all", max_request_size=16 * 2**20, linger_ms=2)
    await producer.start()
    try:
        waiting = [
            await producer.send(topic, value, b"key", partition=partitions[number % len(partitions)])
            for number, value in enumerate(values)
        ]
        await asyncio.gather(*waiting)
    finally:
        await producer.stop()


def produce_to(
    variables: dict[str, str], values: Sequence[bytes | None], partitions: Sequence[int | None] = (None,)
) -> None:
    """Send messages to the topic that these variables name, in turn to these partitions, and wait for the broker."""
    asyncio.run(_produce(variables["SERVICES_KAFKA"], variables["ORDERS_TOPIC"], values, partitions))


@pytest.fixture(name="produce_to")
def produce_to_fixture() -> Callable[..., None]:
    """The function above."""
    return produce_to


@pytest.fixture
def produce(variables: dict[str, str]) -> Callable[..., None]:
    """The same, for the topic of the module."""
    return functools.partial(produce_to, variables)
