"""The repository of payments: each as it is written down, and in the ledger the money that was captured by each.

Of each payment what may still go back is a balance: a capture adds to it, and a refund is a reservation of it, which is
posted when the bank has paid, so that refunds together are never above what was captured.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from datetime import datetime
from decimal import Decimal
from typing import Any, LiteralString, TypeVar
from uuid import UUID, uuid5

from pydantic import BaseModel

from common.tracing import outgoing
from marketplace.batcher import Batcher
from marketplace.context import ServiceContext
from marketplace.deliveries import ReceivedEvent
from marketplace.money import Currency, sum_of
from marketplace.payments.payment import Payment, PaymentState, Refund, RefundState
from marketplace.rows import columns_of, input_rows, placeholders_of, read, rows, rows_of
from metacore import (
    AlreadyExistsError,
    ConflictError,
    InsufficientFundsError,
    LedgerService,
    NewDeposit,
    NewEvent,
    NewReservation,
    NewUser,
    NotFoundError,
    TradingService,
    Transaction,
)

M = TypeVar("M", bound=BaseModel)

TILL = UUID("3a0e5f8e-6d0b-4d9a-8c1e-0b9a6f7f5d21")
"""The account that all captured money lies in, an asset for each payment."""
REST = "the rest"
"""How the key begins of the refund of all that is left, where a purchase is cancelled."""

_PAYMENT, _REFUND = columns_of(Payment), columns_of(Refund)


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
        self._refunds: LiteralString = f"{context.schema}.refunds"
        self._settling = Batcher(self._settle)

    async def open(self) -> None:
        """Make its account."""
        with suppress(AlreadyExistsError):
            await self._storage.users.create(NewUser(id=TILL, username="till"))

    async def get(self, payment_id: UUID) -> Payment:
        """The payment; NotFoundError if there is none."""
        async with self._storage.transaction() as transaction:
            return await self._read(transaction, payment_id)

    async def refunds(self, payment_id: UUID) -> list[Refund]:
        """What was paid back of it, or is to be, in turn."""
        query = f"SELECT {_REFUND} FROM {self._refunds} WHERE payment_id = %s ORDER BY id"
        async with self._storage.transaction() as transaction:
            return await read(transaction, Refund, query, [payment_id])

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
        return await self._due(self._payments, Payment, retry_at, limit)

    async def refunds_due(self, retry_at: datetime, limit: int) -> list[Refund]:
        """The same of refunds."""
        return await self._due(self._refunds, Refund, retry_at, limit)

    async def captured(self, payment_id: UUID, is_captured: bool) -> None:
        """The bank has answered; said again, nothing changes."""
        state = PaymentState.CAPTURED if is_captured else PaymentState.DECLINED
        await self._settling.submit(_Settled(id=payment_id, state=state, headers=outgoing()))

    async def refund(self, payment_id: UUID, amount: Decimal, key: str) -> Refund:
        """Write down that so much is to go back, once for each key: the bank is asked after that.

        ConflictError if the key was used for another amount, or nothing was captured; InsufficientFundsError if it is
        more than is left of what was captured.
        """

        async def write(transaction: Transaction) -> Refund:
            payment = await self._read(transaction, payment_id)
            if payment.state is not PaymentState.CAPTURED:
                raise ConflictError(f"payment {payment_id} is {payment.state}: there is nothing to go back")
            return await self._write(transaction, payment_id, amount, key)

        return await self._storage.run(write)

    async def refund_rest(self, transaction: Transaction, event: ReceivedEvent) -> None:
        """All that is left goes back, for the purchase of the event is cancelled."""
        payment_id = UUID(event.key)
        currency = Currency((await self._read(transaction, payment_id)).currency)
        while left := (await transaction.balances.get(TILL, str(payment_id))).free:
            # Another refund may take some of it meanwhile; what is left then goes back.
            with suppress(InsufficientFundsError):
                async with transaction.transaction() as step:
                    await self._write(step, payment_id, sum_of(left, currency), f"{REST} {event.seq}")
                return
        await self._publish(transaction, payment_id, "payment.refunded", event.headers)

    async def refunded(self, refund_id: UUID, is_paid: bool) -> None:
        """The bank has paid a refund, or refuses to; said again, nothing changes."""

        async def settle(transaction: Transaction) -> None:
            state = RefundState.DONE if is_paid else RefundState.REFUSED
            found = await read(
                transaction,
                Refund,
                f"""
                UPDATE {self._refunds} SET state = %(state)s, updated_at = %(now)s, ask_at = NULL
                WHERE id = %(id)s AND state = 'PENDING' RETURNING {_REFUND}
                """,
                {"id": refund_id, "state": state, "now": self._storage.now()},
            )
            if not found:
                return
            refund = found[0]
            ledger = LedgerService(transaction)
            if is_paid:
                await ledger.post(TILL, refund_id)
            else:
                await ledger.void(TILL, refund_id)
            if refund.idempotency_key.startswith(REST):
                what = "payment.refunded" if is_paid else "payment.refund_refused"
                await self._publish(transaction, refund.payment_id, what, outgoing())

        await self._storage.run(settle)
        self._activity.appended()

    async def _write(self, transaction: Transaction, payment_id: UUID, amount: Decimal, key: str) -> Refund:
        now = self._storage.now()
        new = Refund(
            id=uuid5(payment_id, key),
            payment_id=payment_id,
            idempotency_key=key,
            amount=amount,
            state=RefundState.PENDING,
            created_at=now,
            updated_at=now,
        )
        cursor = await transaction.connection.execute(
            f"""
            INSERT INTO {self._refunds} ({_REFUND}, ask_at)
            VALUES ({placeholders_of(Refund)}, %(created_at)s)
            ON CONFLICT (payment_id, idempotency_key) DO NOTHING
            """,
            dict(new),
        )
        if cursor.rowcount:
            held = {"asset": str(payment_id), "amount": amount, "reference": str(new.id)}
            await LedgerService(transaction).reserve(NewReservation(id=new.id, user_id=TILL, **held))
            return new
        (stored,) = await read(transaction, Refund, f"SELECT {_REFUND} FROM {self._refunds} WHERE id = %s", [new.id])
        if stored.amount != amount:
            raise ConflictError("this Idempotency-Key was used for another amount", conflicts=(str(stored.id),))
        return stored

    async def _due(self, table: LiteralString, kind: type[M], retry_at: datetime, limit: int) -> list[M]:
        query = f"""
        UPDATE {table} SET ask_at = %(retry_at)s WHERE id IN (
            SELECT id FROM {table} WHERE ask_at <= %(now)s
            ORDER BY ask_at LIMIT %(limit)s FOR UPDATE SKIP LOCKED
        ) RETURNING {columns_of(kind)}
        """
        values = {"retry_at": retry_at, "now": self._storage.now(), "limit": limit}
        async with self._storage.transaction() as transaction:
            return await read(transaction, kind, query, values)

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
                self._event(payment.id, f"payment.{payment.state.lower()}", by_id[payment.id].headers)
                for payment in changed
            )

        await self._storage.run(settle)
        self._activity.appended()
        return [None] * len(settled)

    async def _publish(self, transaction: Transaction, payment_id: UUID, what: str, headers: Mapping[str, Any]) -> None:
        await transaction.outbox.append([self._event(payment_id, what, headers)])

    def _event(self, payment_id: UUID, what: str, headers: Mapping[str, Any]) -> NewEvent:
        return NewEvent(topic=self._topic, key=str(payment_id), type=what, payload={}, headers=headers)

    async def _read(self, transaction: Transaction, payment_id: UUID) -> Payment:
        query = f"SELECT {_PAYMENT} FROM {self._payments} WHERE id = %s"
        if found := await read(transaction, Payment, query, [payment_id]):
            return found[0]
        raise NotFoundError("payment", str(payment_id))
