"""Messages, sorted into orders and what is none."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import TypeAlias

from aiokafka import ConsumerRecord

from metacore import InvalidDataError, OrderRecord
from orders.letters import record_of

Message: TypeAlias = ConsumerRecord[bytes, bytes]

_PARSED_AT_ONCE = 25
"""After so many messages others may work: reading an unusual one takes a tenth of a millisecond."""


@dataclass
class Batch:
    """What is stored together."""

    orders: list[tuple[Message, OrderRecord]] = field(default_factory=list)
    dead: list[tuple[Message, InvalidDataError]] = field(default_factory=list)


async def sort(messages: Iterable[Message]) -> Batch:
    """The batch of these messages."""
    batch = Batch()
    for number, message in enumerate(messages, 1):
        try:
            batch.orders.append((message, record_of(message.value)))
        except InvalidDataError as error:
            batch.dead.append((message, error))
        if number % _PARSED_AT_ONCE == 0:
            await asyncio.sleep(0)
    return batch
