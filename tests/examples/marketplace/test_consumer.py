"""What the consumer makes of events that cannot take effect."""

import asyncio
from types import SimpleNamespace
from typing import Any

from marketplace.consumer import Consumer
from marketplace.deliveries import Delivery
from metacore import AcceptOutcome, StorageUnavailableError


def test_what_comes_after_an_event_that_waits_is_no_dead_letter_when_the_service_ends() -> None:
    async def main() -> tuple[bool, list[int]]:
        stop, dead_letters = asyncio.Event(), list[int]()
        context: Any = SimpleNamespace(
            storage=None,
            urls={"SERVICES_KAFKA": ""},
            tracing=None,
            settings=SimpleNamespace(partitions=1),
            activity=None,
            topic=str,
            name="payments",
        )
        consumer = Consumer(context, SimpleNamespace(handlers={}, ignored=frozenset(), singly=frozenset()))

        async def apply(deliveries: list[Delivery]) -> list[AcceptOutcome]:
            if len(deliveries) > 1:
                raise ValueError("not together")
            if deliveries[0].seq == 1:
                stop.set()
                raise StorageUnavailableError("the database is away")
            return [AcceptOutcome.GAP]

        async def dead_letter(message: Any, _: str) -> bool:
            dead_letters.append(message.seq)
            return True

        consumer._apply, consumer._dead_letter = apply, dead_letter
        message: Any = SimpleNamespace
        events = [Delivery(message(topic="orders", seq=seq), "a", seq, "order.paid", message()) for seq in (1, 2)]
        return await consumer._handle_batch(events, stop), dead_letters

    assert asyncio.run(main()) == (False, [])
