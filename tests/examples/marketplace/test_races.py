"""What happens between the look and the act of a service: it acts on what is there then."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import timedelta
from decimal import Decimal
from types import SimpleNamespace
from typing import Any
from uuid import UUID

import pytest

import metacore
from marketplace.activity import Activity
from marketplace.deploying import deploy
from marketplace.payments import repository
from marketplace.payments.payment import Payment, PaymentState
from marketplace.payments.repository import TILL, PaymentRepository
from marketplace.stock import MAIN, ReservationRequest
from marketplace.warehouse import inventory
from marketplace.warehouse.inventory import Allocation, Inventory, account_of
from metacore import Event, Settings
from metacore.ids import new_id


@asynccontextmanager
async def service(url: str, name: str) -> AsyncIterator[Any]:
    """What a service of this name works with, of what these tests need."""
    await asyncio.to_thread(deploy, url, name)
    schema = f"marketplace_{name}"
    async with metacore.connect(url, settings=Settings(schema=schema)) as storage:
        yield SimpleNamespace(storage=storage, schema=schema, topic=lambda of: of, activity=Activity())


def once_after(monkeypatch: pytest.MonkeyPatch, owner: Any, name: str, act: Callable[[], Awaitable[Any]]) -> None:
    """Let `act` happen after the first call of a function."""
    called, acted = getattr(owner, name), []

    async def call(*args: Any) -> Any:
        result = await called(*args)
        if not acted:
            acted.append(True)
            await act()
        return result

    monkeypatch.setattr(owner, name, call)


def test_what_expires_while_it_is_released_is_released_once(database_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    async def main() -> None:
        async with service(database_url, "warehouse") as context:
            stock, storage = Inventory(context), context.storage
            await stock.open()
            goods, purchase_id = dict.fromkeys((new_id(), new_id()), 2), new_id()
            for product_id in goods:
                await stock.receive(MAIN, product_id, 5, str(product_id))
            first = min(goods)
            for product_id, seconds in ((first, -1), (max(goods), 60)):
                expires_at = storage.now() + timedelta(seconds=seconds)
                request = ReservationRequest(
                    purchase_id=purchase_id, warehouse=MAIN, goods={product_id: 2}, expires_at=expires_at
                )
                assert await stock.reserve(request)
            once_after(monkeypatch, inventory, "_reservation", stock.expire_due)
            async with storage.transaction() as transaction:
                await stock.release(transaction, Allocation(purchase_id, MAIN, goods))
            for product_id in goods:
                assert (await stock.stock(MAIN, product_id)).free == 5
            states = {one.state async for one in storage.reservations.stream(account_of(MAIN))}
            assert states == {"EXPIRED", "VOIDED"}

    asyncio.run(main())


def test_what_another_refund_takes_meanwhile_is_not_refunded_twice(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def main() -> None:
        async with service(database_url, "payments") as context:
            payments, storage, now = PaymentRepository(context), context.storage, context.storage.now()
            await payments.open()
            payment = Payment(
                id=new_id(),
                customer_id=UUID(int=1),
                amount=Decimal("12.50"),
                currency="USD",
                state=PaymentState.CAPTURING,
                created_at=now,
                updated_at=now,
            )
            async with storage.transaction() as transaction:
                await payments.open_payments(transaction, [payment])
            await payments.captured(payment.id, True)

            async def refund_some() -> None:
                await payments.refund(payment.id, Decimal("5.00"), "some")

            fields = {"topic": "orders", "key": str(payment.id), "type": "order.refunding", "payload": {}}
            event = Event(**fields, seq=4, occurred_at=now, recorded_at=now)
            async with storage.transaction() as transaction:
                once_after(monkeypatch, type(transaction.balances), "get", refund_some)
                await payments.refund_rest(transaction, event)
            refunds = {one.idempotency_key: one.amount for one in await payments.refunds(payment.id)}
            assert refunds == {"some": Decimal("5.00"), f"{repository.REST} 4": Decimal("7.50")}
            balance = await storage.balances.get(TILL, str(payment.id))
            assert (balance.free, balance.locked) == (0, Decimal("12.50"))

    asyncio.run(main())
