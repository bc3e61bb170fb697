"""A bank: it takes money and pays it back, as it is minded."""

from __future__ import annotations

import asyncio
import logging
from contextlib import suppress

import httpx
from fastapi import APIRouter
from pydantic import BaseModel
from starlette.exceptions import HTTPException

from marketplace.bank import SIGNATURE, Answered, Asked, Outcome, signature_of
from marketplace.context import Contents, ServiceContext
from marketplace.payment_gateway.log import Entry, Log, Mode

_LATE = 1.0

_logger = logging.getLogger(__name__)


class Minded(BaseModel):
    """How the bank is minded."""

    mode: Mode


async def build(context: ServiceContext) -> Contents:
    """The service in this context."""
    log = Log(context)
    calling = Calling(context)
    return Contents(routers=[router(context, log, calling)], works=[calling.run])


class Calling:
    """Calls back, after a while."""

    def __init__(self, context: ServiceContext) -> None:
        self._key = context.settings.bank_key
        self._calls: set[asyncio.Task[None]] = set()
        self._http = httpx.AsyncClient()

    def call(self, url: str, answered: Answered, after: float) -> None:
        """Call `url` then; what does not arrive is not told again."""
        task = asyncio.create_task(self._call(url, answered.model_dump_json().encode(), after))
        self._calls.add(task)
        task.add_done_callback(self._calls.discard)

    async def run(self, stop: asyncio.Event) -> None:
        """Give up what is not told when the event is set."""
        await stop.wait()
        for task in self._calls:
            task.cancel()
        await self._http.aclose()

    async def _call(self, url: str, body: bytes, after: float) -> None:
        await asyncio.sleep(after)
        with suppress(httpx.HTTPError):
            await self._http.post(url, content=body, headers={SIGNATURE: signature_of(body, self._key)})


def router(context: ServiceContext, log: Log, calling: Calling) -> APIRouter:
    """What the bank is asked."""
    routes = APIRouter()

    async def answer(asked: Asked) -> Answered:
        mode, entry = await log.do(asked)
        if entry is None:
            raise HTTPException(503)
        answered = Answered(key=entry.key, of=entry.of, outcome=entry.outcome)
        match mode:
            case Mode.SLOW if entry.asked == 1:
                await asyncio.sleep(context.settings.bank_answers_within + 1)
            case Mode.LOST:
                raise HTTPException(500)
            case Mode.TWICE:
                calling.call(asked.callback, answered, 0)
                calling.call(asked.callback, answered, 0)
            case Mode.LATE:
                calling.call(asked.callback, answered, _LATE)
                return Answered(key=entry.key, of=entry.of, outcome=Outcome.LATER)
        return answered

    @routes.post("/captures")
    async def capture(asked: Asked) -> Answered:
        return await answer(asked)

    @routes.post("/refunds")
    async def refund(asked: Asked) -> Answered:
        return await answer(asked)

    @routes.get("/log")
    async def entries() -> list[Entry]:
        return await log.entries()

    @routes.get("/mode")
    async def mode() -> Minded:
        return Minded(mode=await log.mode())

    @routes.put("/mode")
    async def change_mode(minded: Minded) -> Minded:
        await log.change_mode(minded.mode)
        return minded

    return routes
