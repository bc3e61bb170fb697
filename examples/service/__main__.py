"""`python -m service`: serve the storage that METACORE_URL names, or a private PostgreSQL, until a signal ends it."""

from __future__ import annotations

import asyncio
import sys

from common import logs
from common.parts import Parts
from common.serving import System, listening, run, tell
from service.app import create_app
from service.settings import ServiceSettings


def system(settings: ServiceSettings) -> System:
    """The service by these settings."""

    async def serve(urls: dict[str, str], stop: asyncio.Event) -> None:
        app = create_app(urls["METACORE_URL"])
        async with app.router.lifespan_context(app), listening(app, settings.host, settings.port):
            tell("service", settings.host, settings.port, urls)
            await stop.wait()

    return serve


def main() -> int:
    """Run the service."""
    settings = ServiceSettings()
    logs.configure("service", settings.log_level)
    return run(system(settings), Parts("METACORE_URL").start())


if __name__ == "__main__":
    sys.exit(main())
