"""What the contestants work on: users with funds and open orders, orders to list, and plain values of new rows."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from functools import cached_property
from typing import Any, NamedTuple
from uuid import UUID

import metacore
from metacore.sync import NewOrder, NewUser, OrderRecord, Storage, TradingService
from metacore.testing.factories import OrderRecordFactory

from .size import Size

_numbers = itertools.count()
FEE = "MX"
"""The third asset, in which commissions are paid."""


class Account(NamedTuple):
    """A user with funds, and orders that take any number of fills."""

    user_id: UUID
    order_ids: tuple[UUID, ...]


class Listing(NamedTuple):
    """A user with orders to list, the cursor of the last page, and the place behind which that begins."""

    user_id: UUID
    cursor: str | None
    place: tuple[datetime, UUID]


class Fill(NamedTuple):
    """What an exchange tells of a trade."""

    user_id: UUID
    order_id: UUID
    exchange_trade_id: str
    traded_at: datetime


PRICE, QUANTITY, COMMISSION = Decimal("1.5"), Decimal("0.25"), Decimal("0.001")
SYMBOL, BASE, QUOTE = "BTCUSDT", "BTC", "USDT"


@dataclass
class Stage:
    """Makes what is worked on, by way of Metacore, before anything is measured."""

    storage: Storage
    size: Size

    def account(self, orders: int = 1) -> Account:
        user_id = self.storage.users.create(NewUser()).id
        trading = TradingService(self.storage)
        for asset in (QUOTE, FEE):
            trading.deposit(user_id, asset, Decimal(10**15), reference=f"opening {asset}")
        placed = trading.place_orders(NewOrder(**new_order(user_id)) for _ in range(orders))
        return Account(user_id, tuple(order.id for order in placed))

    @cached_property
    def listing(self) -> Listing:
        """What is listed; made when it is first asked for."""
        user_id = self.storage.users.create(NewUser()).id
        self.storage.orders.create_many(NewOrder(**new_order(user_id)) for _ in range(self.size.listed))
        with self.storage.transaction() as tx:
            # Metacore's own index serves its own statements alone.
            tx.connection.execute("CREATE INDEX ON metacore.orders (user_id, created_at DESC, id DESC)")
            tx.connection.execute("ANALYZE metacore.orders")
        cursor, place = None, (datetime.max.replace(tzinfo=UTC), user_id)
        for _ in range(self.size.last_page - 1):
            page = self.storage.orders.list(user_id, after=cursor, limit=self.size.page)
            cursor, place = page.next, (page.items[-1].created_at, page.items[-1].id)
        return Listing(user_id, cursor, place)

    @cached_property
    def _record(self) -> dict[str, Any]:
        return OrderRecordFactory.build(count=3).to_json()

    def record(self) -> dict[str, Any]:
        """The JSON of a new order record with three items."""
        return {**self._record, "order_uid": unique()}

    @cached_property
    def stored_record(self) -> str:
        """The key of an order record that is stored."""
        record = OrderRecord(**self.record())
        self.storage.order_records.save(record)
        return record.order_uid


def unique() -> str:
    """A text that nobody was given before."""
    return f"{next(_numbers)}-{metacore.new_id()}"


def new_order(user_id: UUID) -> dict[str, Any]:
    return {
        "user_id": user_id,
        "symbol": SYMBOL,
        "base_asset": BASE,
        "quote_asset": QUOTE,
        "side": "BUY",
        "type": "LIMIT",
        "price": PRICE,
        "quantity": Decimal(10**6),
        "client_order_id": unique(),
    }


def fill(account: Account, number: int) -> Fill:
    """A fill of one of the orders of `account`, in turn."""
    order_id = account.order_ids[number % len(account.order_ids)]
    return Fill(account.user_id, order_id, unique(), datetime.now(UTC))


def reservation(user_id: UUID) -> dict[str, Any]:
    return {"user_id": user_id, "asset": QUOTE, "amount": PRICE, "reference": unique()}


def new_trades(user_id: UUID, count: int) -> Iterator[dict[str, Any]]:
    start, order_id = datetime(2026, 1, 1, tzinfo=UTC), metacore.new_id()
    for number in range(count):
        yield {
            "user_id": user_id,
            "order_id": order_id,
            "exchange_trade_id": unique(),
            "symbol": SYMBOL,
            "side": "BUY",
            "price": PRICE,
            "quantity": QUANTITY,
            "commission": COMMISSION,
            "commission_asset": FEE,
            "traded_at": start + timedelta(seconds=number),
        }
