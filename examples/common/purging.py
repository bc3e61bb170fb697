"""What is old is deleted: now and then, some at a time, so that nothing waits for it."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import TypeAlias

from metacore import MetacoreError

Purge: TypeAlias = Callable[[int], Awaitable[int]]
"""Deletes so many at most, and says how many they were."""

_AT_ONCE = 1000
_REST = 0.1

_logger = logging.getLogger(__name__)


async def keep_purged(what: str, purge: Purge, every: float, stop: asyncio.Event) -> None:
    """Delete what is old, every so many seconds, until the event is set. What fails is done later."""
    while not stop.is_set():
        more = False
        try:
            more = await purge(_AT_ONCE) == _AT_ONCE
        except MetacoreError as error:
            _logger.warning("old %s are not deleted: %s", what, type(error).__name__)
        with suppress(TimeoutError):
            async with asyncio.timeout(_REST if more else every):
                await stop.wait()
