"""The routes of the live profile: the socket, tickets for it, and the prices of the last minutes."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Path, WebSocket, WebSocketDisconnect
from pydantic import BaseModel, Field

from common import problems
from common.access_tokens import Claims
from common.problems import UnauthorizedError
from common.redis_client import RedisClient
from crypto.coins import Symbol
from crypto.live import TRY_AGAIN, Live
from crypto.quotes import history_of, unpack
from crypto.signing_in import SigningIn, WhoAsks
from crypto.tickets import LIFETIME, Tickets
from metacore import Amount, MetacoreError, NotFoundError, Storage

_CLOSED_WITHIN = 2


class Ticket(BaseModel):
    """What a socket is opened with, once."""

    ticket: str
    expires_in: int = Field(description="Seconds.")


class Price(BaseModel):
    """The price of a symbol, and when that was."""

    price: Amount
    at: datetime


class PriceHistory(BaseModel):
    """The prices of a symbol, oldest first, one a second at most; what Redis has lost is not there."""

    symbol: str
    prices: Sequence[Price]


def router(storage: Storage, signing_in: SigningIn, live: Live, redis: RedisClient) -> APIRouter:
    """The routes."""
    routes = APIRouter()
    tickets = Tickets(signing_in.now)

    @routes.post("/v2/user/profile/ws-ticket", responses=problems.documented(401))
    async def issue_ticket(claims: WhoAsks) -> Ticket:
        """A ticket by which the socket opens once: `/v2/user/profile/ws?ticket=...`."""
        return Ticket(ticket=tickets.issue(claims), expires_in=int(LIFETIME.total_seconds()))

    @routes.get("/v2/prices/{symbol}", responses=problems.documented(400, 503))
    async def price_history(symbol: Annotated[Symbol, Path()]) -> PriceHistory:
        """The prices of a symbol in the last minutes."""
        symbol = symbol.lower()
        packed = await redis.call(lambda client: client.lrange(history_of(symbol), 0, -1))
        quotes = [quote for one in reversed(packed) for quote in unpack(one)]
        return PriceHistory(symbol=symbol, prices=[Price(price=quote.price, at=quote.at) for quote in quotes])

    @routes.websocket("/v2/user/profile/ws")
    async def look_on(websocket: WebSocket) -> None:
        try:
            claims = _who(websocket, signing_in, tickets)
            user = await storage.users.get(claims.user_id)
        except NotFoundError:
            await _deny(websocket, UnauthorizedError("there is no such user any more"))
            return
        except (UnauthorizedError, MetacoreError) as error:
            await _deny(websocket, error)
            return
        await websocket.accept()
        viewer = live.enter(claims, user.username)
        try:
            # Read after it looks on: what changes meanwhile is told, and of two the newer one counts.
            live.show(viewer, await storage.portfolios.get(claims.user_id))
            code = await live.run(websocket, viewer)
        except MetacoreError:
            code = TRY_AGAIN
        finally:
            live.leave(viewer)
        # The other end may be gone already.
        with suppress(RuntimeError, OSError, WebSocketDisconnect):
            async with asyncio.timeout(_CLOSED_WITHIN):
                await websocket.close(code)

    return routes


async def _deny(websocket: WebSocket, error: Exception) -> None:
    await websocket.send_denial_response(problems.answer_to(error))


def _who(websocket: WebSocket, signing_in: SigningIn, tickets: Tickets) -> Claims:
    ticket = websocket.query_params.get("ticket")
    if ticket is None:
        return signing_in.who_asks(websocket)
    return signing_in.require_living(tickets.take(ticket))
