"""The repository of purchases: each is written once, and moves by the table of moves, with the event of it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, LiteralString, NamedTuple
from uuid import UUID

from pydantic import BaseModel

from common.tracing import outgoing
from marketplace.batcher import Batcher
from marketplace.context import ServiceContext
from marketplace.orders.purchase import ANSWERED_WITHIN, Purchase, State
from marketplace.orders.saga import Trigger, next_step
from marketplace.rows import columns_of, input_rows, read, rows, rows_of
from metacore import ConflictError, MetacoreError, NewEvent, NotFoundError, Transaction

_COLUMNS = columns_of(Purchase)
_CHANGING: tuple[LiteralString, ...] = ("state", "reason", "version", "updated_at")
_SET: LiteralString = ", ".join(f"{name} = input.{name}" for name in (*_CHANGING, "look_at"))


class StepTaken(BaseModel):
    """A step that a purchase has taken."""

    version: int
    trigger: str
    state: State
    at: datetime


class PurchaseWithSteps(Purchase):
    """A purchase, with the steps that it has taken."""

    steps: list[StepTaken]


class _Named(BaseModel):
    customer_id: UUID
    idempotency_key: str


class _Written(Purchase):
    idempotency_key: str
    content: str


class _New(NamedTuple):
    purchase: Purchase
    key: str
    content: str

    def row(self) -> Mapping[str, Any]:
        look_at = self.purchase.look_at
        return {**dict(self.purchase), "idempotency_key": self.key, "content": self.content, "look_at": look_at}


class Move(NamedTuple):
    """What happens to a purchase, if it is of the customer named; the event of it has these headers."""

    purchase_id: UUID
    trigger: Trigger
    headers: Mapping[str, Any]
    whose: UUID | None = None


class PurchaseRepository:
    """The purchases of this service. What several write at the same time is written by one transaction."""

    def __init__(self, context: ServiceContext) -> None:
        self._storage, self._topic, self._activity = context.storage, context.topic("orders"), context.activity
        self._purchases: LiteralString = f"{context.schema}.purchases"
        self._finding = Batcher[_Named, _Written | None](self._find)
        self._writing = Batcher[_New, Purchase](self._write)
        self._moving = Batcher[Move, Purchase](self._move)

    async def write(self, purchase: Purchase, key: str, content: str) -> Purchase:
        """Write a purchase down; the one that its customer has bought by the same `key` already, if there is one.

        ConflictError if that was of other `content`.
        """
        return await self._writing.submit(_New(purchase, key, content))

    async def found(self, customer_id: UUID, key: str, content: str) -> Purchase | None:
        """What the customer has bought by this key; ConflictError if that was of other `content`."""
        found = await self._finding.submit(_Named(customer_id=customer_id, idempotency_key=key))
        if found is None:
            return None
        if found.content != content:
            raise ConflictError("this Idempotency-Key was used for another order", conflicts=(str(found.id),))
        return _plain(found)

    async def get(self, purchase_id: UUID) -> PurchaseWithSteps:
        """The purchase; NotFoundError if there is none."""
        query = f"SELECT {columns_of(PurchaseWithSteps)} FROM {self._purchases} WHERE id = %s"
        async with self._storage.transaction() as transaction:
            found = await read(transaction, PurchaseWithSteps, query, [purchase_id])
        if not found:
            raise NotFoundError("order", str(purchase_id))
        return found[0]

    async def page(self, customer_id: UUID | None, after: UUID | None, limit: int) -> list[Purchase]:
        """Purchases of a customer, or of all, the newest first; those older than `after`."""
        query = f"""
        SELECT {_COLUMNS} FROM {self._purchases}
        WHERE (%(of)s::uuid IS NULL OR customer_id = %(of)s) AND (%(after)s::uuid IS NULL OR id < %(after)s)
        ORDER BY id DESC LIMIT %(limit)s
        """
        async with self._storage.transaction() as transaction:
            return await read(transaction, Purchase, query, {"of": customer_id, "after": after, "limit": limit})

    async def due(self, now: datetime, limit: int) -> Sequence[Purchase]:
        """Purchases that somebody is to look at now: those whose time to be paid is over, and those of which the
        warehouse has said nothing yet. If nothing happens to them, they are looked at once more a while later.
        """
        query = f"""
        UPDATE {self._purchases} SET look_at = %s WHERE id IN (
            SELECT id FROM {self._purchases} WHERE look_at <= %s ORDER BY look_at LIMIT %s FOR UPDATE SKIP LOCKED
        ) RETURNING {_COLUMNS}
        """
        async with self._storage.transaction() as transaction:
            return await read(transaction, Purchase, query, [now + ANSWERED_WITHIN, now, limit])

    async def move(self, purchase_id: UUID, trigger: Trigger, whose: UUID | None = None) -> Purchase:
        """Let it happen to the purchase, and return what has become of it; InvalidTransitionError if it cannot.

        NotFoundError if there is none, or it is not of the customer named.
        """
        return await self._moving.submit(Move(purchase_id, trigger, outgoing(), whose))

    async def move_in(self, transaction: Transaction, moves: Sequence[Move]) -> Sequence[Purchase | MetacoreError]:
        """The same of several, as part of a transaction: what has become of each, or why it cannot move."""
        query = f"SELECT {_COLUMNS} FROM {self._purchases} WHERE id = ANY(%s) ORDER BY id FOR UPDATE"
        stored = await read(transaction, Purchase, query, [[move.purchase_id for move in moves]])
        purchases = {purchase.id: purchase for purchase in stored}
        now, results = self._storage.now(), list[Purchase | MetacoreError]()
        steps, events = dict[UUID, list[StepTaken]](), list[NewEvent]()
        for move in moves:
            try:
                before = _of(purchases, move)
                after = _moved(before, move.trigger, now)
            except MetacoreError as error:
                results.append(error)
                continue
            results.append(after)
            if after is not before:
                purchases[after.id] = after
                steps.setdefault(after.id, []).append(_step(after, move.trigger))
                events.append(self._event(after, move.headers))
        if steps:
            await self._save(transaction, [(purchases[purchase_id], steps[purchase_id]) for purchase_id in steps])
            await transaction.outbox.append(events)
        return results

    async def _move(self, moves: Sequence[Move]) -> Sequence[Purchase | MetacoreError]:
        results = await self._storage.run(lambda transaction: self.move_in(transaction, moves))
        self._activity.appended()
        return results

    async def _save(self, transaction: Transaction, changed: Iterable[tuple[Purchase, Sequence[StepTaken]]]) -> None:
        query = f"""
        UPDATE {self._purchases} AS stored SET {_SET}, steps = stored.steps || input.steps
        FROM {input_rows(self._purchases)} WHERE stored.id = input.id
        """
        values = (
            {name: getattr(purchase, name) for name in ("id", *_CHANGING, "look_at")} | {"steps": steps}
            for purchase, steps in changed
        )
        await transaction.connection.execute(query, rows(values))

    async def _write(self, batch: Sequence[_New]) -> Sequence[Purchase | MetacoreError]:
        columns = columns_of(_Written)
        query = f"""
        INSERT INTO {self._purchases} ({columns}, look_at, steps) SELECT {columns}, look_at, '[]'
        FROM {input_rows(self._purchases)}
        ON CONFLICT (customer_id, idempotency_key) DO NOTHING RETURNING id
        """
        async with self._storage.transaction() as transaction:
            cursor = await transaction.connection.execute(query, rows(new.row() for new in batch))
            written = {row[0] for row in await cursor.fetchall()}
        return [new.purchase if new.purchase.id in written else await self._written_before(new) for new in batch]

    async def _written_before(self, new: _New) -> Purchase | MetacoreError:
        try:
            found = await self.found(new.purchase.customer_id, new.key, new.content)
        except MetacoreError as error:
            return error
        assert found is not None
        return found

    async def _find(self, named: Sequence[_Named]) -> Sequence[_Written | None]:
        query = f"""
        SELECT {columns_of(_Written, "stored")} FROM {self._purchases} AS stored, {input_rows(self._purchases)}
        WHERE (stored.customer_id, stored.idempotency_key) = (input.customer_id, input.idempotency_key)
        """
        async with self._storage.transaction() as transaction:
            stored = await read(transaction, _Written, query, rows_of(named))
        found = {(one.customer_id, one.idempotency_key): one for one in stored}
        return [found.get((one.customer_id, one.idempotency_key)) for one in named]

    def _event(self, purchase: Purchase, headers: Mapping[str, Any]) -> NewEvent:
        kind = f"order.{purchase.state.lower()}"
        return NewEvent(topic=self._topic, key=str(purchase.id), type=kind, payload=purchase.payload(), headers=headers)


def _of(purchases: Mapping[UUID, Purchase], move: Move) -> Purchase:
    purchase = purchases.get(move.purchase_id)
    if purchase is None or move.whose not in (None, purchase.customer_id):
        raise NotFoundError("order", str(move.purchase_id))
    return purchase


def _moved(purchase: Purchase, trigger: Trigger, now: datetime) -> Purchase:
    # Its time is over, whether or not somebody has looked.
    over = trigger is Trigger.PAY and purchase.is_due(now)
    step = next_step(purchase, Trigger.EXPIRE if over else trigger)
    if step is None:
        return purchase
    return purchase.model_copy(update={**step._asdict(), "version": purchase.version + 1, "updated_at": now})


def _step(moved: Purchase, trigger: Trigger) -> StepTaken:
    return StepTaken(version=moved.version, trigger=trigger, state=moved.state, at=moved.updated_at)


def _plain(written: _Written) -> Purchase:
    return Purchase.model_construct(**{name: getattr(written, name) for name in Purchase.model_fields})
