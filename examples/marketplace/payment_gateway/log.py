"""The bank's own log: what it was asked for, how often, and what it did, once for each key."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from enum import StrEnum
from typing import LiteralString
from uuid import UUID

from psycopg.rows import scalar_row
from pydantic import BaseModel

from marketplace.amounts import Amount
from marketplace.bank import BankRequest, Outcome
from marketplace.context import ServiceContext
from marketplace.rows import columns_of, input_rows, read, rows_of
from metacore import Transaction


class Mode(StrEnum):
    """How the bank behaves."""

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
    """The log of this bank, which also keeps its mode."""

    def __init__(self, context: ServiceContext) -> None:
        self._storage = context.storage
        self._log: LiteralString = f"{context.schema}.log"
        self._modes: LiteralString = f"{context.schema}.modes"

    async def mode(self) -> Mode:
        """How the bank behaves."""
        async with self._storage.transaction() as transaction:
            return await self._mode(transaction)

    async def change_mode(self, mode: Mode) -> None:
        """Behave so from now on."""
        query = f"""
        INSERT INTO {self._modes} VALUES (true, %s) ON CONFLICT (is_the_one) DO UPDATE SET mode = excluded.mode
        """
        async with self._storage.transaction() as transaction:
            await transaction.connection.execute(query, [mode])

    async def do(self, requests: Sequence[BankRequest]) -> tuple[Mode, Sequence[Entry]]:
        """Do what is asked for, as its mode says; by a key that is known already, say what became of it."""
        query = f"""
        INSERT INTO {self._log} AS log ({columns_of(Entry)}) SELECT {columns_of(Entry)} FROM {input_rows(self._log)}
        ON CONFLICT (key) DO UPDATE SET asked = log.asked + 1 RETURNING {columns_of(Entry, "log")}
        """
        by_key = {one.key: one for one in requests}
        async with self._storage.transaction() as transaction:
            mode = await self._mode(transaction)
            if mode is Mode.DEAD:
                return mode, ()
            outcome = Outcome.REFUSED if mode is Mode.DECLINE else Outcome.DONE
            # Those that are asked for at the same time take turns.
            first = [by_key[key] for key in sorted(by_key)]
            rows = rows_of(first, outcome=outcome, asked=1, asked_at=self._storage.now())
            entries = {entry.key: entry for entry in await read(transaction, Entry, query, rows)}
        return mode, [entries[one.key] for one in requests]

    async def entries(self) -> list[Entry]:
        """All of it, in turn."""
        async with self._storage.transaction() as transaction:
            return await read(transaction, Entry, f"SELECT {columns_of(Entry)} FROM {self._log} ORDER BY asked_at, key")

    async def _mode(self, transaction: Transaction) -> Mode:
        cursor = transaction.connection.cursor(row_factory=scalar_row)
        await cursor.execute(f"SELECT mode FROM {self._modes}")
        return Mode(await cursor.fetchone() or Mode.GOOD)
