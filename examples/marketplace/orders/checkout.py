"""Checkout: an order is written down at the prices of the catalogue, and its goods are reserved."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping, Sequence, Set
from contextlib import suppress
from datetime import timedelta
from decimal import Decimal
from typing import Annotated
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from marketplace.batcher import Batcher
from marketplace.context import ServiceContext
from marketplace.orders.purchase import Line, Purchase, Reason, State, total_of
from marketplace.orders.repository import PurchaseRepository
from marketplace.orders.saga import Trigger
from marketplace.orders.subscriptions import Subscriptions
from marketplace.rows import FAILURES
from marketplace.stock import MAIN, Quantity, ReservationRequest, ReservationRequests, Reserved, Warehouse
from metacore import ConflictError, InvalidDataError, NotFoundError, new_id

MOST_LINES = 100
_BATCH = 50

_logger = logging.getLogger(__name__)


class LineRequest(BaseModel):
    """Some of one product, as it is ordered."""

    model_config = ConfigDict(extra="forbid")

    product_id: UUID
    quantity: Annotated[Quantity, Field(le=1_000_000)]


class OrderRequest(BaseModel):
    """An order, as it is asked for."""

    model_config = ConfigDict(extra="forbid")

    lines: Annotated[list[LineRequest], Field(min_length=1, max_length=MOST_LINES)]
    warehouse: Warehouse = MAIN

    def content(self) -> str:
        """What makes two of them the same order."""
        return self.model_dump_json()


class Offer(BaseModel):
    """What the catalogue sells, and for how much."""

    product_id: UUID
    seller_id: UUID
    title: str
    price: Decimal
    currency: str
    state: str


class _OffersRequest(BaseModel):
    product_ids: Set[UUID]


class _Offers(BaseModel):
    offers: Sequence[Offer]


class Checkout:
    """Takes orders."""

    def __init__(self, context: ServiceContext, purchases: PurchaseRepository, subscriptions: Subscriptions) -> None:
        self._peers, self._storage, self._settings = context.peers, context.storage, context.settings
        self._purchases, self._subscriptions = purchases, subscriptions
        self._offering = Batcher(self._request_offers, len)
        self._reserving = Batcher(self._request_reservations, lambda request: len(request.goods))

    async def place(self, customer_id: UUID, key: str | None, request: OrderRequest) -> Purchase:
        """The order, its goods reserved; by the same `key` again, the same one.

        ConflictError if the goods are not there, or not sold; NotFoundError for a product that nobody knows.
        """
        if len({line.product_id for line in request.lines}) < len(request.lines):
            raise InvalidDataError("a product is there twice; add the quantities up", field="lines")
        content = request.content()
        purchase = None if key is None else await self._purchases.found(customer_id, key, content)
        if purchase is None:
            new = await self._purchase(customer_id, request)
            purchase = await self._purchases.write(new, key or str(new.id), content)
        purchase = await self.reserve(purchase)
        if purchase.reason is Reason.OUT_OF_STOCK:
            raise ConflictError(
                f"order {purchase.id}: the warehouse has too little of it", conflicts=(str(purchase.id),)
            )
        return purchase

    async def reserve(self, purchase: Purchase) -> Purchase:
        """Ask the warehouse for the goods, if it has not answered yet; asked again, it answers the same."""
        if purchase.state is not State.NEW:
            return purchase
        request = ReservationRequest(
            purchase_id=purchase.id,
            warehouse=purchase.warehouse,
            goods={line.product_id: line.quantity for line in purchase.lines},
            expires_at=purchase.expires_at,
        )
        is_reserved = await self._reserving.submit(request)
        return await self._purchases.move(purchase.id, Trigger.STOCK_RESERVED if is_reserved else Trigger.STOCK_LACKING)

    async def pay(self, purchase_id: UUID, customer_id: UUID) -> Purchase:
        """What becomes of the order of this customer that is to be paid, as far as it is known in time.

        ConflictError if it fails; NotFoundError and InvalidTransitionError as `PurchaseRepository.move`.
        """
        with self._subscriptions.to(purchase_id) as updates:
            purchase = await self._purchases.move(purchase_id, Trigger.PAY, customer_id)
            try:
                async with asyncio.timeout(self._settings.pay_waits):
                    while purchase.is_under_way:
                        purchase = await updates.get()
            except TimeoutError:
                purchase = await self._purchases.get(purchase_id)
        if purchase.state is State.FAILED:
            raise ConflictError(f"order {purchase_id} has failed: {purchase.reason}")
        return purchase

    async def watch(self, stop: asyncio.Event) -> None:
        """See to it, until the event is set, that no order waits for ever: for the warehouse, or for its payment."""
        while not stop.is_set():
            try:
                # As many as are looked at together: there may be more.
                while await self._advance_due() == _BATCH and not stop.is_set():
                    continue
            except FAILURES as error:
                _logger.warning("orders wait: %s", error)
            with suppress(TimeoutError):
                await asyncio.wait_for(stop.wait(), self._settings.sweep_every)

    async def _advance_due(self) -> int:
        now = self._storage.now()
        due = await self._purchases.due(now, _BATCH)
        over = [purchase for purchase in due if purchase.is_due(now)]
        await asyncio.gather(*(self._purchases.move(purchase.id, Trigger.EXPIRE) for purchase in over))
        await asyncio.gather(*(self.reserve(purchase) for purchase in due if not purchase.is_due(now)))
        return len(due)

    async def _purchase(self, customer_id: UUID, request: OrderRequest) -> Purchase:
        offers = await self._offers([line.product_id for line in request.lines])
        currencies = {offer.currency for offer in offers.values()}
        if len(currencies) > 1:
            raise ConflictError(f"an order is in one currency: {', '.join(sorted(currencies))}")
        lines = tuple(_line(offers[line.product_id], line.quantity) for line in request.lines)
        now = self._storage.now()
        return Purchase(
            id=new_id(),
            customer_id=customer_id,
            state=State.NEW,
            reason=None,
            warehouse=request.warehouse,
            currency=currencies.pop(),
            total=total_of(lines),
            lines=lines,
            expires_at=now + timedelta(seconds=self._settings.reserved_for),
            version=1,
            created_at=now,
            updated_at=now,
        )

    async def _offers(self, product_ids: Sequence[UUID]) -> dict[UUID, Offer]:
        offers = await self._offering.submit(product_ids)
        for product_id in product_ids:
            if product_id not in offers:
                raise NotFoundError("product", str(product_id))
            if offers[product_id].state != "ACTIVE":
                raise ConflictError(f"product {product_id} is not sold any more", conflicts=(str(product_id),))
        return {product_id: offers[product_id] for product_id in product_ids}

    async def _request_offers(self, batch: Sequence[Sequence[UUID]]) -> Sequence[Mapping[UUID, Offer]]:
        request = _OffersRequest(product_ids={product_id for product_ids in batch for product_id in product_ids})
        answer = await self._peers.ask("products", "/internal/offers", request, _Offers)
        return [{offer.product_id: offer for offer in answer.offers}] * len(batch)

    async def _request_reservations(self, requests: Sequence[ReservationRequest]) -> Sequence[bool]:
        request = ReservationRequests(requests=requests)
        return (await self._peers.ask("warehouse", "/internal/reservations", request, Reserved)).reserved


def _line(offer: Offer, quantity: int) -> Line:
    return Line(
        product_id=offer.product_id,
        seller_id=offer.seller_id,
        title=offer.title,
        price=offer.price,
        quantity=quantity,
    )
