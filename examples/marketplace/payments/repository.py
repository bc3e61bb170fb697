"""The repository of payments: each as it is written down, and in the ledger the money that was captured by each."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from datetime import datetime
from typing import Any, LiteralString, TypeVar
from uuid import UUID

from pydantic import BaseModel

from common.tracing import outgoing
from marketplace.batcher import Batcher
from marketplace.context import ServiceContext
from marketplace.payments.payment import Payment, PaymentState
from marketplace.rows import columns_of, input_rows, read, rows, rows_of
from metacore import (
    AlreadyExistsError,
    NewDeposit,
    NewEvent,
    NewUser,
    NotFoundError,
    Storage,
    TradingService,
    Transaction,
)

M = TypeVar("M", bound=BaseModel)

TILL = UUID("3a0e5f8e-6d0b-4d9a-8c1e-0b9a6f7f5d21")
"""The account that all captured money lies in, an asset for each payment."""

_PAYMENT = columns_of(Payment)


class _Settled(BaseModel):
    """What the bank says of a payment."""

    id: UUID
    state: PaymentState
    headers: Mapping[str, Any]


class PaymentRepository:
    """The payments of this service."""

    def __init__(self, context: ServiceContext) -> None:
        self._storage, self._topic, self._activity = context.storage, context.topic("payments"), context.activity
        self._payments: LiteralString = f"{context.schema}.payments"
        self._settling = Batcher(self._settle)

    async def open(self) -> None:
        """Make its account."""
        with suppress(AlreadyExistsError):
            await self._storage.users.create(NewUser(id=TILL, username="till"))

    async def get(self, payment_id: UUID) -> Payment:
        """The payment; NotFoundError if there is none."""
        async with self._storage.transaction() as transaction:
            return await self.read(transaction, payment_id)

    async def read(self, transaction: Transaction, payment_id: UUID) -> Payment:
        """The payment, as the transaction sees it; NotFoundError if there is none."""
        query = f"SELECT {_PAYMENT} FROM {self._payments} WHERE id = %s"
        if found := await read(transaction, Payment, query, [payment_id]):
            return found[0]
        raise NotFoundError("payment", str(payment_id))

    async def open_payments(
        self, transaction: Transaction, payments: Sequence[Payment], retry_at: datetime | None = None
    ) -> None:
        """Write payments down; one that is there stays. Whoever does so asks the bank for them, others `retry_at`."""
        await transaction.connection.execute(
            f"""
            INSERT INTO {self._payments} ({_PAYMENT}, ask_at)
            SELECT {_PAYMENT}, %(retry_at)s::timestamptz FROM {input_rows(self._payments)}
            ON CONFLICT (id) DO NOTHING
            """,
            {**rows_of(payments), "retry_at": retry_at},
        )

    async def captures_due(self, retry_at: datetime, limit: int) -> list[Payment]:
        """Payments that the bank is to be asked for now; nobody else gets them until `retry_at`."""
        return await due(self._storage, self._payments, Payment, retry_at, limit)

    async def captured(self, payment_id: UUID, is_captured: bool) -> None:
        """The bank has answered; said again, nothing changes."""
        state = PaymentState.CAPTURED if is_captured else PaymentState.DECLINED
        await self._settling.submit(_Settled(id=payment_id, state=state, headers=outgoing()))

    async def _settle(self, settled: Sequence[_Settled]) -> Sequence[None]:
        by_id = {one.id: one for one in settled}
        query = f"""
        UPDATE {self._payments} AS stored SET state = input.state, updated_at = %(now)s, ask_at = NULL
        FROM {input_rows(self._payments)} WHERE stored.id = input.id AND stored.state = 'CAPTURING'
        RETURNING {columns_of(Payment, "stored")}
        """

        async def settle(transaction: Transaction) -> None:
            now = self._storage.now()
            states = rows({"id": payment_id, "state": by_id[payment_id].state} for payment_id in sorted(by_id))
            changed = await read(transaction, Payment, query, {**states, "now": now})
            await TradingService(transaction).deposit_all(
                NewDeposit(user_id=TILL, asset=str(payment.id), amount=payment.amount, reference=str(payment.id))
                for payment in changed
                if payment.state is PaymentState.CAPTURED
            )
            await transaction.outbox.append(
                self.event(payment.id, f"payment.{payment.state.lower()}", by_id[payment.id].headers)
                for payment in changed
            )

        await self._storage.run(settle)
        self._activity.appended()
        return [None] * len(settled)

    def event(self, payment_id: UUID, what: str, headers: Mapping[str, Any]) -> NewEvent:
        """The event that tells what became of a payment."""
        return NewEvent(topic=self._topic, key=str(payment_id), type=what, payload={}, headers=headers)


async def due(storage: Storage, table: LiteralString, kind: type[M], retry_at: datetime, limit: int) -> list[M]:
    """The rows of a table that the bank is to be asked for now; nobody else gets them until `retry_at`."""
    query = f"""
    UPDATE {table} SET ask_at = %(retry_at)s WHERE id IN (
        SELECT id FROM {table} WHERE ask_at <= %(now)s
        ORDER BY ask_at LIMIT %(limit)s FOR UPDATE SKIP LOCKED
    ) RETURNING {columns_of(kind)}
    """
    values = {"retry_at": retry_at, "now": storage.now(), "limit": limit}
    async with storage.transaction() as transaction:
        return await read(transaction, kind, query, values)
