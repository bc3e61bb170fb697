"""A bank: it takes money and pays it back, or does not, by its mode."""

from __future__ import annotations

import asyncio
import logging
from contextlib import suppress

import httpx
from fastapi import APIRouter
from pydantic import BaseModel
from starlette.exceptions import HTTPException

from marketplace.bank import SIGNATURE, BankAnswer, BankAnswers, BankRequest, BankRequests, Outcome, signature_of
from marketplace.context import Contents, ServiceContext
from marketplace.payment_gateway.log import Entry, Log, Mode

_LATE = 1.0

_logger = logging.getLogger(__name__)


class ModeSetting(BaseModel):
    """How the bank behaves."""

    mode: Mode


async def build(context: ServiceContext) -> Contents:
    """The service in this context."""
    log = Log(context)
    callbacks = Callbacks(context)
    return Contents(routers=[router(context, log, callbacks)], background=[callbacks.run])


class Callbacks:
    """Calls back, after a while."""

    def __init__(self, context: ServiceContext) -> None:
        self._key = context.settings.bank_key
        self._calls: set[asyncio.Task[None]] = set()
        self._http = httpx.AsyncClient()

    def call(self, url: str, answer: BankAnswer, after: float) -> None:
        """Call `url` then; what does not arrive is not sent again."""
        task = asyncio.create_task(self._call(url, answer.model_dump_json().encode(), after))
        self._calls.add(task)
        task.add_done_callback(self._calls.discard)

    async def run(self, stop: asyncio.Event) -> None:
        """Give up what is not sent when the event is set."""
        await stop.wait()
        for task in self._calls:
            task.cancel()
        await self._http.aclose()

    async def _call(self, url: str, body: bytes, after: float) -> None:
        await asyncio.sleep(after)
        with suppress(httpx.HTTPError):
            await self._http.post(url, content=body, headers={SIGNATURE: signature_of(body, self._key)})


def router(context: ServiceContext, log: Log, callbacks: Callbacks) -> APIRouter:
    """What the bank is asked."""
    routes = APIRouter()

    async def answer(requests: list[BankRequest]) -> list[BankAnswer]:
        mode, entries = await log.do(requests)
        answers = [BankAnswer(key=entry.key, of=entry.of, outcome=entry.outcome) for entry in entries]
        match mode:
            case Mode.DEAD:
                raise HTTPException(503)
            case Mode.SLOW if any(entry.asked == 1 for entry in entries):
                await asyncio.sleep(context.settings.bank_answers_within + 1)
            case Mode.LOST:
                raise HTTPException(500)
            case Mode.TWICE:
                for request, outcome in zip(2 * requests, 2 * answers, strict=True):
                    callbacks.call(request.callback, outcome, 0)
            case Mode.LATE:
                for request, outcome in zip(requests, answers, strict=True):
                    callbacks.call(request.callback, outcome, _LATE)
                return [one.model_copy(update={"outcome": Outcome.LATER}) for one in answers]
        return answers

    @routes.post("/captures")
    async def capture(body: BankRequests) -> BankAnswers:
        return BankAnswers(answers=await answer(list(body.requests)))

    @routes.post("/refunds")
    async def refund(body: BankRequests) -> BankAnswers:
        return BankAnswers(answers=await answer(list(body.requests)))

    @routes.get("/log")
    async def entries() -> list[Entry]:
        return await log.entries()

    @routes.get("/mode")
    async def mode() -> ModeSetting:
        return ModeSetting(mode=await log.mode())

    @routes.put("/mode")
    async def change_mode(setting: ModeSetting) -> ModeSetting:
        await log.change_mode(setting.mode)
        return setting

    return routes
