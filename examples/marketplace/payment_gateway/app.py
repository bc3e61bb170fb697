"""A bank: it takes money and pays it back, as it is minded."""

from __future__ import annotations

import asyncio
import logging
from contextlib import suppress

import httpx
from fastapi import APIRouter
from pydantic import BaseModel
from starlette.exceptions import HTTPException

from marketplace.bank import SIGNATURE, Answered, AnsweredTogether, Asked, AskedTogether, Outcome, signature_of
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

    async def answer(asked: list[Asked]) -> list[Answered]:
        mode, entries = await log.do(asked)
        answered = [Answered(key=entry.key, of=entry.of, outcome=entry.outcome) for entry in entries]
        match mode:
            case Mode.DEAD:
                raise HTTPException(503)
            case Mode.SLOW if any(entry.asked == 1 for entry in entries):
                await asyncio.sleep(context.settings.bank_answers_within + 1)
            case Mode.LOST:
                raise HTTPException(500)
            case Mode.TWICE:
                for one, told in zip(2 * asked, 2 * answered, strict=True):
                    calling.call(one.callback, told, 0)
            case Mode.LATE:
                for one, told in zip(asked, answered, strict=True):
                    calling.call(one.callback, told, _LATE)
                return [told.model_copy(update={"outcome": Outcome.LATER}) for told in answered]
        return answered

    @routes.post("/captures")
    async def capture(together: AskedTogether) -> AnsweredTogether:
        return AnsweredTogether(answered=await answer(list(together.asked)))

    @routes.post("/refunds")
    async def refund(together: AskedTogether) -> AnsweredTogether:
        return AnsweredTogether(answered=await answer(list(together.asked)))

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
