"""The payment service: its routes, and what it hears of orders and of the bank."""

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
from marketplace.bank import CALLBACK, SIGNATURE, Answered, signature_of
from marketplace.callers import Admin, is_one_of
from marketplace.context import AfterCommit, Contents, ServiceContext
from marketplace.money import Currency, sum_of
from marketplace.payments.asking import Asking
from marketplace.payments.payment import Payment, PaymentState, Refund
from marketplace.payments.till import REST, Till
from metacore import Event, InvalidDataError, NotFoundError, PositiveAmount, Transaction, new_id

Key = Annotated[
    str | None,
    Header(alias="Idempotency-Key", min_length=1, max_length=200, description="By the same key: the same refund."),
]
_ERRORS = problems.documented(400, 401, 403, 404, 409, 503)


class Followed(Payment):
    """A payment, with what was paid back of it."""

    refunds: list[Refund]


class RefundAsked(BaseModel):
    """So much is to go back."""

    model_config = ConfigDict(extra="forbid")

    amount: PositiveAmount


async def build(context: ServiceContext) -> Contents:
    """The service in this context."""
    till = Till(context)
    await till.open()
    asking = Asking(context, till)

    async def take(transaction: Transaction, events: Sequence[Event]) -> AfterCommit | None:
        now = context.storage.now()
        match events[0].type:
            case "stock.taken":
                payments = [_payment(event, PaymentState.CAPTURING, now) for event in events]
                await till.open_payments(transaction, payments, asking.again_at)
                return partial(asking.capture, payments)
            case "order.refunding":
                for event in events:
                    await till.refund_rest(transaction, event)
                return asking.look
            case "order.failed" | "order.canceled":
                # What was never reserved was never to be paid.
                ended = [event for event in events if event.payload["reason"] != "OUT_OF_STOCK"]
                await till.open_payments(transaction, [_payment(event, PaymentState.VOIDED, now) for event in ended])
        return None

    return Contents(
        routers=[router(till, asking), callback(context, asking)],
        tells=[context.topic("payments")],
        takes=dict.fromkeys((context.topic("orders"), context.topic("stock")), take),
        passes=frozenset(
            {"order.reserved", "order.paying", "order.paid", "order.returning", "order.shipped"}
            | {"stock.gone", "stock.returned"}
        ),
        alone=frozenset({"order.refunding"}),
        works=[asking.run],
    )


def _payment(event: Event, state: PaymentState, now: datetime) -> Payment:
    told = event.payload
    of = {name: told[name] for name in ("customer_id", "currency")}
    return Payment(id=UUID(event.key), amount=told["total"], state=state, created_at=now, updated_at=now, **of)


def router(till: Till, asking: Asking) -> APIRouter:
    """The routes of payments."""
    routes = APIRouter(prefix="/v1/payments")

    @routes.get("/{order_id}", responses=problems.documented(400, 401, 404, 503))
    async def get_payment(order_id: UUID, caller: SignedIn) -> Followed:
        payment = await till.get(order_id)
        if payment.customer_id != caller.user_id and not is_one_of(caller):
            raise NotFoundError("payment", str(order_id))
        return Followed(**dict(payment), refunds=await till.refunds(order_id))

    @routes.post("/{order_id}/refunds", status_code=201, responses=_ERRORS)
    async def refund(order_id: UUID, asked: RefundAsked, _: Admin, key: Key = None) -> Refund:
        if key is not None and key.startswith(REST):
            raise InvalidDataError("keys like this are kept for cancelled orders", field="Idempotency-Key")
        payment = await till.get(order_id)
        amount: Decimal = sum_of(asked.amount, Currency(payment.currency))
        refund = await till.refund(order_id, amount, key or str(new_id()))
        asking.look()
        return refund

    return routes


def callback(context: ServiceContext, asking: Asking) -> APIRouter:
    """Where the bank calls."""
    routes = APIRouter()

    @routes.post(CALLBACK, status_code=204)
    async def called(request: Request) -> None:
        body = await request.body()
        signature = signature_of(body, context.settings.bank_key)
        if not hmac.compare_digest(signature, request.headers.get(SIGNATURE, "")):
            raise problems.UnauthorizedError("the signature is not the bank's")
        await asking.settle(Answered.model_validate_json(body))

    return routes
