"""Ticks by Kafka into ClickHouse: `nox -s systems`, which has one; each is there once, whatever dies meanwhile."""

import asyncio
import json
import os
import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition

from common.servers import ClickHouseServer
from metacore.ids import new_id
from tests.examples.copies import Copy

KILLS = int(os.environ.get("CRYPTO_TEST_KILLS", "2"))
TICKERS = 10_000


@pytest.fixture(scope="module")
def clickhouse(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ClickHouseServer]:
    """A ClickHouse of the module."""
    server = ClickHouseServer(tmp_path_factory.mktemp("clickhouse"))
    server.start()
    yield server
    server.stop()


@pytest.fixture
def variables(kafka_url: str, clickhouse: ClickHouseServer) -> dict[str, str]:
    """A topic, a group and a table of their own."""
    own = new_id().hex
    parts = {"SERVICES_KAFKA": kafka_url, "SERVICES_CLICKHOUSE": clickhouse.url}
    names = {
        "CRYPTO_TOPIC": f"tickers-{own}",
        "CRYPTO_GROUP": f"pipeline-{own}",
        "CRYPTO_TABLE": "tickers_" + _letters(),
    }
    return {**parts, **names}


def _letters() -> str:
    return "".join(chr(ord("a") + int(digit, 16)) for digit in new_id().hex)


@pytest.fixture
def start(variables: dict[str, str], tmp_path: Path) -> Iterator[Callable[..., Copy]]:
    """Start the pipeline; what still runs at the end of the test is killed."""
    started: list[Copy] = []

    def begin(**more: str) -> Copy:
        started.append(Copy("crypto.pipeline", tmp_path / "log", {**os.environ, **variables, **more}))
        assert started[-1].stdout.readline() == b"pipeline: ready\n"
        return started[-1]

    yield begin
    for process in started:
        process.send_signal(signal.SIGKILL)
        process.stdout.close()


def end(process: Copy, number: int) -> int:
    process.send_signal(number)
    return process.wait(20)


def count(variables: dict[str, str], what: str = "count()") -> int:
    query = f"SELECT {what} FROM {variables['CRYPTO_TABLE']} FINAL"
    answer = httpx.post(variables["SERVICES_CLICKHOUSE"], params={"query": query}, trust_env=False)
    return int(answer.text) if answer.status_code == 200 else 0


def ticker(number: int) -> bytes:
    fields = {
        "e": "24hrMiniTicker",
        "E": 1735689600000 + number // 7,
        "s": f"S{number % 5}USDT",
        "c": f"{number + 1}.5",
    }
    return json.dumps(fields).encode()


async def _produce(variables: dict[str, str], messages: list[bytes]) -> None:
    async with AIOKafkaProducer(bootstrap_servers=variables["SERVICES_KAFKA"], acks="all", linger_ms=5) as producer:
        sent = [
            await producer.send(variables["CRYPTO_TOPIC"], message, partition=number % 3)
            for number, message in enumerate(messages)
        ]
        await asyncio.gather(*sent)


async def _waiting(variables: dict[str, str]) -> int:
    url, group = variables["SERVICES_KAFKA"], variables["CRYPTO_GROUP"]
    async with AIOKafkaConsumer(bootstrap_servers=url, group_id=group) as consumer:
        partitions = [TopicPartition(variables["CRYPTO_TOPIC"], number) for number in range(3)]
        ends = await consumer.end_offsets(partitions)
        return sum([ends[one] - (await consumer.committed(one) or 0) for one in partitions])


def test_killed_again_and_again_each_ticker_is_there_once_and_the_tail_too(
    start: Any, variables: dict[str, str], eventually: Callable[..., None]
) -> None:
    end(start(), signal.SIGTERM)
    asyncio.run(_produce(variables, [ticker(number) for number in range(TICKERS)]))
    for _ in range(KILLS):
        process = start(CRYPTO_BATCH="500")
        before = count(variables)
        eventually(lambda before=before: count(variables) > before)
        end(process, signal.SIGKILL)
    assert 0 < count(variables) <= TICKERS
    process = start()
    eventually(lambda: asyncio.run(_waiting(variables)) == 0)
    assert count(variables) == count(variables, "uniqExact(price)") == TICKERS
    end(process, signal.SIGTERM)

    # What was read is inserted at the end, though more would have been waited for; what tells no tick is let go by.
    process = start(CRYPTO_BATCH_SECONDS="1000")
    asyncio.run(_produce(variables, [ticker(TICKERS), b"broken", b"[" + ticker(TICKERS + 1) + b", {}]"]))
    # Nothing tells from outside that they were read.
    time.sleep(2)
    assert end(process, signal.SIGTERM) == 0
    assert (count(variables), asyncio.run(_waiting(variables))) == (TICKERS + 2, 0)


def test_while_clickhouse_is_away_the_offset_stands(
    start: Any, variables: dict[str, str], clickhouse: ClickHouseServer, eventually: Callable[..., None]
) -> None:
    process = start(CRYPTO_BATCH_SECONDS="0.1")
    asyncio.run(_produce(variables, [ticker(number) for number in range(30)]))
    eventually(lambda: count(variables) == 30)
    eventually(lambda: asyncio.run(_waiting(variables)) == 0)
    clickhouse.stop(signal.SIGKILL)
    asyncio.run(_produce(variables, [ticker(number) for number in range(30, 60)]))
    time.sleep(1)
    assert asyncio.run(_waiting(variables)) == 30
    clickhouse.start()
    eventually(lambda: count(variables) == 60)
    eventually(lambda: asyncio.run(_waiting(variables)) == 0)
    assert end(process, signal.SIGTERM) == 0


def test_the_system_records_what_the_exchange_tells(
    start_copy: Any, system_variables: dict[str, str], eventually: Callable[..., None]
) -> None:
    system = start_copy("crypto", **system_variables)
    eventually(lambda: count(system_variables) >= 10)
    assert system.stop() == 0


@pytest.fixture
def system_variables(variables: dict[str, str], database_url: str, redis_url: str) -> dict[str, str]:
    """Of a whole system, with the exchange that is simulated."""
    parts = {"METACORE_URL": database_url, "SERVICES_REDIS": redis_url}
    return {**variables, **parts, "CRYPTO_PIPELINE": "1"}
