"""The application: it opens the storage when it starts, and closes it when it ends.

Any server of ASGI runs it, too, each worker with a storage of its own:

    granian --interface asgi --factory service.app:create_app
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import FastAPI

import metacore
from common import health, openapi, problems
from common.bodies import LimitedBodies
from common.observing import Metrics, Observed
from common.tracing import Tracing
from metacore import Settings
from service import accounts, orders

MAX_BODY = 64 * 1024
"""No order, report or trade comes near it."""


def create_app(url: str | None = None, settings: Settings | None = None) -> FastAPI:
    """The application over the storage that `url` names; METACORE_URL names it without one."""
    storage = metacore.connect(url, settings=settings)

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        async with storage:
            yield

    app = FastAPI(title="Metacore service", version="1", lifespan=lifespan)
    app.include_router(accounts.router(storage))
    app.include_router(orders.router(storage))
    app.include_router(health.router({"storage": storage.ping}))
    problems.install(app)
    openapi.describe(app)
    metrics = Metrics()
    metrics.storage(storage)
    app.router.routes.append(metrics.route())
    app.add_middleware(LimitedBodies, size=MAX_BODY)
    app.add_middleware(Observed, metrics=metrics, tracing=Tracing("service"))
    return app
