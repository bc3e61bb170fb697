"""What the charts of the page are drawn of: the newest prices, second by second."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

from marketflow.answers import board
from marketflow.modes import Modes
from marketflow.settings import MarketSettings

_KEPT = 300
_FRESH = timedelta(seconds=10)
"""What is older is no price of now, and is not drawn."""


class History:
    """A board for each of the last five minutes' seconds, of the mode that it is."""

    def __init__(self, modes: Modes, settings: MarketSettings, clock: Callable[[], datetime]) -> None:
        self._modes, self._settings, self._clock = modes, settings, clock
        self._boards: deque[tuple[datetime, dict[str, Any]]] = deque(maxlen=_KEPT)

    def since(self, after: datetime | None) -> list[dict[str, Any]]:
        """The boards after that time, of the mode that it is now."""
        mode = self._modes.mode
        return [board for at, board in self._boards if board["mode"] == mode and (after is None or at > after)]

    async def run(self, stop: asyncio.Event) -> None:
        """Note a board each second until the event is set."""
        while not stop.is_set():
            now = self._clock()
            ticks = self._modes.market.newest(self._settings.symbols, self._modes.exchanges)
            fresh = [tick for tick in ticks if now - tick.at < _FRESH]
            self._boards.append((now, dict(board(fresh, self._modes.mode, now))))
            try:
                async with asyncio.timeout(1):
                    await stop.wait()
            except TimeoutError:
                continue
