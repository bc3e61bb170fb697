"""The warehouse: its routes, what events of orders do here, and what it sweeps."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence
from contextlib import suppress
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Header, Query
from pydantic import BaseModel, ConfigDict, Field

from common import problems
from marketplace import stock
from marketplace.callers import Service, StockKeeper, Warehouse
from marketplace.context import Contents, ServiceContext, Work
from marketplace.deliveries import ReceivedEvent
from marketplace.stock import MAIN, Quantity, ReservationRequests, Reserved
from marketplace.warehouse.inventory import Allocation, Inventory, Stock
from metacore import BalanceEntry, MetacoreError, NewEvent, Page, Transaction, new_id

Key = Annotated[
    str | None,
    Header(alias="Idempotency-Key", min_length=1, max_length=200, description="By the same key: put in once."),
]
Limit = Annotated[int, Query(ge=1, le=1000)]
After = Annotated[str | None, Query(description="The `next` of the page before.")]

_ERRORS = problems.documented(400, 401, 403, 404, 409, 503)

_logger = logging.getLogger(__name__)


class StockIn(BaseModel):
    """Goods that have come in."""

    model_config = ConfigDict(extra="forbid")

    product_id: UUID
    quantity: Annotated[Quantity, Field(le=1_000_000_000)]
    warehouse: stock.Warehouse = MAIN


async def build(context: ServiceContext) -> Contents:
    """The service in this context."""
    inventory = Inventory(context)
    await inventory.open()
    topic = context.topic("stock")

    async def handle(transaction: Transaction, events: Sequence[ReceivedEvent]) -> None:
        outcome = None
        match events[0].type:
            case "order.paying":
                are_there = await inventory.pick(transaction, [_allocation(event) for event in events])
                outcome = "stock.taken" if are_there else "stock.gone"
            case "order.failed" | "order.canceled":
                await inventory.release(transaction, _allocation(events[0]))
            case "order.returning":
                await inventory.restock(transaction, _allocation(events[0]))
                outcome = "stock.returned"
            case "order.shipped":
                await inventory.ship(transaction, _allocation(events[0]))
        if outcome is not None:
            # What the order's event says goes on to who is next.
            await transaction.outbox.append(
                NewEvent(topic=topic, key=event.key, type=outcome, payload=event.payload, headers=event.headers)
                for event in events
            )

    return Contents(
        routers=[router(inventory), internal(inventory)],
        publishes=[topic],
        handlers={context.topic("orders"): handle},
        ignored=frozenset({"order.reserved", "order.paid", "order.refunding"}),
        singly=frozenset({"order.failed", "order.canceled", "order.returning", "order.shipped"}),
        background=[sweeper(inventory, context.settings.sweep_every)],
    )


def _allocation(event: ReceivedEvent) -> Allocation:
    goods = {UUID(product_id): int(quantity) for product_id, quantity in event.payload["goods"].items()}
    return Allocation(UUID(event.key), event.payload["warehouse"], goods)


def router(inventory: Inventory) -> APIRouter:
    """The routes of stock."""
    routes = APIRouter(prefix="/v1/warehouse/stock")

    @routes.post("", status_code=201, responses=_ERRORS)
    async def receive(goods: StockIn, _: StockKeeper, key: Key = None) -> Stock:
        return await inventory.receive(goods.warehouse, goods.product_id, goods.quantity, key or str(new_id()))

    @routes.get("/{product_id}", responses=problems.documented(400, 503))
    async def get_stock(product_id: UUID, warehouse: stock.Warehouse = MAIN) -> Stock:
        return await inventory.stock(warehouse, product_id)

    @routes.get("/{product_id}/movements", responses=problems.documented(400, 401, 403, 503))
    async def movements(
        product_id: UUID, _: Warehouse, warehouse: stock.Warehouse = MAIN, after: After = None, limit: Limit = 100
    ) -> Page[BalanceEntry]:
        return await inventory.movements(warehouse, product_id, after, limit)

    return routes


def internal(inventory: Inventory) -> APIRouter:
    """What the order service asks."""
    routes = APIRouter(prefix="/internal/reservations")

    @routes.post("")
    async def reserve(body: ReservationRequests, _: Service) -> Reserved:
        return Reserved(reserved=await asyncio.gather(*map(inventory.reserve, body.requests)))

    return routes


def sweeper(inventory: Inventory, every: float) -> Work:
    """Frees again and again what was reserved for too long."""

    async def sweep(stop: asyncio.Event) -> None:
        while not stop.is_set():
            try:
                await inventory.expire_due()
            except MetacoreError as error:
                _logger.warning("reservations wait to expire: %s", error)
            with suppress(TimeoutError):
                await asyncio.wait_for(stop.wait(), every)

    return sweep
