"""What everybody needs who talks to a broker."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Iterable, Mapping, Sequence
from typing import Any, TypeVar

from aiokafka import AIOKafkaConsumer
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.errors import KafkaTimeoutError, TopicAlreadyExistsError, for_code

T = TypeVar("T")

ANSWERS_WITHIN = 4
"""Seconds; the client itself would ask again for ever."""


async def within(seconds: float, call: Coroutine[Any, Any, T]) -> T:
    """What `call` gives; KafkaTimeoutError if it takes longer."""
    try:
        return await asyncio.wait_for(call, seconds)
    except TimeoutError:
        raise KafkaTimeoutError(f"no answer within {seconds} s") from None


def new_topics(names: Iterable[str], partitions: int, **limits: str) -> Sequence[NewTopic]:
    """Topics of these names, for a broker that has no replicas; `limits` by the broker's names with underscores."""
    configuration: Mapping[str, str] = {name.replace("_", "."): value for name, value in limits.items()}
    return [NewTopic(name, partitions, 1, topic_configs=dict(configuration)) for name in names]


async def require_topics(url: str, topics: Sequence[NewTopic]) -> None:
    """Make the topics that are not there yet."""
    admin = AIOKafkaAdminClient(bootstrap_servers=url)
    try:
        await within(ANSWERS_WITHIN, admin.start())
        # Which class it is, only the broker's version tells.
        answer: Any = await within(ANSWERS_WITHIN, admin.create_topics(list(topics)))
    finally:
        await within(ANSWERS_WITHIN, admin.close())
    for _, code, *_ in answer.topic_errors:
        if code not in (0, TopicAlreadyExistsError.errno):
            raise for_code(code)


async def rest(kafka: AIOKafkaConsumer, milliseconds: float) -> None:
    """Ask for nothing a while: the embedded broker waits for no more messages, so asking would take half a core."""
    kafka.pause(*kafka.assignment())
    await asyncio.sleep(milliseconds / 1000)
    kafka.resume(*kafka.assignment())
