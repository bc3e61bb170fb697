"""Asking the bank: for what is written down, again and again by the same key until it has said what became of it."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Coroutine
from contextlib import suppress
from datetime import timedelta
from typing import Any

import aiohttp
from pydantic import ValidationError

from common.http_client import session
from marketplace.bank import CALLBACK, Answered, Asked, Outcome
from marketplace.context import ServiceContext
from marketplace.money import Currency
from marketplace.names import variable_of
from marketplace.payments.payment import Payment, Refund
from marketplace.payments.till import Till
from marketplace.rows import FAILURES

_AT_ONCE = 64
_AGAIN = timedelta(seconds=1)

_logger = logging.getLogger(__name__)


class Asking:
    """Asks the bank for what is due."""

    def __init__(self, context: ServiceContext, till: Till) -> None:
        self._till, self._storage, self._settings = till, context.storage, context.settings
        self._callback = context.urls[variable_of("payments")] + CALLBACK
        self._bank = context.urls[variable_of("payment_gateway")]
        self._due = asyncio.Event()
        self._asked: set[asyncio.Task[None]] = set()

    def look(self) -> None:
        """Look at once for what is due."""
        self._due.set()

    async def run(self, stop: asyncio.Event) -> None:
        """Ask until the event is set; what is not answered by then is asked for after the next start."""
        within = self._settings.bank_answers_within
        async with session(within, within) as http:
            while not stop.is_set():
                self._due.clear()
                with suppress(*FAILURES):
                    await self._ask(http)
                with suppress(TimeoutError):
                    await asyncio.wait_for(self._due.wait(), self._settings.sweep_every)
            await asyncio.gather(*self._asked)

    async def _ask(self, http: aiohttp.ClientSession) -> None:
        again_at = self._storage.now() + timedelta(seconds=self._settings.bank_answers_within) + _AGAIN
        if (room := _AT_ONCE - len(self._asked)) > 0:
            for payment in await self._till.captures_due(again_at, room):
                self._begin(self._capture(http, payment))
        if (room := _AT_ONCE - len(self._asked)) > 0:
            for refund in await self._till.refunds_due(again_at, room):
                self._begin(self._refund(http, refund))

    def _begin(self, asking: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(asking)
        self._asked.add(task)
        task.add_done_callback(self._asked.discard)
        if len(self._asked) == _AT_ONCE:
            # Those that wait for room are not looked at before there is some.
            task.add_done_callback(lambda _: self.look())

    async def _capture(self, http: aiohttp.ClientSession, payment: Payment) -> None:
        asked = Asked(
            key=payment.id, amount=payment.amount, currency=Currency(payment.currency), callback=self._callback
        )
        await self._settle(await self._answer(http, "/captures", asked))

    async def _refund(self, http: aiohttp.ClientSession, refund: Refund) -> None:
        payment = await self._till.get(refund.payment_id)
        asked = Asked(
            key=refund.id,
            of=payment.id,
            amount=refund.amount,
            currency=Currency(payment.currency),
            callback=self._callback,
        )
        await self._settle(await self._answer(http, "/refunds", asked))

    async def _settle(self, answered: Answered | None) -> None:
        try:
            if answered is not None:
                await self.settle(answered)
        except FAILURES as error:
            _logger.warning("the bank is asked once more, for what it said could not be stored: %s", error)

    async def settle(self, answered: Answered) -> None:
        """Write down what the bank says, whether it was asked or calls by itself."""
        if answered.outcome is Outcome.LATER:
            return
        is_done = answered.outcome is Outcome.DONE
        if answered.of is None:
            await self._till.captured(answered.key, is_done)
        else:
            await self._till.refunded(answered.key, is_done)

    async def _answer(self, http: aiohttp.ClientSession, path: str, asked: Asked) -> Answered | None:
        headers = {"content-type": "application/json"}
        try:
            async with http.post(self._bank + path, data=asked.model_dump_json().encode(), headers=headers) as answer:
                return Answered.model_validate_json(await answer.read()) if answer.ok else None
        except (aiohttp.ClientError, TimeoutError, ValidationError) as error:
            _logger.info("the bank has not answered: %s", type(error).__name__)
            return None
