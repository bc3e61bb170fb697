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
from marketplace.payments.payment import Payment, PaymentState, RefundState
from marketplace.payments.refunds import RefundRepository
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


@asynccontextmanager
async def refunding(url: str) -> AsyncIterator[Any]:
    """The refunds of one payment of 12.50 that was captured."""
    async with service(url, "payments") as context:
        payments, now = PaymentRepository(context), context.storage.now()
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
        async with context.storage.transaction() as transaction:
            await payments.open_payments(transaction, [payment])
        await payments.captured(payment.id, True)
        refunds = RefundRepository(context, payments)

        async def cancel(seq: int = 4) -> None:
            fields = {"topic": "orders", "key": str(payment.id), "type": "order.refunding", "payload": {}}
            event = Event(**fields, seq=seq, occurred_at=now, recorded_at=now)
            async with context.storage.transaction() as transaction:
                await refunds.refund_whole(transaction, event)

        async def amounts(state: RefundState) -> list[Decimal]:
            return sorted(one.amount for one in await refunds.of(payment.id) if one.state is state)

        async def settle(amount: str, is_paid: bool) -> None:
            (of,) = [
                one
                for one in await refunds.of(payment.id)
                if one.amount == Decimal(amount) and one.state is RefundState.PENDING
            ]
            await refunds.settle(of.id, is_paid)

        async def published() -> list[str]:
            page = await context.storage.outbox.read("payments", str(payment.id), 0)
            return [event.type for event in page.items if event.type != "payment.captured"]

        async def balance() -> tuple[Decimal, Decimal]:
            of = await context.storage.balances.get(TILL, str(payment.id))
            return of.free, of.locked

        yield SimpleNamespace(
            storage=context.storage,
            id=payment.id,
            refund=refunds.refund,
            cancel=cancel,
            amounts=amounts,
            settle=settle,
            published=published,
            balance=balance,
        )


def test_what_another_refund_takes_meanwhile_is_not_refunded_twice(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def main() -> None:
        async with refunding(database_url) as payment:

            async def refund_some() -> None:
                await payment.refund(payment.id, Decimal("5.00"), "some")

            async with payment.storage.transaction() as transaction:
                once_after(monkeypatch, type(transaction.balances), "get", refund_some)
            await payment.cancel()
            assert await payment.amounts(RefundState.PENDING) == [Decimal("5.00"), Decimal("7.50")]
            assert await payment.balance() == (0, Decimal("12.50"))

    asyncio.run(main())


def test_what_the_bank_refuses_of_another_refund_goes_back_with_the_rest(database_url: str) -> None:
    async def main() -> None:
        async with refunding(database_url) as payment:
            await payment.refund(payment.id, Decimal("5.00"), "some")
            await payment.cancel()
            await payment.settle("7.50", True)
            assert await payment.published() == []
            await payment.settle("5.00", False)
            assert await payment.amounts(RefundState.PENDING) == [Decimal("5.00")]
            await payment.settle("5.00", True)
            assert await payment.published() == ["payment.refunded"]
            assert await payment.amounts(RefundState.DONE) == [Decimal("5.00"), Decimal("7.50")]
            assert await payment.balance() == (0, 0)

    asyncio.run(main())


def test_a_purchase_is_refunded_once_another_refund_is_paid(database_url: str) -> None:
    async def main() -> None:
        async with refunding(database_url) as payment:
            await payment.refund(payment.id, Decimal("12.50"), "all")
            await payment.cancel()
            assert await payment.published() == []
            await payment.settle("12.50", True)
            assert await payment.published() == ["payment.refunded"]

    asyncio.run(main())


def test_a_rest_that_the_bank_refuses_is_told_once_and_may_be_asked_for_again(database_url: str) -> None:
    async def main() -> None:
        async with refunding(database_url) as payment:
            await payment.refund(payment.id, Decimal("5.00"), "some")
            await payment.cancel()
            await payment.settle("7.50", False)
            await payment.settle("5.00", False)
            assert await payment.published() == ["payment.refund_refused"]
            assert await payment.balance() == (Decimal("12.50"), 0)
            await payment.cancel(6)
            await payment.settle("12.50", True)
            assert await payment.published() == ["payment.refund_refused", "payment.refunded"]

    asyncio.run(main())


def test_the_last_of_two_rests_decides_what_becomes_of_a_cancelled_purchase(database_url: str) -> None:
    async def main() -> None:
        async with refunding(database_url) as payment:
            await payment.refund(payment.id, Decimal("5.00"), "some")
            await payment.cancel()
            await payment.settle("5.00", False)
            assert await payment.amounts(RefundState.PENDING) == [Decimal("5.00"), Decimal("7.50")]
            await payment.settle("5.00", False)
            assert await payment.published() == []
            await payment.settle("7.50", True)
            assert await payment.amounts(RefundState.PENDING) == [Decimal("5.00")]
            await payment.settle("5.00", True)
            assert await payment.published() == ["payment.refunded"]
            assert await payment.balance() == (0, 0)

    asyncio.run(main())
