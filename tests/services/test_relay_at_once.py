"""What only an asynchronous relay does: tell several keys at the same time."""

import asyncio

import metacore
from metacore.testing.factories import NewEventFactory


def test_a_send_that_waits_holds_up_its_key_alone() -> None:
    seen: list[str] = []

    async def tell() -> None:
        both = asyncio.Event()

        async def send(event: metacore.Event) -> None:
            seen.append(f"{event.key}{event.seq}")
            if len(seen) == 2:
                both.set()
            await both.wait()

        async with metacore.connect("memory://") as storage:
            await storage.outbox.append(NewEventFactory.build(key=key) for key in "aabbc")
            assert await metacore.Relay(storage, ["trading"], send, at_once=2).step() == 5

    asyncio.run(asyncio.wait_for(tell(), 10))
    assert seen[:2] == ["a1", "b1"]
    assert sorted(seen) == ["a1", "a2", "b1", "b2", "c1"]
