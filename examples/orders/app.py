"""The routes of the order service."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Annotated, Any

from fastapi import APIRouter, FastAPI, Path, Query, Request, Response
from pydantic import BaseModel
from starlette.routing import Route

from common import problems
from common.openapi import schema_of
from metacore import InvalidDataError, OrderRecord, OrderRecordService, SaveOutcome, parse_order_record
from orders.cache import CacheState, ReadyOrders

MAX_BODY = 2 * 2**20
"""More than an order may have, so that one which is too large is told so as any other that is none."""

Limit = Annotated[int, Query(ge=1, le=1000)]
After = Annotated[str | None, Query(description="The `next` of the page before.")]
OrderUid = Annotated[str, Path(description="The order_uid of the order.")]

JSON = "application/json"
_ORDER_UID = {"name": "order_uid", "in": "path", "required": True, "schema": {"type": "string"}}
_ORDER = {"content": {JSON: {"schema": {"$ref": "#/components/schemas/OrderRecord"}}}}


class OrdersPage(BaseModel):
    """Orders, newest first, and where the next page begins."""

    items: list[OrderRecord]
    next: str | None


class WarmedUp(BaseModel):
    """How many orders were read into the cache."""

    records: int


def hot_route(ready: ReadyOrders) -> Route:
    """The order by its uid: ready bytes from the cache, by the shortest way."""

    async def get_order(request: Request) -> Response:
        return Response(await ready.get(request.path_params["order_uid"]), media_type=JSON)

    return Route("/order/{order_uid}", get_order)


def router(service: OrderRecordService, ready: ReadyOrders) -> APIRouter:
    """The routes of orders and of their cache."""
    routes = APIRouter(prefix="/api/v1")

    @routes.get("/orders", response_model=OrdersPage, responses=problems.documented(400, 503))
    async def list_orders(limit: Limit = 100, after: After = None) -> Response:
        page = await service.list(after, limit)
        return page_of((record.model_dump_json() for record in page.items), page.next)

    @routes.put(
        "/orders/{order_uid}",
        response_model=OrderRecord,
        responses={201: {"model": OrderRecord, "description": "Stored anew"}, **problems.documented(400, 413, 503)},
        openapi_extra={"requestBody": {"required": True, **_ORDER}},
    )
    async def put_order(order_uid: OrderUid, request: Request) -> Response:
        record = parse_order_record(await request.body())
        if record.order_uid != order_uid:
            raise InvalidDataError("the order has another order_uid than the address", field="order_uid")
        outcome = await service.process(record)
        status = 201 if outcome is SaveOutcome.CREATED else 200
        return Response(record.model_dump_json(), status, media_type=JSON)

    @routes.delete("/orders/{order_uid}", status_code=204, responses=problems.documented(400, 404, 503))
    async def delete_order(order_uid: OrderUid) -> None:
        await service.delete(order_uid)

    @routes.get("/cache/stats")
    async def cache_stats() -> CacheState:
        return ready.state()

    @routes.post("/cache/warmup", responses=problems.documented(503))
    async def warm_up() -> WarmedUp:
        return WarmedUp(records=await service.warm_up())

    return routes


def page_of(items: Iterable[str], following: str | None) -> Response:
    """A page as JSON, of items that are JSON already: no number goes through a float."""
    return Response(f'{{"items":[{",".join(items)}],"next":{json.dumps(following)}}}', media_type=JSON)


def describe(app: FastAPI) -> None:
    """Let /openapi.json tell what is answered, by our own table of errors, and the route that FastAPI does not see."""

    def openapi() -> dict[str, Any]:
        if app.openapi_schema is None:
            schema = schema_of(app)
            answers: dict[str, Any] = {"200": {"description": "The order, as it came", **_ORDER}}
            answers |= {str(status): _problem(status) for status in (400, 404, 503)}
            operation = {"summary": "Get Order", "parameters": [_ORDER_UID], "responses": answers}
            schema["paths"]["/order/{order_uid}"] = {"get": operation}
            app.openapi_schema = schema
        return app.openapi_schema

    app.openapi = openapi  # type: ignore[method-assign]


def _problem(status: int) -> dict[str, Any]:
    told = problems.documented(status)[status]
    content = {problems.MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}}
    return {"description": told["description"], "content": content}
