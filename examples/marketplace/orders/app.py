"""The order service: its routes, and what it hears of the warehouse and of payments."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from functools import partial
from http import HTTPStatus
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Header, Query, Response

from common import problems
from common.access_tokens import SignedIn
from marketplace.callers import Customer, Role, Warehouse, is_one_of
from marketplace.context import AfterCommit, Contents, ServiceContext
from marketplace.orders.book import Book, Followed, Move
from marketplace.orders.buying import Buying, OrderAsked
from marketplace.orders.hearing import Hearing
from marketplace.orders.purchase import Purchase, State
from marketplace.orders.saga import Happening
from metacore import ConflictError, Event, MetacoreError, NotFoundError, Page, Transaction

Key = Annotated[
    str | None,
    Header(alias="Idempotency-Key", min_length=1, max_length=200, description="By the same key: the same order."),
]
Limit = Annotated[int, Query(ge=1, le=100)]
After = Annotated[UUID | None, Query(description="The `next` of the page before.")]

_UNDER_WAY = frozenset({State.PAYING, State.RETURNING})
_ERRORS = problems.documented(400, 401, 403, 404, 409, 503)


async def build(context: ServiceContext) -> Contents:
    """The service in this context."""
    book, hearing = Book(context), Hearing()
    buying = Buying(context, book)

    async def take(transaction: Transaction, events: Sequence[Event]) -> AfterCommit:
        moves = [Move(UUID(event.key), Happening(event.type), event.headers) for event in events]
        moved = list[Purchase]()
        for came in await book.move_in(transaction, moves):
            if isinstance(came, MetacoreError):
                raise came
            moved.append(came)
        return partial(hearing.tell, moved)

    return Contents(
        routers=[router(context, book, buying, hearing)],
        tells=[context.topic("orders")],
        takes=dict.fromkeys((context.topic("stock"), context.topic("payments")), take),
        passes=frozenset({"stock.taken"}),
        works=[buying.watch],
    )


def router(context: ServiceContext, book: Book, buying: Buying, hearing: Hearing) -> APIRouter:
    """The routes of orders."""
    routes = APIRouter(prefix="/v1/orders")

    @routes.post("", status_code=201, responses=_ERRORS)
    async def order(asked: OrderAsked, caller: Customer, key: Key = None) -> Purchase:
        return await buying.buy(caller.user_id, key, asked)

    @routes.get("", responses=problems.documented(400, 401, 503))
    async def list_orders(caller: SignedIn, after: After = None, limit: Limit = 20) -> Page[Purchase]:
        everyone = is_one_of(caller, Role.WAREHOUSE)
        found = await book.page(None if everyone else caller.user_id, after, limit + 1)
        return Page(tuple(found[:limit]), str(found[limit - 1].id) if len(found) > limit else None)

    @routes.get("/{order_id}", responses=problems.documented(400, 401, 404, 503))
    async def get_order(order_id: UUID, caller: SignedIn) -> Followed:
        purchase = await book.get(order_id)
        if purchase.customer_id != caller.user_id and not is_one_of(caller, Role.WAREHOUSE):
            # To others there is none.
            raise NotFoundError("order", str(order_id))
        return purchase

    @routes.post(
        "/{order_id}/pay",
        responses={202: {"model": Purchase, "description": "The bank has not answered yet: look again"}, **_ERRORS},
    )
    async def pay(order_id: UUID, caller: Customer, response: Response) -> Purchase:
        with hearing.of(order_id) as heard:
            purchase = await book.move(order_id, Happening.PAY, caller.user_id)
            try:
                async with asyncio.timeout(context.settings.pay_waits):
                    while purchase.state in _UNDER_WAY:
                        purchase = await heard.get()
            except TimeoutError:
                purchase = await book.get(order_id)
        if purchase.state in _UNDER_WAY:
            response.status_code = HTTPStatus.ACCEPTED
        if purchase.state is State.FAILED:
            raise ConflictError(f"order {order_id} has failed: {purchase.reason}")
        return purchase

    @routes.post("/{order_id}/cancel", responses=_ERRORS)
    async def cancel(order_id: UUID, caller: SignedIn) -> Purchase:
        return await book.move(order_id, Happening.CANCEL, None if is_one_of(caller) else caller.user_id)

    @routes.post("/{order_id}/ship", responses=_ERRORS)
    async def ship(order_id: UUID, _: Warehouse) -> Purchase:
        return await book.move(order_id, Happening.SHIP)

    return routes
