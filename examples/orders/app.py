"""The routes of the order service."""

from __future__ import annotations

import json
from collections.abc import Iterable
from types import SimpleNamespace
from typing import Annotated

from fastapi import APIRouter, Path, Query, Request, Response
from pydantic import BaseModel
from starlette.types import ASGIApp, Receive, Scope, Send

from common import problems
from metacore import InvalidDataError, OrderRecord, OrderRecordService, Page, SaveOutcome, parse_order_record
from orders.cache import CacheState, ReadyOrders

MAX_BODY = 2 * 2**20
"""More than an order may have, so that one which is too large is told so as any other that is none."""

Limit = Annotated[int, Query(ge=1, le=1000)]
After = Annotated[str | None, Query(description="The `next` of the page before.")]
OrderUid = Annotated[str, Path(description="The order_uid of the order.")]

JSON = "application/json"
_ORDERS = "/order/"
_ORDER = SimpleNamespace(path=f"{_ORDERS}{{order_uid:path}}", path_format=f"{_ORDERS}{{order_uid}}")
_BODY = {"required": True, "content": {JSON: {"schema": {"$ref": "#/components/schemas/OrderRecord"}}}}


class WarmedUp(BaseModel):
    """How many orders were read into the cache."""

    records: int


class AtHand:
    """Answers who asks for an order that is cached, before any routing, which costs more than all the rest."""

    def __init__(self, app: ASGIApp, ready: ReadyOrders) -> None:
        self._app, self._ready = app, ready

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer, or pass the request on."""
        if scope.get("method") == "GET" and scope["path"].startswith(_ORDERS):
            body = self._ready.at_hand(scope["path"][len(_ORDERS) :])
            if body is not None:
                scope["route"] = _ORDER
                headers = [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(body))]
                await send({"type": "http.response.start", "status": 200, "headers": headers})
                await send({"type": "http.response.body", "body": body})
                return
        await self._app(scope, receive, send)


def router(service: OrderRecordService, ready: ReadyOrders) -> APIRouter:
    """The routes of orders and of their cache."""
    routes = APIRouter()

    @routes.head(_ORDER.path, include_in_schema=False)
    @routes.get(_ORDER.path, response_model=OrderRecord, responses=problems.documented(400, 404, 503))
    async def get_order(order_uid: OrderUid) -> Response:
        return Response(await ready.get(order_uid), media_type=JSON)

    @routes.get("/api/v1/orders", response_model=Page[OrderRecord], responses=problems.documented(400, 503))
    async def list_orders(limit: Limit = 100, after: After = None) -> Response:
        page = await service.list(after, limit)
        return page_of((record.model_dump_json() for record in page.items), page.next)

    @routes.put(
        "/api/v1/orders/{order_uid:path}",
        response_model=OrderRecord,
        responses={201: {"model": OrderRecord, "description": "Stored anew"}, **problems.documented(400, 413, 503)},
        openapi_extra={"requestBody": _BODY},
    )
    async def put_order(order_uid: OrderUid, request: Request) -> Response:
        record = parse_order_record(await request.body())
        if record.order_uid != order_uid:
            raise InvalidDataError("the order has another order_uid than the address", field="order_uid")
        outcome = await service.process(record)
        status = 201 if outcome is SaveOutcome.CREATED else 200
        return Response(record.model_dump_json(), status, media_type=JSON)

    @routes.delete("/api/v1/orders/{order_uid:path}", status_code=204, responses=problems.documented(400, 404, 503))
    async def delete_order(order_uid: OrderUid) -> None:
        await service.delete(order_uid)

    @routes.get("/api/v1/cache/stats")
    async def cache_stats() -> CacheState:
        return ready.state()

    @routes.post("/api/v1/cache/warmup", responses=problems.documented(503))
    async def warm_up() -> WarmedUp:
        return WarmedUp(records=await service.warm_up())

    return routes


def page_of(items: Iterable[str], following: str | None) -> Response:
    """A page as JSON, of items that are JSON already: no number goes through a float."""
    return Response(f'{{"items":[{",".join(items)}],"next":{json.dumps(following)}}}', media_type=JSON)
