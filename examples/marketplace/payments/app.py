"""The payment service: its routes, what events of orders do here, and where the bank calls."""

from __future__ import annotations

import hmac
from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from functools import partial
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Header, Request
from pydantic import BaseModel, ConfigDict

from common import problems
from common.access_tokens import SignedIn
from marketplace.bank import CALLBACK, SIGNATURE, BankAnswer, signature_of
from marketplace.callers import Admin, is_one_of
from marketplace.context import AfterCommit, Contents, ServiceContext
from marketplace.deliveries import ReceivedEvent
from marketplace.money import Currency, sum_of
from marketplace.payments.bank_client import BankClient
from marketplace.payments.payment import Payment, PaymentState, Refund
from marketplace.payments.refunds import REST, RefundRepository
from marketplace.payments.repository import PaymentRepository
from metacore import InvalidDataError, NotFoundError, PositiveAmount, Transaction, new_id

Key = Annotated[
    str | None,
    Header(alias="Idempotency-Key", min_length=1, max_length=200, description="By the same key: the same refund."),
]
_ERRORS = problems.documented(400, 401, 403, 404, 409, 503)


class PaymentWithRefunds(Payment):
    """A payment, with what was paid back of it."""

    refunds: list[Refund]


class RefundRequest(BaseModel):
    """So much is to go back."""

    model_config = ConfigDict(extra="forbid")

    amount: PositiveAmount


async def build(context: ServiceContext) -> Contents:
    """The service in this context."""
    payments = PaymentRepository(context)
    await payments.open()
    refunds = RefundRepository(context, payments)
    bank = BankClient(context, payments, refunds)

    async def handle(transaction: Transaction, events: Sequence[ReceivedEvent]) -> AfterCommit | None:
        now = context.storage.now()
        match events[0].type:
            case "stock.taken":
                opened = [_payment(event, PaymentState.CAPTURING, now) for event in events]
                await payments.open_payments(transaction, opened, bank.retry_at)
                return partial(bank.capture, opened)
            case "order.refunding":
                for event in events:
                    await refunds.refund_whole(transaction, event)
                return bank.wake
            case "order.failed" | "order.canceled":
                # What was never reserved was never to be paid.
                ended = [event for event in events if event.payload["reason"] != "OUT_OF_STOCK"]
                voided = [_payment(event, PaymentState.VOIDED, now) for event in ended]
                await payments.open_payments(transaction, voided)
        return None

    return Contents(
        routers=[router(payments, refunds, bank), callback(context, bank)],
        publishes=[context.topic("payments")],
        handlers=dict.fromkeys((context.topic("orders"), context.topic("stock")), handle),
        ignored=frozenset(
            {"order.reserved", "order.paying", "order.paid", "order.returning", "order.shipped"}
            | {"stock.gone", "stock.returned"}
        ),
        singly=frozenset({"order.refunding"}),
        background=[bank.run],
    )


def _payment(event: ReceivedEvent, state: PaymentState, now: datetime) -> Payment:
    payload = event.payload
    of = {name: payload[name] for name in ("customer_id", "currency")}
    return Payment(id=UUID(event.key), amount=payload["total"], state=state, created_at=now, updated_at=now, **of)


def router(payments: PaymentRepository, refunds: RefundRepository, bank: BankClient) -> APIRouter:
    """The routes of payments."""
    routes = APIRouter(prefix="/v1/payments")

    @routes.get("/{order_id}", responses=problems.documented(400, 401, 404, 503))
    async def get_payment(order_id: UUID, caller: SignedIn) -> PaymentWithRefunds:
        payment = await payments.get(order_id)
        if payment.customer_id != caller.user_id and not is_one_of(caller):
            raise NotFoundError("payment", str(order_id))
        return PaymentWithRefunds(**dict(payment), refunds=await refunds.of(order_id))

    @routes.post("/{order_id}/refunds", status_code=201, responses=_ERRORS)
    async def refund(order_id: UUID, body: RefundRequest, _: Admin, key: Key = None) -> Refund:
        if key is not None and key.startswith(REST):
            raise InvalidDataError("keys like this are kept for cancelled orders", field="Idempotency-Key")
        payment = await payments.get(order_id)
        amount: Decimal = sum_of(body.amount, Currency(payment.currency))
        refund = await refunds.refund(order_id, amount, key or str(new_id()))
        bank.wake()
        return refund

    return routes


def callback(context: ServiceContext, bank: BankClient) -> APIRouter:
    """Where the bank calls."""
    routes = APIRouter()

    @routes.post(CALLBACK, status_code=204)
    async def called(request: Request) -> None:
        body = await request.body()
        signature = signature_of(body, context.settings.bank_key)
        if not hmac.compare_digest(signature, request.headers.get(SIGNATURE, "")):
            raise problems.UnauthorizedError("the signature is not the bank's")
        await bank.settle(BankAnswer.model_validate_json(body))

    return routes
