"""A consumer of an order service's messages: parse, store, and only then commit the offset.

    python examples/order_consumer.py                     a private PostgreSQL, made for this run and gone after it
    python examples/order_consumer.py memory://           the same without a server
    python examples/order_consumer.py postgresql://...    any server where `metacore deploy` was run

It needs no broker: the messages are the lines of examples/data/order_messages.jsonl. Some of them are broken, some
come twice, one comes late. After the fifth the consumer dies, stored but not committed, and starts again.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Iterator
from pathlib import Path

import metacore
from metacore import InvalidDataError, OrderRecordService, parse_order_record

MESSAGES = Path(__file__).parent / "data" / "order_messages.jsonl"


async def consume(partition: Partition, service: OrderRecordService, parking: Parking) -> None:
    """Process every message from the committed offset on.

    What is no order today is none tomorrow: it is parked as it came, and the rest goes on. What happens to the database
    is no fault of the message: the error ends the consumer, the offset stays, and the message comes again. So every
    message is processed, some of them twice, and the second time is UNCHANGED.
    """
    for offset, message in partition.poll():
        try:
            record = parse_order_record(message)
        except InvalidDataError as error:
            parking.park(offset, error)
            print(f"{offset:>4}  parked     {error}")
        else:
            outcome = await service.process(record)
            print(f"{offset:>4}  {outcome:<9}  {record.order_uid}")
        partition.commit(offset + 1)


async def main(url: str) -> None:
    partition, parking = Partition(MESSAGES, dies_at=5), Parking()
    async with metacore.connect(url) as storage:
        try:
            await consume(partition, OrderRecordService(storage), parking)
        except KilledError:
            print(f"      killed; the next one starts at {partition.committed}")
        service = OrderRecordService(storage)
        await service.warm_up()
        await consume(partition, service, parking)

        print("\nThe orders, newest first:")
        for record in (await service.list()).items:
            print(f"      {record.order_uid}  {record.date_created}  items: {len(record.items)}")
        gift = await service.get("order-d")
        print(f"      {gift.order_uid} has what no field is known for: {gift.model_extra}")
        stats = service.cache_stats()
        print(f"      cache: {stats.hits} hits, {stats.misses} misses, {stats.size} orders")

        print("\nThe parking, for somebody to look at:")
        for offset, field, raw in parking.messages:
            print(f"{offset:>4}  {field or 'not JSON':<14}  {raw[:40]!r}... {len(raw)} bytes")


class Parking:
    """What could not be processed, as it came. A real one is durable: a table, or a topic of its own."""

    def __init__(self) -> None:
        self.messages: list[tuple[int, str, bytes]] = []

    def park(self, offset: int, error: InvalidDataError) -> None:
        self.messages.append((offset, error.field, error.raw or b""))


class KilledError(Exception):
    """Stands for the end of a process that was killed."""


class Partition:
    """Stands for a partition of a broker: messages, and the offset from which they come again."""

    def __init__(self, path: Path, dies_at: int) -> None:
        self._messages = path.read_bytes().splitlines()
        self._dies_at = dies_at
        self.committed = 0

    def poll(self) -> Iterator[tuple[int, bytes]]:
        yield from enumerate(self._messages[self.committed :], self.committed)

    def commit(self, offset: int) -> None:
        if offset == self._dies_at:
            self._dies_at = -1
            raise KilledError
        self.committed = offset


if __name__ == "__main__":
    try:
        asyncio.run(main(sys.argv[1] if len(sys.argv) > 1 else "embedded:"))
    except metacore.MetacoreError as error:
        sys.exit(f"error: {error}")
