"""The inventory: each warehouse is an account, a product an asset, and the ledger moves them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from decimal import Decimal
from uuid import UUID, uuid5

from pydantic import BaseModel

from marketplace.batcher import Batcher
from marketplace.context import ServiceContext
from marketplace.stock import MAIN, ReservationRequest
from metacore import (
    AlreadyExistsError,
    BalanceEntry,
    ConflictError,
    InsufficientFundsError,
    LedgerService,
    NewReservation,
    NewUser,
    NotFoundError,
    Page,
    Reservation,
    Storages,
    TradingService,
    Transaction,
)

_OURS = UUID("5f5e1f0c-5f0f-4d3c-9f7a-3f1d1c0b7a10")
_PACKED = "packed goods"
"""Goods that were picked for a purchase, and are not shipped yet. No warehouse has a name like it."""


class Stock(BaseModel):
    """How much of a product a warehouse has."""

    warehouse: str
    product_id: UUID
    free: int
    reserved: int


@dataclass(frozen=True)
class Allocation:
    """The goods that are set aside for a purchase, and where they come from."""

    purchase_id: UUID
    warehouse: str
    goods: Mapping[UUID, int]

    @property
    def account(self) -> UUID:
        """Of the warehouse."""
        return account_of(self.warehouse)

    @property
    def reservations(self) -> list[UUID]:
        """What holds its goods, in the order of these."""
        return [reservation_of(self.purchase_id, product_id) for product_id in sorted(self.goods)]


class Inventory:
    """The stock of this service's warehouses. What moves several products moves them in the order of their ids."""

    def __init__(self, context: ServiceContext) -> None:
        self._storage = context.storage
        self._ledger = LedgerService(context.storage)
        self._reserving = Batcher(self._reserve, len)

    async def open(self) -> None:
        """Make the accounts that are there from the beginning."""
        for name in (MAIN, _PACKED):
            with suppress(AlreadyExistsError):
                await self._storage.users.create(NewUser(id=account_of(name), username=name))

    async def receive(self, warehouse: str, product_id: UUID, quantity: int, reference: str) -> Stock:
        """Goods have come in, once for each reference."""
        trading = TradingService(self._storage)
        await trading.deposit(account_of(warehouse), str(product_id), Decimal(quantity), reference)
        return await self.stock(warehouse, product_id)

    async def stock(self, warehouse: str, product_id: UUID) -> Stock:
        """How much there is of a product."""
        balance = await self._storage.balances.get_or_zero(account_of(warehouse), str(product_id))
        free, reserved = int(balance.free), int(balance.locked)
        return Stock(warehouse=warehouse, product_id=product_id, free=free, reserved=reserved)

    async def movements(self, warehouse: str, product_id: UUID, after: str | None, limit: int) -> Page[BalanceEntry]:
        """The journal of a product, the oldest first."""
        return await self._storage.balances.entries(account_of(warehouse), str(product_id), after, limit)

    async def reserve(self, request: ReservationRequest) -> bool:
        """Reserve all goods for a purchase, or none; whether they are, or have been. Asked again, nothing changes."""
        account = account_of(request.warehouse)
        reservations = [
            NewReservation(
                id=reservation_of(request.purchase_id, product_id),
                user_id=account,
                asset=str(product_id),
                amount=Decimal(quantity),
                reference=str(request.purchase_id),
                expires_at=request.expires_at,
            )
            for product_id, quantity in request.goods.items()
        ]
        try:
            return await self._reserving.submit(reservations)
        except (InsufficientFundsError, ConflictError, NotFoundError):
            return False

    async def expire_due(self) -> int:
        """Free what was reserved for too long."""
        return await self._ledger.expire_due()

    async def pick(self, transaction: Transaction, allocations: Sequence[Allocation]) -> bool:
        """Pick all that is reserved for purchases; False, and nothing is picked, if some of it is gone.

        Of several the error is raised, for whoever asks to find out of which.
        """
        postings: dict[UUID, list[UUID]] = {}
        for one in allocations:
            postings.setdefault(one.account, []).extend(one.reservations)
        try:
            async with transaction.transaction() as step:
                for account in sorted(postings):
                    await LedgerService(step).post_all(account, postings[account], to=account_of(_PACKED))
        except (ConflictError, NotFoundError):
            if len(allocations) > 1:
                raise
            return False
        return True

    async def release(self, transaction: Transaction, allocation: Allocation) -> None:
        """Free what is still reserved for a purchase; what expires meanwhile is free by that."""
        while True:
            held = [await _reservation(transaction, allocation.account, each) for each in allocation.reservations]
            # An order may name a warehouse that there is not.
            if not (pending := [one.id for one in held if one is not None and one.is_pending]):
                return
            with suppress(ConflictError):
                async with transaction.transaction() as step:
                    await LedgerService(step).void_all(allocation.account, pending)
                return

    async def restock(self, transaction: Transaction, allocation: Allocation) -> None:
        """Put what was picked for a purchase back."""
        ledger = LedgerService(transaction)
        for product_id, quantity in sorted(allocation.goods.items()):
            await ledger.transfer(
                account_of(_PACKED),
                allocation.account,
                str(product_id),
                Decimal(quantity),
                f"{allocation.purchase_id}:{product_id}:back",
            )

    async def ship(self, transaction: Transaction, allocation: Allocation) -> None:
        """What was picked for a purchase leaves the house."""
        trading = TradingService(transaction)
        for product_id, quantity in sorted(allocation.goods.items()):
            reference = f"{allocation.purchase_id}:{product_id}"
            await trading.withdraw(account_of(_PACKED), str(product_id), Decimal(quantity), reference)

    async def _reserve(self, batch: Sequence[Sequence[NewReservation]]) -> Sequence[bool]:
        await self._ledger.reserve_all(new for reservations in batch for new in reservations)
        return [True] * len(batch)


def account_of(warehouse: str) -> UUID:
    """The account of a warehouse."""
    return uuid5(_OURS, warehouse)


def reservation_of(purchase_id: UUID, product_id: UUID) -> UUID:
    """The reservation of a product for a purchase."""
    return uuid5(purchase_id, str(product_id))


async def _reservation(storages: Storages, account: UUID, reservation_id: UUID) -> Reservation | None:
    try:
        return await storages.reservations.get(account, reservation_id)
    except NotFoundError:
        return None
