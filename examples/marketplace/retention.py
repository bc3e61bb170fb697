"""For how long events are kept that are told."""

from __future__ import annotations

import asyncio
import logging
from contextlib import suppress
from datetime import timedelta

from marketplace.context import ServiceContext
from metacore import MetacoreError

_AT_ONCE = 1000

_logger = logging.getLogger(__name__)


class Retention:
    """Deletes events of the outbox some time after they are told."""

    def __init__(self, context: ServiceContext) -> None:
        self._storage = context.storage
        self._kept_for = timedelta(seconds=context.settings.events_kept_for)
        self._every = min(context.settings.events_kept_for, 60.0)

    async def run(self, stop: asyncio.Event) -> None:
        """Delete until the event is set: a thousand at a time, so that nothing waits for it."""
        while not stop.is_set():
            with suppress(TimeoutError):
                await asyncio.wait_for(stop.wait(), self._every)
            try:
                while not stop.is_set() and await self._purge() == _AT_ONCE:
                    """There may be more."""
            except MetacoreError as error:
                _logger.warning("old events wait to be deleted: %s", error)

    async def _purge(self) -> int:
        return await self._storage.outbox.purge(self._storage.now() - self._kept_for, _AT_ONCE)
