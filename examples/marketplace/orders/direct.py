"""The two routes that each order takes, answered directly."""

from __future__ import annotations

from collections.abc import Sequence
from http import HTTPStatus
from uuid import UUID

from pydantic import ValidationError
from starlette.requests import Request
from starlette.responses import Response

from common.access_tokens import AccessTokens
from common.direct import DirectRoute, is_json
from marketplace.callers import Role, require_one_of
from marketplace.orders.checkout import Checkout, OrderRequest
from marketplace.orders.purchase import Purchase

LONGEST_KEY = 200

_KEY = "idempotency-key"


def direct_routes(tokens: AccessTokens, checkout: Checkout) -> Sequence[DirectRoute]:
    """To order, and to pay."""

    async def order(request: Request, body: bytes) -> Response | None:
        caller = require_one_of(tokens.of(request), Role.CUSTOMER)
        keys = request.headers.getlist(_KEY)
        if not is_json(request) or len(keys) > 1 or not all(1 <= len(key) <= LONGEST_KEY for key in keys):
            return None
        try:
            order = OrderRequest.model_validate_json(body)
        except ValidationError:
            return None
        purchase = await checkout.place(caller.user_id, keys[0] if keys else None, order)
        return _response(purchase, HTTPStatus.CREATED)

    async def pay(request: Request, _: bytes) -> Response | None:
        caller = require_one_of(tokens.of(request), Role.CUSTOMER)
        try:
            order_id = UUID(request.path_params["order_id"])
        except ValueError:
            return None
        purchase = await checkout.pay(order_id, caller.user_id)
        return _response(purchase, status_when_paying(purchase))

    return DirectRoute("POST", "/v1/orders", order), DirectRoute("POST", "/v1/orders/{order_id}/pay", pay)


def status_when_paying(purchase: Purchase) -> HTTPStatus:
    """Of an answer to who pays: 202 as long as the bank has not answered."""
    return HTTPStatus.ACCEPTED if purchase.is_under_way else HTTPStatus.OK


def _response(purchase: Purchase, status: HTTPStatus) -> Response:
    return Response(purchase.model_dump_json(), status, media_type="application/json")
