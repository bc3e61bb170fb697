"""Messages of subscriptions to Redis, and the certainty that they would come if there were any."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

from redis.asyncio import Redis
from redis.asyncio.client import PubSub

POLL = 0.5
"""Seconds for which a read waits."""
_SILENT = 2
"""Seconds without a message after which Redis is asked whether it is there."""


async def messages(client: Redis, subscription: PubSub, stop: asyncio.Event) -> AsyncIterator[bytes | None]:
    """What comes by the subscription until the event is set, and None now and then where nothing does; an error of
    Redis's as soon as it is gone, also if the connection does not show it.
    """
    loop = asyncio.get_running_loop()
    heard_at = loop.time()
    while not stop.is_set():
        message = await subscription.get_message(ignore_subscribe_messages=True, timeout=POLL)
        now = loop.time()
        if message is not None:
            heard_at = now
            yield message["data"]
            continue
        if now - heard_at > _SILENT:
            await client.echo("well")
            heard_at = now
        yield None
