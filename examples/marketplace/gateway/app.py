"""The routes of the gateway."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from fastapi import FastAPI
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

from common import health, pages, problems
from common.access_tokens import AccessTokens
from common.bodies import LimitedBodies
from common.health import UnwellError
from common.observing import Metrics, Observed
from common.tracing import Tracing
from marketplace.gateway.documents import merged
from marketplace.gateway.forwarder import LARGEST_BODY, Forwarder
from marketplace.gateway.routing import PREFIX, SERVICES
from metacore import StorageUnavailableError

TITLE = "Marketplace"
_HEALTH_WITHIN = 4
"""Longer than a service waits for its parts, so that it can say which of them does not answer."""
_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"})


def application(forwarder: Forwarder, tokens: AccessTokens, tracing: Tracing) -> Observed:
    """The gateway over the services that requests are forwarded to."""
    metrics = Metrics()
    app = FastAPI(title=TITLE, version="1", docs_url=None, redoc_url=None, openapi_url=None, redirect_slashes=False)
    app.state.access_tokens = tokens
    upstreams = Upstreams(forwarder)
    app.include_router(health.router({service: upstreams.check_of(service) for service in SERVICES}, _HEALTH_WITHIN))

    async def service_metrics(request: Request) -> Response:
        service = request.path_params["service"]
        if service not in SERVICES:
            raise HTTPException(404)
        return await forwarder.ask(service, request, path="/metrics")

    app.router.routes += [
        *pages.routes(Path(__file__).parent / "web"),
        metrics.route(),
        Route("/metrics/{service}", service_metrics),
        Route("/openapi.json", upstreams.openapi),
    ]
    problems.install(app)
    forwarding = LimitedBodies(ForwardingMiddleware(app, forwarder), LARGEST_BODY)
    return Observed(problems.Answered(forwarding), metrics, tracing)


class ForwardingMiddleware:
    """An application that passes on requests for the services, past all that routes of its own need."""

    def __init__(self, app: ASGIApp, forwarder: Forwarder) -> None:
        self._app, self._forwarding = app, forwarder

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on."""
        if scope["type"] == "http" and scope["path"].startswith(PREFIX):
            if scope["method"] not in _METHODS:
                raise HTTPException(405)
            answer = await self._forwarding.forward(Request(scope, receive))
            await answer(scope, receive, send)
        else:
            await self._app(scope, receive, send)


class Upstreams:
    """What the gateway itself asks the services."""

    def __init__(self, forwarder: Forwarder) -> None:
        self._forwarding = forwarder
        self._document: dict[str, Any] | None = None

    def check_of(self, service: str) -> health.Check:
        """The check of a service: whether it says that it is well."""

        async def check() -> None:
            try:
                status, body = await self._forwarding.read(service, "/health")
            except StorageUnavailableError as error:
                raise UnwellError(str(error)) from None
            if status != 200:
                parts = body.get("parts", {})
                reasons = [f"{name}: {part['reason']}" for name, part in parts.items() if part["status"] != "ok"]
                raise UnwellError("; ".join(reasons) or f"it answers {status}")

        return check

    async def openapi(self, _: Request) -> Response:
        """The document of the whole; once it is made, it stays."""
        if self._document is None:
            self._document = merged({service: await self._document_of(service) for service in SERVICES}, TITLE)
        return JSONResponse(self._document)

    async def _document_of(self, service: str) -> dict[str, Any]:
        status, document = await self._forwarding.read(service, "/openapi.json")
        if status != 200:
            raise StorageUnavailableError(f"the service of {service} answers {status}")
        return dict(document)
