"""The book of purchases: each is written once, and moves by the table of moves, together with what is told of it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import LiteralString
from uuid import UUID

from psycopg.rows import class_row
from psycopg.types.json import Jsonb
from pydantic import BaseModel

from common.tracing import outgoing
from marketplace.context import ServiceContext
from marketplace.orders.purchase import Purchase, State
from marketplace.orders.saga import Happening, next_step
from marketplace.rows import columns_of, places_of
from metacore import ConflictError, NewEvent, NotFoundError, Transaction

_COLUMNS, _PLACES = columns_of(Purchase), places_of(Purchase)


class StepTaken(BaseModel):
    """A step that a purchase has taken."""

    version: int
    happening: str
    state: State
    at: datetime


class _Asked(Purchase):
    asked: str


class Book:
    """The purchases of this service."""

    def __init__(self, context: ServiceContext) -> None:
        self._storage, self._topic = context.storage, context.topic("orders")
        self._purchases: LiteralString = f"{context.schema}.purchases"
        self._steps: LiteralString = f"{context.schema}.purchase_steps"

    async def write(self, purchase: Purchase, key: str, asked: str) -> Purchase:
        """Write a purchase down; the one that its customer has bought by the same `key` already, if there is one.

        ConflictError if something else was `asked` then.
        """
        query = f"""
        INSERT INTO {self._purchases} ({_COLUMNS}, idempotency_key, asked) VALUES ({_PLACES}, %(key)s, %(asked)s)
        ON CONFLICT (customer_id, idempotency_key) DO NOTHING
        """
        lines = Jsonb([line.model_dump(mode="json") for line in purchase.lines])
        row = {**dict(purchase), "lines": lines, "key": key, "asked": asked}
        async with self._storage.transaction() as transaction:
            cursor = await transaction.connection.execute(query, row)
            if cursor.rowcount:
                return purchase
        found = await self.found(purchase.customer_id, key, asked)
        assert found is not None
        return found

    async def found(self, customer_id: UUID, key: str, asked: str) -> Purchase | None:
        """What the customer has bought by this key; ConflictError if something else was `asked` then."""
        query = f"""
        SELECT {_COLUMNS}, asked FROM {self._purchases} WHERE customer_id = %s AND idempotency_key = %s
        """
        async with self._storage.transaction() as transaction:
            cursor = transaction.connection.cursor(row_factory=class_row(_Asked))
            await cursor.execute(query, [customer_id, key])
            found = await cursor.fetchone()
        if found is not None and found.asked != asked:
            raise ConflictError("this Idempotency-Key was used for another order", conflicts=(str(found.id),))
        return found and Purchase.model_validate(found.model_dump(exclude={"asked"}))

    async def get(self, purchase_id: UUID) -> Purchase:
        """The purchase; NotFoundError if there is none."""
        async with self._storage.transaction() as transaction:
            return await self._read(transaction, purchase_id)

    async def steps(self, purchase_id: UUID) -> list[StepTaken]:
        """The steps it has taken, in turn."""
        query = f"SELECT version, happening, state, at FROM {self._steps} WHERE purchase_id = %s ORDER BY version"
        async with self._storage.transaction() as transaction:
            cursor = transaction.connection.cursor(row_factory=class_row(StepTaken))
            await cursor.execute(query, [purchase_id])
            return await cursor.fetchall()

    async def page(self, customer_id: UUID | None, after: UUID | None, limit: int) -> list[Purchase]:
        """Purchases of a customer, or of all, the newest first; those older than `after`."""
        query = f"""
        SELECT {_COLUMNS} FROM {self._purchases}
        WHERE (%(of)s::uuid IS NULL OR customer_id = %(of)s) AND (%(after)s::uuid IS NULL OR id < %(after)s)
        ORDER BY id DESC LIMIT %(limit)s
        """
        async with self._storage.transaction() as transaction:
            cursor = transaction.connection.cursor(row_factory=class_row(Purchase))
            await cursor.execute(query, {"of": customer_id, "after": after, "limit": limit})
            return await cursor.fetchall()

    async def unanswered(self, before: datetime, limit: int) -> list[Purchase]:
        """Purchases that were written before that time, and of which the warehouse has said nothing yet."""
        return await self._due("state = 'NEW' AND created_at < %s", before, limit)

    async def due(self, now: datetime, limit: int) -> Sequence[Purchase]:
        """Purchases whose time to be paid is over."""
        return await self._due("state IN ('NEW', 'RESERVED') AND expires_at <= %s", now, limit)

    async def move(self, purchase_id: UUID, happening: Happening, whose: UUID | None = None) -> Purchase:
        """Let it happen to the purchase, and return what has become of it; InvalidTransitionError if it cannot.

        NotFoundError if there is none, or it is not of the customer that is told.
        """
        return await self._storage.run(lambda transaction: self.move_in(transaction, purchase_id, happening, whose))

    async def move_in(
        self, transaction: Transaction, purchase_id: UUID, happening: Happening, whose: UUID | None = None
    ) -> Purchase:
        """The same, as part of a transaction."""
        purchase = await self._read(transaction, purchase_id, "FOR UPDATE")
        if whose not in (None, purchase.customer_id):
            raise NotFoundError("order", str(purchase_id))
        now = self._storage.now()
        # Its time is over, whether or not somebody has looked.
        over = happening is Happening.PAY and purchase.is_due(now)
        step = next_step(purchase, Happening.EXPIRE if over else happening)
        if step is None:
            return purchase
        changes = {**step._asdict(), "version": purchase.version + 1, "updated_at": now}
        moved = purchase.model_copy(update=changes)
        await transaction.connection.execute(
            f"""
            WITH moved AS (
                UPDATE {self._purchases}
                SET state = %(state)s, reason = %(reason)s, version = %(version)s, updated_at = %(updated_at)s
                WHERE id = %(id)s RETURNING id
            )
            INSERT INTO {self._steps} (purchase_id, version, happening, state, at)
            SELECT id, %(version)s, %(happening)s, %(state)s, %(updated_at)s FROM moved
            """,
            {**changes, "id": purchase_id, "happening": happening},
        )
        told = NewEvent(
            topic=self._topic,
            key=str(purchase_id),
            type=f"order.{step.state.lower()}",
            payload=moved.model_dump(mode="json"),
            headers=outgoing(),
        )
        await transaction.outbox.append([told])
        return moved

    async def _due(self, condition: LiteralString, time: datetime, limit: int) -> list[Purchase]:
        query = f"SELECT {_COLUMNS} FROM {self._purchases} WHERE {condition} ORDER BY expires_at LIMIT %s"
        async with self._storage.transaction() as transaction:
            cursor = transaction.connection.cursor(row_factory=class_row(Purchase))
            await cursor.execute(query, [time, limit])
            return await cursor.fetchall()

    async def _read(self, transaction: Transaction, purchase_id: UUID, lock: LiteralString = "") -> Purchase:
        cursor = transaction.connection.cursor(row_factory=class_row(Purchase))
        await cursor.execute(f"SELECT {_COLUMNS} FROM {self._purchases} WHERE id = %s {lock}", [purchase_id])
        purchase = await cursor.fetchone()
        if purchase is None:
            raise NotFoundError("order", str(purchase_id))
        return purchase
