"""Whose turn it is to read a source: of several instances one, so that no tick is counted twice."""

from __future__ import annotations

import asyncio
import hashlib
import logging
from contextlib import suppress
from typing import Any

import psycopg

_LOOK = 0.5
_PATIENCE = 2
_NEW_SERVER = 3
"""Seconds. A server that has just started is asked first by those who had the turn before; the others wait so long."""
_TRY = (
    "SELECT pg_catalog.pg_try_advisory_lock(%s) WHERE %s"
    " OR pg_catalog.now() - pg_catalog.pg_postmaster_start_time() > pg_catalog.make_interval(secs => %s)"
)

_logger = logging.getLogger(__name__)


class Turns:
    """Advisory locks of PostgreSQL, one for each source, on a connection of their own: who dies gives them back.

    While the database is away, who reads goes on, and nobody else begins. When it is back, who read before comes first.
    """

    def __init__(self, url: str, alone: bool) -> None:
        """Without a PostgreSQL server, and where this instance started it, there is nobody else: `alone`."""
        self._url, self._alone = url, alone
        self._ours: set[str] = set()
        self._locked: set[str] = set()
        self._asked_for: set[str] = set()
        self._changed = asyncio.Event()

    def has(self, source: str) -> bool:
        """Whether it is this instance's turn to read that source."""
        return self._alone or source in self._ours

    def want(self, sources: set[str]) -> None:
        """Ask for the turns of these sources, and of no others."""
        self._asked_for = sources
        self._changed.set()

    async def run(self, stop: asyncio.Event) -> None:
        """Ask for what is wanted, and give back what is not, until the event is set."""
        if self._alone:
            return
        while not stop.is_set():
            with suppress(psycopg.Error, OSError):
                await self._hold(stop)
            self._locked.clear()
            await self._rest(stop)
        self._ours.clear()

    async def _hold(self, stop: asyncio.Event) -> None:
        connecting = psycopg.AsyncConnection.connect(self._url, autocommit=True, connect_timeout=_PATIENCE)
        async with await connecting as connection:
            while not stop.is_set():
                self._changed.clear()
                async with asyncio.timeout(_PATIENCE):
                    await self._look(connection)
                await self._rest(stop)

    async def _look(self, connection: psycopg.AsyncConnection[Any]) -> None:
        for source in self._locked - self._asked_for:
            await connection.execute("SELECT pg_catalog.pg_advisory_unlock(%s)", [_key(source)])
            self._locked.discard(source)
        self._ours &= self._asked_for
        for source in sorted(self._asked_for - self._locked):
            had = source in self._ours
            row = await (await connection.execute(_TRY, [_key(source), had, _NEW_SERVER])).fetchone()
            if row is not None and row[0]:
                self._locked.add(source)
                self._ours.add(source)
            else:
                self._ours.discard(source)
        # A connection that was lost is told by the next question.
        await connection.execute("SELECT 1")

    async def _rest(self, stop: asyncio.Event) -> None:
        waiting = [asyncio.create_task(event.wait()) for event in (stop, self._changed)]
        await asyncio.wait(waiting, timeout=_LOOK, return_when=asyncio.FIRST_COMPLETED)
        for task in waiting:
            task.cancel()


def _key(source: str) -> int:
    return int.from_bytes(hashlib.sha256(f"marketflow {source}".encode()).digest()[:8], "big", signed=True)
