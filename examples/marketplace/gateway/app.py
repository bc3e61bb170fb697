"""The routes of the gateway."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import httpx
from fastapi import FastAPI
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from common import health, pages, problems
from common.access_tokens import AccessTokens
from common.bodies import LimitedBodies
from common.health import UnwellError
from common.observing import Metrics, Observed
from common.tracing import Tracing
from marketplace.gateway.documents import merged
from marketplace.gateway.forwarding import LARGEST_BODY, Forwarding
from marketplace.gateway.places import SERVICES
from marketplace.names import variable_of
from metacore import StorageUnavailableError

TITLE = "Marketplace"
_METHODS = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"]


def application(urls: Mapping[str, str], forwarding: Forwarding, tokens: AccessTokens, tracing: Tracing) -> Observed:
    """The gateway over the services at these URLs, which `inside` asks for their documents and their health."""
    metrics = Metrics()
    app = FastAPI(title=TITLE, version="1", docs_url=None, redoc_url=None, openapi_url=None, redirect_slashes=False)
    app.state.access_tokens = tokens
    inside = Inside(urls)
    app.include_router(health.router({service: inside.check_of(service) for service in SERVICES}))

    async def service_metrics(request: Request) -> Response:
        service = request.path_params["service"]
        if service not in SERVICES:
            raise HTTPException(404)
        return await forwarding.ask(service, request, path="/metrics")

    app.router.routes += [
        *pages.routes(Path(__file__).parent / "web"),
        metrics.route(),
        Route("/metrics/{service}", service_metrics),
        Route("/openapi.json", inside.openapi),
        Route("/v1/{rest:path}", forwarding.forward, methods=_METHODS),
    ]
    problems.install(app)
    app.add_middleware(LimitedBodies, size=LARGEST_BODY)
    return Observed(app, metrics, tracing)


class Inside:
    """What the gateway itself asks the services."""

    def __init__(self, urls: Mapping[str, str]) -> None:
        self._urls = urls
        self._document: dict[str, Any] | None = None

    def check_of(self, service: str) -> health.Check:
        """The check of a service: whether it says that it is well."""

        async def check() -> None:
            try:
                answer = await self._ask(service, "/health")
            except StorageUnavailableError as error:
                raise UnwellError(str(error)) from None
            if answer.status_code != 200:
                parts = answer.json().get("parts", {})
                reasons = [f"{name}: {part['reason']}" for name, part in parts.items() if part["status"] != "ok"]
                raise UnwellError("; ".join(reasons) or f"it answers {answer.status_code}")

        return check

    async def openapi(self, _: Request) -> Response:
        """The document of the whole; once it is made, it stays."""
        if self._document is None:
            documents = {service: (await self._ask(service, "/openapi.json")).json() for service in SERVICES}
            self._document = merged(documents, TITLE)
        return JSONResponse(self._document)

    async def _ask(self, service: str, path: str) -> httpx.Response:
        try:
            async with httpx.AsyncClient(timeout=2) as client:
                return await client.get(self._urls[variable_of(service)] + path)
        except httpx.HTTPError as error:
            raise StorageUnavailableError(f"the service of {service} is not there: {type(error).__name__}") from None
