"""Sessions that nobody can go on with: they are deleted, now and then."""

from __future__ import annotations

import asyncio
import logging
from contextlib import suppress

from metacore import MetacoreError, Storage

_AT_ONCE = 1000

_logger = logging.getLogger(__name__)


async def forget_sessions(storage: Storage, every: float, stop: asyncio.Event) -> None:
    """Delete sessions that have expired, every so many seconds, until the event is set. What fails is done later."""
    while not stop.is_set():
        try:
            while await storage.sessions.purge(storage.now(), _AT_ONCE) == _AT_ONCE:
                pass
        except MetacoreError as error:
            _logger.warning("old sessions wait: %s", type(error).__name__)
        with suppress(TimeoutError):
            async with asyncio.timeout(every):
                await stop.wait()
