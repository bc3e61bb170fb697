"""The client of the bank: what is written down is asked for by the same key until it has said what became of it."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Coroutine, Sequence
from contextlib import suppress
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import aiohttp
from pydantic import ValidationError

from common.http_client import session
from marketplace.bank import CALLBACK, LARGEST_BATCH, BankAnswer, BankAnswers, BankRequest, BankRequests, Outcome
from marketplace.context import ServiceContext
from marketplace.money import Currency
from marketplace.names import variable_of
from marketplace.payments.payment import Payment, Refund
from marketplace.payments.refunds import RefundRepository
from marketplace.payments.repository import PaymentRepository
from marketplace.rows import FAILURES

_AGAIN = timedelta(seconds=1)

_logger = logging.getLogger(__name__)


class BankClient:
    """Asks the bank for what is due, all of it by one request."""

    def __init__(self, context: ServiceContext, payments: PaymentRepository, refunds: RefundRepository) -> None:
        self._payments, self._refunds = payments, refunds
        self._storage, self._settings = context.storage, context.settings
        self._callback = context.urls[variable_of("payments")] + CALLBACK
        self._bank = context.urls[variable_of("payment_gateway")]
        self._http: aiohttp.ClientSession | None = None
        self._due = asyncio.Event()
        self._running: set[asyncio.Task[None]] = set()

    @property
    def retry_at(self) -> datetime:
        """When who is asked now has answered, or will not."""
        return self._storage.now() + timedelta(seconds=self._settings.bank_answers_within) + _AGAIN

    def wake(self) -> None:
        """Look at once for what is due."""
        self._due.set()

    def capture(self, payments: Sequence[Payment]) -> None:
        """Ask for the money of these, which nobody else asks for meanwhile."""
        if self._http is not None and payments:
            self._begin(self._capture(self._http, payments))

    async def run(self, stop: asyncio.Event) -> None:
        """Ask until the event is set; what is not answered by then is asked for after the next start."""
        within = self._settings.bank_answers_within
        async with session(within, within) as self._http:
            while not stop.is_set():
                self._due.clear()
                with suppress(*FAILURES):
                    await self._ask(self._http)
                with suppress(TimeoutError):
                    await asyncio.wait_for(self._due.wait(), self._settings.sweep_every)
            self._http = None
            await asyncio.gather(*self._running)

    async def _ask(self, http: aiohttp.ClientSession) -> None:
        retry_at = self.retry_at
        if payments := await self._payments.captures_due(retry_at, LARGEST_BATCH):
            self._begin(self._capture(http, payments))
        if refunds := await self._refunds.due(retry_at, LARGEST_BATCH):
            of = [await self._payments.get(refund.payment_id) for refund in refunds]
            self._begin(self._refund(http, refunds, of))
        if LARGEST_BATCH in (len(payments), len(refunds)):
            self.wake()

    def _begin(self, request: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(request)
        self._running.add(task)
        task.add_done_callback(self._running.discard)

    async def _capture(self, http: aiohttp.ClientSession, payments: Sequence[Payment]) -> None:
        await self._settle_all(http, "/captures", [self._request(payment, payment) for payment in payments])

    async def _refund(self, http: aiohttp.ClientSession, refunds: Sequence[Refund], of: Sequence[Payment]) -> None:
        requests = [self._request(refund, payment, payment.id) for refund, payment in zip(refunds, of, strict=True)]
        await self._settle_all(http, "/refunds", requests)

    def _request(self, what: Payment | Refund, payment: Payment, of: UUID | None = None) -> BankRequest:
        currency = Currency(payment.currency)
        return BankRequest(key=what.id, of=of, amount=what.amount, currency=currency, callback=self._callback)

    async def _settle_all(self, http: aiohttp.ClientSession, path: str, requests: Sequence[BankRequest]) -> None:
        await asyncio.gather(*map(self._settle, await self._answers(http, path, requests)))

    async def _settle(self, answer: BankAnswer) -> None:
        try:
            await self.settle(answer)
        except FAILURES as error:
            _logger.warning("the bank is asked once more, for what it said could not be stored: %s", error)

    async def settle(self, answer: BankAnswer) -> None:
        """Write down what the bank says, whether it was asked or calls by itself."""
        if answer.outcome is Outcome.LATER:
            return
        is_done = answer.outcome is Outcome.DONE
        if answer.of is None:
            await self._payments.captured(answer.key, is_done)
        else:
            await self._refunds.settle(answer.key, is_done)

    async def _answers(
        self, http: aiohttp.ClientSession, path: str, requests: Sequence[BankRequest]
    ) -> Sequence[BankAnswer]:
        body = BankRequests(requests=requests).model_dump_json().encode()
        try:
            async with http.post(
                self._bank + path, data=body, headers={"content-type": "application/json"}
            ) as response:
                if response.ok:
                    return BankAnswers.model_validate_json(await response.read()).answers
        except (aiohttp.ClientError, TimeoutError, ValidationError) as error:
            _logger.info("the bank has not answered: %s", type(error).__name__)
        return ()
