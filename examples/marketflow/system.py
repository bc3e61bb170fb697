"""The market data service as a whole: what it opens, and in which order it starts and ends."""

from __future__ import annotations

import asyncio
import os
from contextlib import AsyncExitStack
from datetime import timedelta
from pathlib import Path

from fastapi import FastAPI

import metacore
from common import health, openapi, pages, problems
from common.bodies import LimitedBodies
from common.health import Check
from common.observing import Metrics, Observed
from common.redis_client import RedisClient
from common.serving import System, listening, tell
from common.tracing import Tracing
from marketflow import minutes
from marketflow.app import AtHand, Prices, router
from marketflow.generators import simulated
from marketflow.history import History
from marketflow.keeping import Keeper
from marketflow.market import Market
from marketflow.modes import Modes
from marketflow.settings import OURS, MarketSettings, Mode, storage_settings
from marketflow.stream import Stream
from marketflow.turns import Turns

_MAX_BODY = 4096
_MODES: tuple[Mode, ...] = ("live", "test")


def system(settings: MarketSettings, started_parts: bool) -> System:
    """The service by these settings; `started_parts` if its database is its own, so that no other instance is there."""

    async def serve(urls: dict[str, str], stop: asyncio.Event) -> None:
        url = urls["METACORE_URL"]
        alone = started_parts or not url.startswith("postgres")
        async with AsyncExitStack() as stack:
            storage = await stack.enter_async_context(metacore.connect(url, settings=storage_settings()))
            redis = await stack.enter_async_context(RedisClient(urls["SERVICES_REDIS"]))
            if not settings.sources:
                await stack.enter_async_context(simulated(OURS, settings.symbols, settings.rate))
            markets: dict[Mode, Market] = {mode: Market(mode) for mode in _MODES}
            streams = {mode: Stream(market, redis, settings.namespace) for mode, market in markets.items()}
            keepers = [Keeper(markets[mode], storage, streams[mode], settings.flush) for mode in _MODES]
            turns = Turns(url, alone)
            modes = Modes(markets, settings.sources or OURS, turns, redis, settings, storage.now)
            history = History(modes, settings, storage.now)
            app = application(storage, modes, history, keepers, redis, settings)
            await stack.enter_async_context(listening(app, settings.host, settings.port))
            keep = timedelta(days=settings.retention_days)
            background = [asyncio.create_task(market.run()) for market in markets.values()]
            ending = asyncio.Event()
            async with asyncio.TaskGroup() as tasks:
                await minutes.require_views(storage, os.environ.get("METACORE_SCHEMA", "metacore"))
                for run in (turns.run, *(stream.run for stream in streams.values())):
                    tasks.create_task(run(ending))
                await modes.start()
                tasks.create_task(minutes.purge(storage, keep, stop))
                for work in (modes.run, history.run, *(keeper.run for keeper in keepers)):
                    tasks.create_task(work(stop))
                tell("marketflow", settings.host, settings.port, urls)
                await stop.wait()
                await modes.stop()
                ending.set()
            await asyncio.gather(*(keeper.finish() for keeper in keepers))
            for task in background:
                task.cancel()
            await asyncio.gather(*background, return_exceptions=True)

    return serve


def application(
    storage: metacore.Storage,
    modes: Modes,
    history: History,
    keepers: list[Keeper],
    redis: RedisClient,
    settings: MarketSettings,
) -> Observed:
    """The routes, with what all systems have."""
    metrics, tracing = Metrics(), Tracing("marketflow")
    metrics.gauge("market_ticks", "Ticks counted in the mode that it is.", lambda: modes.market.ticks)
    metrics.gauge("market_broken", "Lines that were no ticks.", lambda: _broken(modes))
    metrics.gauge("market_pending", "Parts that wait for the database.", lambda: sum(one.pending for one in keepers))
    metrics.gauge("market_stored", "Parts stored since the start.", lambda: sum(one.stored for one in keepers))
    metrics.gauge("market_lost", "Parts given up, too many waiting.", lambda: sum(one.lost for one in keepers))
    metrics.storage(storage)
    app = FastAPI(title="Market data", version="1", docs_url=None, redoc_url=None, redirect_slashes=False)
    prices = Prices(modes, storage, settings)
    app.include_router(router(prices, modes, history))
    checks: dict[str, Check] = {"database": storage.ping, "redis": redis.check, "minutes": _all(keepers)}
    for exchange in modes.exchanges:
        checks[exchange] = _source(modes, exchange)
    app.include_router(health.router(checks))
    app.router.routes += [*pages.routes(Path(__file__).parent / "web"), metrics.route()]
    problems.install(app)
    openapi.describe(app)
    app.add_middleware(LimitedBodies, size=_MAX_BODY)
    return Observed(AtHand(app, prices), metrics, tracing)


def _broken(modes: Modes) -> int:
    return sum(sum(source.broken.values()) for source in modes.sources)


def _all(keepers: list[Keeper]) -> Check:
    async def check() -> None:
        for keeper in keepers:
            await keeper.check()

    return check


def _source(modes: Modes, exchange: str) -> Check:
    async def check() -> None:
        for source in modes.sources:
            if source.exchange == exchange:
                await source.check()

    return check
