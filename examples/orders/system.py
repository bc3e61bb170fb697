"""The order service as a whole: what it opens, and in which order it starts and ends."""

from __future__ import annotations

import asyncio
from pathlib import Path

from fastapi import FastAPI

import metacore
from common import health, openapi, pages, problems
from common.bodies import LimitedBodies
from common.garbage import collect_seldom
from common.observing import Metrics, Observed
from common.serving import System, listening, tell
from common.settings import storage_settings
from common.tracing import Tracing
from orders import letters
from orders.app import MAX_BODY, AtHand, router
from orders.cache import ReadyOrders, share_of_answers
from orders.consumer import Consumer
from orders.settings import OrderSettings


def system(settings: OrderSettings) -> System:
    """The order service by these settings."""

    async def serve(urls: dict[str, str], stop: asyncio.Event) -> None:
        async with metacore.connect(urls["METACORE_URL"], settings=storage_settings()) as storage:
            service = metacore.OrderRecordService(
                storage,
                settings.cache_records,
                settings.cache_ttl,
                max_bytes=settings.cache_bytes - share_of_answers(settings.cache_bytes),
            )
            ready = ReadyOrders(service, settings.cache_records, settings.cache_bytes)
            await service.warm_up()
            collect_seldom()
            tracing = Tracing("orders")
            consumer = Consumer(storage, service, settings, urls["SERVICES_KAFKA"], tracing)
            app = application(storage, service, ready, consumer, tracing)
            async with listening(app, settings.host, settings.port), asyncio.TaskGroup() as tasks:
                tasks.create_task(consumer.run(stop))
                await consumer.connected()
                tell("orders", settings.host, settings.port, urls)
                await stop.wait()

    return serve


def application(
    storage: metacore.Storage,
    service: metacore.OrderRecordService,
    ready: ReadyOrders,
    consumer: Consumer,
    tracing: Tracing,
) -> Observed:
    """The routes, with what all systems have."""
    counts = consumer.counts
    metrics = Metrics()
    metrics.gauge("orders_consumed", "Messages stored as orders since the start.", lambda: counts.orders)
    metrics.gauge("orders_dead_letters", "Messages kept as dead letters since the start.", lambda: counts.dead_letters)
    metrics.gauge("orders_failures", "How often the consumer had to try again.", lambda: counts.failures)
    metrics.gauge("orders_backlog", "Messages that wait.", consumer.backlog)
    metrics.storage(storage)
    app = FastAPI(title="Orders", version="1", docs_url=None, redoc_url=None, redirect_slashes=False)
    app.include_router(router(service, ready))
    app.include_router(letters.router(storage, service))
    checks = {"database": storage.ping, "kafka": consumer.check_broker, "consumer": consumer.check}
    app.include_router(health.router(checks))
    app.router.routes += [*pages.routes(Path(__file__).parent / "web"), metrics.route()]
    problems.install(app)
    openapi.describe(app)
    app.add_middleware(LimitedBodies, size=MAX_BODY)
    return Observed(AtHand(app, ready), metrics, tracing)
