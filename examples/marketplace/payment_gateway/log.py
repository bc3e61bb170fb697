"""The bank's own log: what it was asked for, how often, and what it did, once for each key."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import LiteralString
from uuid import UUID

from psycopg.rows import class_row, scalar_row
from pydantic import BaseModel

from marketplace.amounts import Amount
from marketplace.bank import Asked, Outcome
from marketplace.context import ServiceContext
from marketplace.rows import columns_of


class Mode(StrEnum):
    """How the bank is minded."""

    GOOD = "GOOD"
    SLOW = "SLOW"
    """It does what it is asked, and answers when nobody listens any more; asked again, it knows."""
    DEAD = "DEAD"
    """It does nothing, and answers that it cannot."""
    LOST = "LOST"
    """It does what it is asked, and answers that it cannot."""
    DECLINE = "DECLINE"
    TWICE = "TWICE"
    """It answers, and calls back twice."""
    LATE = "LATE"
    """It only calls back, a second later."""


class Entry(BaseModel):
    """What was asked for by one key."""

    key: UUID
    of: UUID | None
    amount: Amount
    currency: str
    outcome: Outcome
    asked: int
    """How often."""
    asked_at: datetime
    """When first."""


class Log:
    """The log of this bank, which also keeps how it is minded."""

    def __init__(self, context: ServiceContext) -> None:
        self._storage = context.storage
        self._log: LiteralString = f"{context.schema}.log"
        self._minds: LiteralString = f"{context.schema}.minds"

    async def mode(self) -> Mode:
        """How the bank is minded."""
        async with self._storage.transaction() as transaction:
            cursor = transaction.connection.cursor(row_factory=scalar_row)
            await cursor.execute(f"SELECT mind FROM {self._minds}")
            return Mode(await cursor.fetchone() or Mode.GOOD)

    async def change_mode(self, mode: Mode) -> None:
        """Be of another mind from now on."""
        query = f"""
        INSERT INTO {self._minds} VALUES (true, %s) ON CONFLICT (is_the_one) DO UPDATE SET mind = excluded.mind
        """
        async with self._storage.transaction() as transaction:
            await transaction.connection.execute(query, [mode])

    async def do(self, asked: Asked, outcome: Outcome) -> Entry:
        """Do what is asked for, with this outcome; by a key that is known already, say what became of it."""
        query = f"""
        INSERT INTO {self._log} AS log ({columns_of(Entry)})
        VALUES (%(key)s, %(of)s, %(amount)s, %(currency)s, %(outcome)s, 1, %(now)s)
        ON CONFLICT (key) DO UPDATE SET asked = log.asked + 1 RETURNING {columns_of(Entry)}
        """
        async with self._storage.transaction() as transaction:
            cursor = transaction.connection.cursor(row_factory=class_row(Entry))
            await cursor.execute(query, {**dict(asked), "outcome": outcome, "now": self._storage.now()})
            entry = await cursor.fetchone()
        assert entry is not None
        return entry

    async def entries(self) -> list[Entry]:
        """All of it, in turn."""
        async with self._storage.transaction() as transaction:
            cursor = transaction.connection.cursor(row_factory=class_row(Entry))
            await cursor.execute(f"SELECT {columns_of(Entry)} FROM {self._log} ORDER BY asked_at, key")
            return await cursor.fetchall()
