"""How a service runs: over a schema of its own, with the routes, metrics, events and work that it is made of."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Mapping
from datetime import timedelta
from functools import partial
from typing import LiteralString
from urllib.parse import urlsplit

from fastapi import FastAPI

import metacore
from common import health, logs, openapi, problems, serving
from common.access_tokens import AccessTokens
from common.bodies import LimitedBodies
from common.direct import Direct
from common.group import GroupParts
from common.observing import Metrics, Observed
from common.purging import keep_purged
from common.serving import listening
from common.tracing import Tracing
from marketplace.consumer import Consumer
from marketplace.context import Build, Contents, ServiceContext
from marketplace.deploying import deploy
from marketplace.names import schema_of, variable_of
from marketplace.peers import Peers
from marketplace.publisher import Publisher
from marketplace.settings import MarketplaceSettings, storage_settings

ISSUER = "marketplace"

_PURGE_EVERY = 60.0


def run(name: LiteralString, build: Build) -> int:
    """Run the service as a member of the marketplace, and return its exit status."""
    settings = MarketplaceSettings()
    logs.configure("marketplace", settings.log_level)

    async def serve(urls: dict[str, str], stop: asyncio.Event) -> None:
        tokens = AccessTokens(ISSUER, settings.token_key)
        url = urls["METACORE_URL"]
        await asyncio.to_thread(deploy, url, name)
        async with (
            metacore.connect(url, settings=storage_settings(schema_of(name))) as storage,
            Peers(urls, tokens, storage.now) as peers,
        ):
            tracing, metrics = Tracing(f"marketplace.{name}"), Metrics()
            context = ServiceContext(name, storage, schema_of(name), settings, urls, tokens, peers, tracing, metrics)
            await _serve(context, await build(context), stop)

    return serving.run(serve, GroupParts())


async def _serve(context: ServiceContext, contents: Contents, stop: asyncio.Event) -> None:
    metrics = context.metrics
    metrics.storage(context.storage)
    checks = {"database": context.storage.ping, **contents.checks}
    works, brokered = list(contents.background), list[Publisher | Consumer]()
    if contents.publishes:
        publisher = Publisher(context, contents.publishes)
        metrics.gauge("outbox_events", "Events that wait to be published.", lambda: publisher.waiting)
        metrics.gauge("outbox_seconds", "For how long the oldest of them waits.", lambda: publisher.waits_for)
        checks["publisher"] = publisher.check
        works += [publisher.run, publisher.measure, partial(_purge, context)]
        brokered.append(publisher)
    if contents.handlers:
        consumer = Consumer(context, contents)
        checks["consumer"] = consumer.check
        works.append(consumer.run)
        brokered.append(consumer)
    app = application(context.name, contents, checks, metrics, context.tracing, context.access_tokens)
    place = urlsplit(context.urls[variable_of(context.name)])
    assert place.hostname is not None
    assert place.port is not None
    async with asyncio.TaskGroup() as tasks:
        for work in works:
            tasks.create_task(work(stop))
        async with listening(app, place.hostname, place.port):
            await asyncio.gather(*(one.connected() for one in brokered))
            print(f"{context.name}: ready", flush=True)
            await stop.wait()


async def _purge(context: ServiceContext, stop: asyncio.Event) -> None:
    storage, kept_for = context.storage, context.settings.events_kept_for

    def purge(limit: int) -> Awaitable[int]:
        return storage.outbox.purge(storage.now() - timedelta(seconds=kept_for), limit)

    await keep_purged("events", purge, min(kept_for, _PURGE_EVERY), stop)


def application(
    name: str,
    contents: Contents,
    checks: Mapping[str, health.Check],
    metrics: Metrics,
    tracing: Tracing,
    tokens: AccessTokens,
) -> Observed:
    """The routes, with what all services have."""
    app = FastAPI(title=f"Marketplace: {name}", version="1", docs_url=None, redoc_url=None, redirect_slashes=False)
    app.state.access_tokens = tokens
    for router in contents.routers:
        app.include_router(router)
    app.include_router(health.router(checks))
    app.router.routes += [metrics.route()]
    problems.install(app)
    openapi.describe(app)
    limited = LimitedBodies(Direct(app, contents.direct), contents.largest_body)
    return Observed(problems.Answered(limited), metrics, tracing)
