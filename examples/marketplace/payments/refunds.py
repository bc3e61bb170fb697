"""The refunds of payments. What may still go back of a payment is a balance: a capture adds to it, and a refund is a
reservation of it, which is posted when the bank has paid, so that refunds together are never above what was captured.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from datetime import datetime
from decimal import Decimal
from typing import Any, LiteralString
from uuid import UUID, uuid5

from common.tracing import outgoing
from marketplace.context import ServiceContext
from marketplace.deliveries import ReceivedEvent
from marketplace.money import Currency, sum_of
from marketplace.payments.payment import Payment, PaymentState, Refund, RefundState
from marketplace.payments.repository import TILL, PaymentRepository, due
from marketplace.rows import columns_of, placeholders_of, read
from metacore import ConflictError, InsufficientFundsError, LedgerService, NewReservation, Transaction, new_id

REST = "the rest"
"""How the key begins of a refund of all that is left, where a purchase is cancelled."""

_PAYMENT, _REFUND = columns_of(Payment), columns_of(Refund)


class RefundRepository:
    """What was paid back of the payments of this service, or is to be.

    Where a purchase is cancelled, its payment is `refunded_whole`: then all that is left goes back, also what another
    refund had taken that the bank refuses, and when nothing is left and nothing open, `payment.refunded` is published.
    """

    def __init__(self, context: ServiceContext, payments: PaymentRepository) -> None:
        self._storage, self._activity = context.storage, context.activity
        self._repository = payments
        self._payments: LiteralString = f"{context.schema}.payments"
        self._refunds: LiteralString = f"{context.schema}.refunds"

    async def of(self, payment_id: UUID) -> list[Refund]:
        """What was paid back of a payment, or is to be, in turn."""
        async with self._storage.transaction() as transaction:
            return await self._read(transaction, payment_id)

    async def due(self, retry_at: datetime, limit: int) -> list[Refund]:
        """Refunds that the bank is to be asked for now; nobody else gets them until `retry_at`."""
        return await due(self._storage, self._refunds, Refund, retry_at, limit)

    async def refund(self, payment_id: UUID, amount: Decimal, key: str) -> Refund:
        """Write down that so much is to go back, once for each key: the bank is asked after that.

        ConflictError if the key was used for another amount, or nothing was captured; InsufficientFundsError if it is
        more than is left of what was captured.
        """

        async def write(transaction: Transaction) -> Refund:
            payment = await self._repository.read(transaction, payment_id)
            if payment.state is not PaymentState.CAPTURED:
                raise ConflictError(f"payment {payment_id} is {payment.state}: there is nothing to go back")
            return await self._write(transaction, payment_id, amount, key)

        return await self._storage.run(write)

    async def refund_whole(self, transaction: Transaction, event: ReceivedEvent) -> None:
        """All that is left goes back, for the purchase of the event is cancelled."""
        payment = await self._repository.read(transaction, UUID(event.key))
        query = f"UPDATE {self._payments} SET refunded_whole = true WHERE id = %s"
        await transaction.connection.execute(query, [payment.id])
        await self._go_on(transaction, payment, event.headers)

    async def settle(self, refund_id: UUID, is_paid: bool) -> None:
        """The bank has paid a refund, or refuses to; said again, nothing changes."""

        async def settle(transaction: Transaction) -> None:
            # The payment first, as who refunds the whole: what is left is looked at by one after the other.
            whole = await read(
                transaction,
                Payment,
                f"""
                SELECT {_PAYMENT} FROM (
                    SELECT * FROM {self._payments}
                    WHERE id = (SELECT payment_id FROM {self._refunds} WHERE id = %s) FOR NO KEY UPDATE
                ) AS payment WHERE refunded_whole
                """,
                [refund_id],
            )
            settled = await read(
                transaction,
                Refund,
                f"""
                UPDATE {self._refunds} SET state = %(state)s, updated_at = %(now)s, ask_at = NULL
                WHERE id = %(id)s AND state = 'PENDING' RETURNING {_REFUND}
                """,
                {
                    "id": refund_id,
                    "state": RefundState.DONE if is_paid else RefundState.REFUSED,
                    "now": self._storage.now(),
                },
            )
            for refund in settled:
                ledger = LedgerService(transaction)
                await (ledger.post(TILL, refund_id) if is_paid else ledger.void(TILL, refund_id))
                for payment in whole:
                    if is_paid or not refund.idempotency_key.startswith(REST):
                        await self._go_on(transaction, payment, outgoing())
                    elif not await self._is_rest_pending(transaction, payment):
                        await self._conclude(transaction, payment, "payment.refund_refused", outgoing())

        await self._storage.run(settle)
        self._activity.appended()

    async def _go_on(self, transaction: Transaction, payment: Payment, headers: Mapping[str, Any]) -> None:
        while left := (await transaction.balances.get(TILL, str(payment.id))).free:
            # Another refund may take some of it meanwhile; what is left then goes back.
            with suppress(InsufficientFundsError):
                async with transaction.transaction() as step:
                    rest = sum_of(left, Currency(payment.currency))
                    await self._write(step, payment.id, rest, f"{REST} {new_id()}")
                return
        if all(refund.state is not RefundState.PENDING for refund in await self._read(transaction, payment.id)):
            await self._conclude(transaction, payment, "payment.refunded", headers)

    async def _is_rest_pending(self, transaction: Transaction, payment: Payment) -> bool:
        """Whether the bank is still to say what becomes of a rest: the last one decides."""
        return any(
            refund.state is RefundState.PENDING and refund.idempotency_key.startswith(REST)
            for refund in await self._read(transaction, payment.id)
        )

    async def _conclude(
        self, transaction: Transaction, payment: Payment, what: str, headers: Mapping[str, Any]
    ) -> None:
        query = f"UPDATE {self._payments} SET refunded_whole = false WHERE id = %s"
        await transaction.connection.execute(query, [payment.id])
        await transaction.outbox.append([self._repository.event(payment.id, what, headers)])

    async def _read(self, transaction: Transaction, payment_id: UUID) -> list[Refund]:
        query = f"SELECT {_REFUND} FROM {self._refunds} WHERE payment_id = %s ORDER BY id"
        return await read(transaction, Refund, query, [payment_id])

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
