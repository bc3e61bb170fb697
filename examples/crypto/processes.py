"""The processes of the tracker, and what all of them need."""

from __future__ import annotations

# What they load, the process that starts them has loaded for all.
import tenacity  # noqa: F401
import websockets.asyncio.client
import websockets.asyncio.server  # noqa: F401

from common import health, observing, openapi, pages, serving  # noqa: F401
from common.group import Member
from common.ports import free_port
from crypto import accounts, coins, watching  # noqa: F401
from crypto.settings import CryptoSettings
from metacore.exchanges import binance  # noqa: F401


def members(settings: CryptoSettings) -> list[Member]:
    """What is started; the last one is what people talk to."""
    chain = [Member("crypto.socket"), Member("crypto.aggregator"), Member("crypto.profile")]
    if settings.exchange_url is None:
        port = free_port()
        url = f"ws://127.0.0.1:{port}/ws/!miniTicker@arr"
        chain[0] = Member("crypto.socket", {"CRYPTO_EXCHANGE_URL": url})
        chain.insert(0, Member("crypto.exchange", {"CRYPTO_EXCHANGE_PORT": str(port)}))
    if settings.pipeline:
        chain.insert(0, Member("crypto.pipeline"))
    return chain
