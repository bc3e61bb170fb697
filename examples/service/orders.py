"""The routes of orders: placed here, reported and filled by the exchange."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Body, Query

from common.problems import documented
from metacore import (
    ExecutionReport,
    NewOrder,
    NewTrade,
    Order,
    OrderFilter,
    OrderStatus,
    OrderUpdate,
    Page,
    ReportResult,
    SettlementResult,
    Storage,
    TradingService,
)
from service.asking import After, Limit, asked


def router(storage: Storage) -> APIRouter:
    """The routes over `storage`; what changes money goes through `TradingService`."""
    routes = APIRouter(tags=["orders"])
    trading = TradingService(storage)

    @routes.post("/orders", status_code=201, responses=documented(400, 403, 404, 409, 413, 503))
    async def place_order(order: NewOrder) -> Order:
        """Store an order with its hold, before it goes to the exchange; the same one again is returned as it is."""
        return await trading.place_order(order)

    @routes.get("/users/{user_id}/orders", responses=documented(400, 503))
    async def list_orders(
        user_id: UUID,
        symbol: str | None = None,
        status: Annotated[tuple[OrderStatus, ...], Query(description="One status, or several.")] = (),
        after: After = None,
        limit: Limit = 100,
    ) -> Page[Order]:
        """The orders of a user, newest first."""
        return await storage.orders.list(
            user_id, asked(OrderFilter, symbol=symbol, status=status or None), after, limit
        )

    @routes.get("/users/{user_id}/orders/{order_id}", responses=documented(400, 404, 503))
    async def get_order(user_id: UUID, order_id: UUID) -> Order:
        """One order."""
        return await storage.orders.get(user_id, order_id)

    @routes.get("/users/{user_id}/orders/{order_id}/history", responses=documented(400, 503))
    async def order_history(user_id: UUID, order_id: UUID) -> list[OrderUpdate]:
        """What became of an order, step by step."""
        return list(await storage.order_updates.list(user_id, order_id))

    @routes.post("/users/{user_id}/orders/{order_id}/cancel", responses=documented(400, 404, 409, 413, 503))
    async def cancel_order(
        user_id: UUID, order_id: UUID, reason: Annotated[str | None, Body(embed=True)] = None
    ) -> Order:
        """Say that an order shall be cancelled; its hold stays until the exchange has told."""
        return await trading.cancel_order(user_id, order_id, reason)

    @routes.post("/reports", responses=documented(400, 404, 409, 413, 503))
    async def apply_report(report: ExecutionReport) -> ReportResult:
        """Apply what the exchange says of an order; late, twice or out of turn is no error."""
        return await trading.apply_report(report)

    @routes.post("/trades", responses=documented(400, 404, 409, 413, 503))
    async def settle_trade(trade: NewTrade) -> SettlementResult:
        """Store a trade and move its money, once, however often it is sent."""
        return await trading.settle_trade(trade)

    return routes
