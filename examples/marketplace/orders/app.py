"""The order service: its routes, and what events of the warehouse and of payments do here."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Header, Query, Response

from common import problems
from common.access_tokens import SignedIn
from marketplace.callers import Customer, Role, Warehouse, is_one_of
from marketplace.context import AfterCommit, Contents, ServiceContext
from marketplace.deliveries import ReceivedEvent
from marketplace.orders.checkout import Checkout, OrderRequest
from marketplace.orders.direct import LONGEST_KEY, direct_routes, status_when_paying
from marketplace.orders.purchase import Purchase
from marketplace.orders.repository import Move, PurchaseRepository, PurchaseWithSteps
from marketplace.orders.saga import Trigger
from marketplace.orders.subscriptions import Subscriptions
from metacore import MetacoreError, NotFoundError, Page, Transaction

Key = Annotated[
    str | None,
    Header(
        alias="Idempotency-Key", min_length=1, max_length=LONGEST_KEY, description="By the same key: the same order."
    ),
]
Limit = Annotated[int, Query(ge=1, le=100)]
After = Annotated[UUID | None, Query(description="The `next` of the page before.")]

_ERRORS = problems.documented(400, 401, 403, 404, 409, 503)


async def build(context: ServiceContext) -> Contents:
    """The service in this context."""
    purchases, subscriptions = PurchaseRepository(context), Subscriptions()
    checkout = Checkout(context, purchases, subscriptions)

    async def handle(transaction: Transaction, events: Sequence[ReceivedEvent]) -> AfterCommit:
        moves = [Move(UUID(event.key), Trigger(event.type), event.headers) for event in events]
        moved = list[Purchase]()
        for result in await purchases.move_in(transaction, moves):
            if isinstance(result, MetacoreError):
                raise result
            moved.append(result)
        return partial(subscriptions.notify, moved)

    return Contents(
        routers=[router(purchases, checkout)],
        direct=direct_routes(context.access_tokens, checkout),
        publishes=[context.topic("orders")],
        handlers=dict.fromkeys((context.topic("stock"), context.topic("payments")), handle),
        ignored=frozenset({"stock.taken"}),
        background=[checkout.watch],
    )


def router(purchases: PurchaseRepository, checkout: Checkout) -> APIRouter:
    """The routes of orders."""
    routes = APIRouter(prefix="/v1/orders")

    @routes.post("", status_code=201, responses=_ERRORS)
    async def order(body: OrderRequest, caller: Customer, key: Key = None) -> Purchase:
        return await checkout.place(caller.user_id, key, body)

    @routes.get("", responses=problems.documented(400, 401, 503))
    async def list_orders(caller: SignedIn, after: After = None, limit: Limit = 20) -> Page[Purchase]:
        everyone = is_one_of(caller, Role.WAREHOUSE)
        found = await purchases.page(None if everyone else caller.user_id, after, limit + 1)
        return Page(tuple(found[:limit]), str(found[limit - 1].id) if len(found) > limit else None)

    @routes.get("/{order_id}", responses=problems.documented(400, 401, 404, 503))
    async def get_order(order_id: UUID, caller: SignedIn) -> PurchaseWithSteps:
        purchase = await purchases.get(order_id)
        if purchase.customer_id != caller.user_id and not is_one_of(caller, Role.WAREHOUSE):
            # To others there is none.
            raise NotFoundError("order", str(order_id))
        return purchase

    @routes.post(
        "/{order_id}/pay",
        responses={202: {"model": Purchase, "description": "The bank has not answered yet: look again"}, **_ERRORS},
    )
    async def pay(order_id: UUID, caller: Customer, response: Response) -> Purchase:
        purchase = await checkout.pay(order_id, caller.user_id)
        response.status_code = status_when_paying(purchase)
        return purchase

    @routes.post("/{order_id}/cancel", responses=_ERRORS)
    async def cancel(order_id: UUID, caller: SignedIn) -> Purchase:
        return await purchases.move(order_id, Trigger.CANCEL, None if is_one_of(caller) else caller.user_id)

    @routes.post("/{order_id}/ship", responses=_ERRORS)
    async def ship(order_id: UUID, _: Warehouse) -> Purchase:
        return await purchases.move(order_id, Trigger.SHIP)

    return routes
