"""`python -m marketplace.gateway`: a member of the marketplace."""

from __future__ import annotations

import asyncio
import sys

from common import logs, serving
from common.access_tokens import AccessTokens
from common.group import GroupParts
from common.serving import listening
from common.tracing import Tracing
from marketplace.gateway.app import application
from marketplace.gateway.forwarder import Forwarder
from marketplace.service import ISSUER
from marketplace.settings import MarketplaceSettings


def main() -> int:
    """Run the gateway until a signal ends it."""
    settings = MarketplaceSettings()
    logs.configure("marketplace", settings.log_level)

    async def serve(urls: dict[str, str], stop: asyncio.Event) -> None:
        tokens = AccessTokens(ISSUER, settings.token_key)
        async with Forwarder(urls, tokens) as forwarder:
            app = application(forwarder, tokens, Tracing("marketplace.gateway"))
            async with listening(app, settings.host, settings.port):
                print("gateway: ready", flush=True)
                await stop.wait()

    return serving.run(serve, GroupParts())


if __name__ == "__main__":
    sys.exit(main())
