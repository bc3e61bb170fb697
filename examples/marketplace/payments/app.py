"""The payment service: its routes, and what it hears of orders and of the bank."""

from __future__ import annotations

import hmac
from decimal import Decimal
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Header, Request
from pydantic import BaseModel, ConfigDict

from common import problems
from common.access_tokens import SignedIn
from marketplace.bank import CALLBACK, SIGNATURE, Answered, signature_of
from marketplace.callers import Admin, is_one_of
from marketplace.context import Contents, ServiceContext
from marketplace.money import Currency, sum_of
from marketplace.payments.asking import Asking
from marketplace.payments.payment import Payment, PaymentState, Refund
from marketplace.payments.till import REST, Till
from metacore import Event, InvalidDataError, NotFoundError, Transaction, new_id
from metacore.domain.values.amounts import PositiveAmount

Key = Annotated[
    str | None,
    Header(alias="Idempotency-Key", min_length=1, max_length=200, description="By the same key: the same refund."),
]
_ERRORS = problems.documented(400, 401, 403, 404, 409, 503)
_STATES = {
    "order.paying": PaymentState.WAITING,
    "order.failed": PaymentState.VOIDED,
    "order.canceled": PaymentState.VOIDED,
}
"""In which state a payment is written down by what happens to its order."""


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

    async def take(transaction: Transaction, event: Event) -> None:
        payment_id, told = UUID(event.key), event.payload
        # What was never reserved was never to be paid.
        if event.type in _STATES and told["reason"] != "OUT_OF_STOCK":
            await till.open_payment(
                transaction,
                Payment(
                    id=payment_id,
                    customer_id=told["customer_id"],
                    amount=told["total"],
                    currency=told["currency"],
                    state=_STATES[event.type],
                    created_at=context.storage.now(),
                    updated_at=context.storage.now(),
                ),
            )
        elif event.type == "order.capturing":
            await till.ask_for(transaction, payment_id)
        elif event.type == "order.refunding":
            await till.refund_rest(transaction, payment_id, event.seq)

    return Contents(
        routers=[router(till, asking), callback(context, asking)],
        tells=[context.topic("payments")],
        takes={context.topic("orders"): take},
        taken=asking.hear,
        works=[asking.run],
    )


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
