"""`python -m crypto.profile`: the process that people talk to: accounts, coins, the live profile and the page."""

from __future__ import annotations

import asyncio
import secrets
import sys
from collections.abc import Awaitable
from functools import partial
from pathlib import Path

from fastapi import FastAPI
from pydantic import SecretStr

import metacore
from common import health, logs, openapi, pages, problems
from common.access_tokens import AccessTokens
from common.bodies import LimitedBodies
from common.garbage import collect_seldom
from common.group import parts_of
from common.observing import Metrics, Observed
from common.parts import Parts
from common.purging import keep_purged
from common.redis_client import RedisClient
from common.serving import listening, run, tell
from common.settings import storage_settings
from common.tracing import Tracing
from crypto import accounts, coins, watching
from crypto.live import Live
from crypto.prices import Prices
from crypto.settings import CryptoSettings
from crypto.signing_in import SigningIn

MAX_BODY = 16 * 1024
"""No credentials and no coin come near it."""


async def serve(settings: CryptoSettings, urls: dict[str, str], stop: asyncio.Event) -> None:
    """Serve until the event is set."""
    async with (
        metacore.connect(urls["METACORE_URL"], settings=storage_settings()) as storage,
        RedisClient(urls["SERVICES_REDIS"]) as redis,
    ):
        prices = Prices(urls["SERVICES_REDIS"], settings.stale_after, storage.now)
        live = Live(prices, settings.stale_after)
        app = application(settings, storage, redis, prices, live)
        collect_seldom()

        def purge(limit: int) -> Awaitable[int]:
            return storage.sessions.purge(storage.now(), limit)

        async with listening(app, settings.host, settings.port, websockets=True), asyncio.TaskGroup() as tasks:
            tasks.create_task(prices.run(stop))
            tasks.create_task(live.watch(stop))
            tasks.create_task(keep_purged("sessions", purge, settings.forget_every, stop))
            tell("profile", settings.host, settings.port, urls)
            await stop.wait()
            await live.close()


def application(
    settings: CryptoSettings, storage: metacore.Storage, redis: RedisClient, prices: Prices, live: Live
) -> Observed:
    """The routes, with what all systems have."""
    key = settings.access_key or SecretStr(secrets.token_hex(32))
    tokens = AccessTokens("crypto", key, settings.access_lifetime)
    signing_in = SigningIn(storage, tokens, settings.access_lifetime)
    signing_in.on_end = live.session_ended
    metrics = Metrics()
    metrics.gauge("crypto_sockets", "Live profiles that are open.", live.count)
    metrics.gauge("crypto_symbols", "Symbols that somebody looks at.", prices.watched)
    metrics.storage(storage)
    app = FastAPI(title="Portfolio tracker", version="1", docs_url=None, redoc_url=None, redirect_slashes=False)
    app.state.signing_in = signing_in
    app.include_router(accounts.router(signing_in, settings.secure_cookie))
    app.include_router(coins.router(metacore.PortfolioService(storage), live))
    app.include_router(watching.router(storage, signing_in, live, redis))
    checks = {"database": storage.ping, "redis": redis.check, "prices": prices.check, "exchange": prices.check_age}
    app.include_router(health.router(checks))
    app.router.routes += [*pages.routes(Path(__file__).parent / "web"), metrics.route()]
    problems.install(app)
    openapi.describe(app)
    app.add_middleware(LimitedBodies, size=MAX_BODY)
    answered = problems.Answered(accounts.Refreshing(app, signing_in, settings.secure_cookie))
    return Observed(answered, metrics, Tracing("crypto"))


def main() -> int:
    """Run the process."""
    settings = CryptoSettings()
    logs.configure("crypto", settings.log_level)
    return run(partial(serve, settings), parts_of(lambda: Parts("METACORE_URL", "SERVICES_REDIS").start()))


if __name__ == "__main__":
    sys.exit(main())
