"""The warehouse: its routes, what it hears of orders, and what it sweeps."""

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
from marketplace.stock import MAIN, Quantity, Reserved, WantedTogether
from marketplace.warehouse.shelves import Purchased, Shelves, Stock
from metacore import BalanceEntry, Event, MetacoreError, NewEvent, Page, Transaction, new_id

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
    shelves = Shelves(context)
    await shelves.open()
    topic = context.topic("stock")

    async def take(transaction: Transaction, events: Sequence[Event]) -> None:
        happened = None
        match events[0].type:
            case "order.paying":
                are_there = await shelves.take(transaction, [_purchase(event) for event in events])
                happened = "stock.taken" if are_there else "stock.gone"
            case "order.failed" | "order.canceled":
                await shelves.release(transaction, _purchase(events[0]))
            case "order.returning":
                await shelves.bring_back(transaction, _purchase(events[0]))
                happened = "stock.returned"
            case "order.shipped":
                await shelves.ship(transaction, _purchase(events[0]))
        if happened is not None:
            # The order as it was told goes on to who is next.
            await transaction.outbox.append(
                NewEvent(topic=topic, key=event.key, type=happened, payload=event.payload, headers=event.headers)
                for event in events
            )

    return Contents(
        routers=[router(shelves), internal(shelves)],
        tells=[topic],
        takes={context.topic("orders"): take},
        passes=frozenset({"order.reserved", "order.paid", "order.refunding"}),
        alone=frozenset({"order.failed", "order.canceled", "order.returning", "order.shipped"}),
        works=[sweeper(shelves, context.settings.sweep_every)],
    )


def _purchase(event: Event) -> Purchased:
    goods = {UUID(product_id): int(quantity) for product_id, quantity in event.payload["goods"].items()}
    return Purchased(UUID(event.key), event.payload["warehouse"], goods)


def router(shelves: Shelves) -> APIRouter:
    """The routes of stock."""
    routes = APIRouter(prefix="/v1/warehouse/stock")

    @routes.post("", status_code=201, responses=_ERRORS)
    async def put_in(goods: StockIn, _: StockKeeper, key: Key = None) -> Stock:
        return await shelves.put_in(goods.warehouse, goods.product_id, goods.quantity, key or str(new_id()))

    @routes.get("/{product_id}", responses=problems.documented(400, 503))
    async def get_stock(product_id: UUID, warehouse: stock.Warehouse = MAIN) -> Stock:
        return await shelves.stock(warehouse, product_id)

    @routes.get("/{product_id}/movements", responses=problems.documented(400, 401, 403, 503))
    async def movements(
        product_id: UUID, _: Warehouse, warehouse: stock.Warehouse = MAIN, after: After = None, limit: Limit = 100
    ) -> Page[BalanceEntry]:
        return await shelves.movements(warehouse, product_id, after, limit)

    return routes


def internal(shelves: Shelves) -> APIRouter:
    """What the order service asks."""
    routes = APIRouter(prefix="/internal/reservations")

    @routes.post("")
    async def reserve(asked: WantedTogether, _: Service) -> Reserved:
        return Reserved(reserved=await asyncio.gather(*map(shelves.reserve, asked.wanted)))

    return routes


def sweeper(shelves: Shelves, every: float) -> Work:
    """Frees again and again what was reserved for too long."""

    async def sweep(stop: asyncio.Event) -> None:
        while not stop.is_set():
            try:
                await shelves.expire_due()
            except MetacoreError as error:
                _logger.warning("reservations wait to expire: %s", error)
            with suppress(TimeoutError):
                await asyncio.wait_for(stop.wait(), every)

    return sweep
