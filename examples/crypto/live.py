"""Who looks on at a portfolio, live: each has a socket, and is told what it is worth whenever that has changed."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Mapping
from contextlib import suppress
from decimal import Decimal
from typing import Any
from uuid import UUID

from starlette.websockets import WebSocket, WebSocketDisconnect

from common.access_tokens import Claims
from crypto.message import Messages, beginning
from crypto.prices import Prices
from metacore import Portfolio

ANOTHER, ENDED, GOING_AWAY, TOO_SLOW, TRY_AGAIN = 4001, 4002, 1001, 1008, 1013
"""Close codes: the user has opened another socket; the session has ended; the service ends; nobody reads; the database
is away.
"""

_TOGETHER = 0.005
"""Seconds for which prices are gathered: those of several symbols come one after the other, and are told at once."""
_AGAIN = 2
"""Seconds after which it is told once more without any change, since prices have grown older."""
_TAKEN_WITHIN = 20
"""Seconds within which a message is to be taken; a socket whose other end does not read is closed."""
_CLOSED_WITHIN = 2
_LOOK = 0.25


class Viewer:
    """One who looks on. What is still to be told is a mark, not a queue: who is slow is told the newest, once."""

    def __init__(self, claims: Claims, name: str | None) -> None:
        self.user_id, self.session_id, self.name = claims.user_id, claims.session_id, name
        self.version = 0
        self.holdings: Mapping[str, Decimal] = {}
        self.beginning = ""
        self.wake = asyncio.Event()
        self.sent_at = 0.0
        self.is_sending = False
        self.over: asyncio.Future[int] = asyncio.get_running_loop().create_future()

    def end(self, code: int) -> None:
        """Let its socket be closed by this code."""
        if not self.over.done():
            self.over.set_result(code)


class Live:
    """Everyone who looks on: one socket a user, since the second closes the first."""

    def __init__(self, prices: Prices, stale_after: float) -> None:
        self._prices, self._messages = prices, Messages(prices, stale_after)
        self._viewers: dict[UUID, Viewer] = {}
        self._by_symbol: defaultdict[str, set[Viewer]] = defaultdict(set)
        self._changed: set[str] = set()
        prices.on_quotes = self.quoted

    def count(self) -> int:
        """How many look on."""
        return len(self._viewers)

    def enter(self, claims: Claims, name: str | None) -> Viewer:
        """Somebody looks on, whoever of the same user did before no more."""
        viewer = Viewer(claims, name)
        before = self._viewers.get(claims.user_id)
        self._viewers[claims.user_id] = viewer
        if before is not None:
            before.end(ANOTHER)
        return viewer

    def leave(self, viewer: Viewer) -> None:
        """It looks on no more."""
        self._hold(viewer, {})
        if self._viewers.get(viewer.user_id) is viewer:
            del self._viewers[viewer.user_id]

    def changed(self, portfolio: Portfolio) -> None:
        """A portfolio has changed; who looks on at it is told, unless it knows of a newer one."""
        viewer = self._viewers.get(portfolio.user_id)
        if viewer is not None:
            self.show(viewer, portfolio)

    def show(self, viewer: Viewer, portfolio: Portfolio) -> None:
        """Let it look on at this portfolio, unless it knows of a newer one."""
        if viewer.version < portfolio.version:
            self._hold(viewer, portfolio.holdings)
            viewer.version, viewer.beginning = portfolio.version, beginning(portfolio, viewer.name)
            viewer.wake.set()

    def session_ended(self, session_id: UUID) -> None:
        """Who looks on in this session does so no more."""
        for viewer in tuple(self._viewers.values()):
            if viewer.session_id == session_id:
                viewer.end(ENDED)

    async def watch(self, stop: asyncio.Event) -> None:
        """See to it, until the event is set, that who was told nothing for a while is told again, and who takes
        nothing is closed: one clock for all, since a time-out for each message would cost more than the message.
        """
        while not stop.is_set():
            with suppress(TimeoutError):
                async with asyncio.timeout(_LOOK):
                    await stop.wait()
            now = asyncio.get_running_loop().time()
            for viewer in self._viewers.values():
                if viewer.is_sending and now - viewer.sent_at > _TAKEN_WITHIN:
                    viewer.end(TOO_SLOW)
                elif now - viewer.sent_at > _AGAIN:
                    viewer.wake.set()

    async def close(self) -> None:
        """Nobody looks on any more; waits until all are told, not long."""
        with suppress(TimeoutError):
            async with asyncio.timeout(_CLOSED_WITHIN):
                while self._viewers:
                    for viewer in self._viewers.values():
                        viewer.end(GOING_AWAY)
                    await asyncio.sleep(0.02)

    def quoted(self, symbols: set[str]) -> None:
        """These symbols have new prices."""
        if not self._changed:
            asyncio.get_running_loop().call_later(_TOGETHER, self._wake)
        self._changed |= symbols

    async def run(self, websocket: WebSocket, viewer: Viewer) -> int:
        """Tell the viewer what there is until its socket is over; the code to close it by."""
        tasks = [asyncio.create_task(_receive(websocket)), asyncio.create_task(self._tell(websocket, viewer))]
        ends: list[asyncio.Future[Any]] = [viewer.over, *tasks]
        try:
            await asyncio.wait(ends, return_when=asyncio.FIRST_COMPLETED)
            return viewer.over.result() if viewer.over.done() else GOING_AWAY
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def _tell(self, websocket: WebSocket, viewer: Viewer) -> None:
        loop = asyncio.get_running_loop()
        while True:
            viewer.wake.clear()
            viewer.sent_at, viewer.is_sending = loop.time(), True
            await websocket.send_text(self._messages.write(viewer.beginning, viewer.holdings, viewer.sent_at))
            viewer.is_sending = False
            await viewer.wake.wait()

    def _hold(self, viewer: Viewer, holdings: Mapping[str, Decimal]) -> None:
        held, now_held = set(viewer.holdings), set(holdings)
        viewer.holdings = holdings
        self._prices.watch(now_held - held)
        self._prices.leave(held - now_held)
        for symbol in now_held - held:
            self._by_symbol[symbol].add(viewer)
        for symbol in held - now_held:
            self._by_symbol[symbol].discard(viewer)
            if not self._by_symbol[symbol]:
                del self._by_symbol[symbol]
                self._messages.forget(symbol)

    def _wake(self) -> None:
        changed, self._changed = self._changed, set()
        for symbol in changed:
            for viewer in self._by_symbol.get(symbol, ()):
                viewer.wake.set()


async def _receive(websocket: WebSocket) -> None:
    """Let go by whatever the client sends, until it leaves."""
    with suppress(WebSocketDisconnect):
        while True:
            message = await websocket.receive()
            if message["type"] == "websocket.disconnect":
                return
