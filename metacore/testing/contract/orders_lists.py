"""The contract of the lists of orders."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from uuid import UUID

from metacore.domain.people.users import User
from metacore.domain.trading.orders import (
    OPEN,
    Order,
    OrderFilter,
    OrderSide,
    OrderStatus,
)
from metacore.domain.values.pages import Page
from metacore.sync.storage.storage import Storage
from metacore.testing.cases import each_case
from metacore.testing.clock import START, ManualClock
from metacore.testing.contract.series import series
from metacore.testing.contract.storage_paging import PagedListContract
from metacore.testing.factories import NewOrderFactory, NewTradeFactory


def takes(condition: Any, value: object) -> bool:
    """Whether `value` is what a field of a filter told, or one of several."""
    return value == condition if isinstance(condition, str) else value in condition


class OrderListContract(PagedListContract):
    """Of `OrderStorage.list` and `list_open`."""

    def insert(self, storage: Storage, user: User, count: int) -> None:
        for _ in range(count):
            storage.orders.create(NewOrderFactory.build(user_id=user.id))

    def read(self, storage: Storage, user: User, after: Any = None, limit: Any = 100) -> Page[Any]:
        return storage.orders.list(user.id, after=after, limit=limit)

    def stream(self, storage: Storage, user: User) -> Iterator[Any]:
        return storage.orders.stream(user.id)

    def read_otherwise(self, storage: Storage, user: User, other: User) -> Iterator[Page[Any]]:
        yield storage.orders.list(other.id, limit=1)
        yield storage.orders.list(user.id, OrderFilter(side=OrderSide.BUY), limit=1)
        yield storage.orders.list(user.id, OrderFilter(since=START), limit=1)
        for order in storage.orders.list(user.id).items:
            storage.trades.create(NewTradeFactory.build(of=order))
        yield storage.trades.list(user.id, limit=1)
        yield storage.users.list(limit=1)

    def test_orders_come_newest_first(self, storage: Storage, clock: ManualClock, user: User, other: User) -> None:
        orders = []
        for seconds in (0, 1, 0, -5, 10):
            clock.advance(seconds=seconds)
            orders.append(storage.orders.create(NewOrderFactory.build(user_id=user.id)))
            storage.orders.create(NewOrderFactory.build(user_id=other.id))
        newest_first = tuple(sorted(orders, key=lambda order: (order.created_at, order.id), reverse=True))
        assert storage.orders.list(user.id).items == newest_first
        assert storage.orders.list_open(user.id) == newest_first

    def test_orders_of_the_same_time_come_by_id_descending(self, storage: Storage, user: User) -> None:
        ids = [UUID(int=n) for n in (5, 2**127, 1, 2**128 - 1, 2**64)]
        for order_id in ids:
            storage.orders.create(NewOrderFactory.build(user_id=user.id, id=order_id))
        assert [order.id for order in storage.orders.list(user.id).items] == sorted(ids, reverse=True)
        assert [order.id for order in storage.orders.list_open(user.id)] == sorted(ids, reverse=True)

    @each_case(
        "fields",
        [
            {"symbol": "ETHUSDT"},
            {"side": OrderSide.SELL},
            {"status": OrderStatus.FILLED},
            {"status": [OrderStatus.FILLED]},
            {"status": ("CANCELED", OrderStatus.NEW, "FILLED")},
            {"status": {OrderStatus.FILLED, OrderStatus.CANCELED}, "symbol": "ETHUSDT"},
            {"status": OPEN},
            {"symbol": "ETHUSDT", "side": OrderSide.SELL, "status": OrderStatus.FILLED},
        ],
    )
    def test_a_filter_takes_orders_that_match_all_its_fields(
        self, storage: Storage, user: User, fields: dict[str, Any]
    ) -> None:
        for symbol in ("BTCUSDT", "ETHUSDT", "ethusdt"):
            for side in OrderSide:
                for status in (OrderStatus.NEW, OrderStatus.FILLED, OrderStatus.CANCELED, OrderStatus.PENDING_CANCEL):
                    new = NewOrderFactory.build(user_id=user.id, symbol=symbol, side=side, status=status)
                    storage.orders.create(new)
        everything = storage.orders.list(user.id, limit=1000).items
        matching = [
            row for row in everything if all(takes(condition, getattr(row, name)) for name, condition in fields.items())
        ]
        assert 0 < len(matching) < len(everything)
        assert storage.orders.list(user.id, OrderFilter(**fields), limit=1000).items == tuple(matching)
        assert list(storage.orders.stream(user.id, OrderFilter(**fields))) == matching
        first = storage.orders.list(user.id, OrderFilter(**fields), limit=1)
        rest = (
            storage.orders.list(user.id, OrderFilter(**fields), after=first.next, limit=1000)
            if first.next
            else Page(())
        )
        assert [*first.items, *rest.items] == matching

    def test_since_is_inclusive_and_until_exclusive(self, storage: Storage, clock: ManualClock, user: User) -> None:
        orders = []
        for _ in range(3):
            orders.append(storage.orders.create(NewOrderFactory.build(user_id=user.id)))
            clock.advance(microseconds=1)
        first, second, third = orders

        def listed(**times: Any) -> tuple[Order, ...]:
            return storage.orders.list(user.id, OrderFilter(**times)).items

        assert listed(since=second.created_at) == (third, second)
        assert listed(until=second.created_at) == (first,)
        assert listed(since=second.created_at, until=third.created_at) == (second,)
        assert listed(since=third.created_at, until=first.created_at) == ()

    def test_list_open_is_every_order_that_is_open(self, storage: Storage, user: User, other: User) -> None:
        for status in OrderStatus:
            for symbol in ("BTCUSDT", "ETHUSDT"):
                storage.orders.create(NewOrderFactory.build(user_id=user.id, status=status, symbol=symbol))
        everything = storage.orders.list(user.id).items
        still_open = tuple(order for order in everything if order.is_open)
        assert storage.orders.list_open(user.id) == still_open
        assert storage.orders.list_open(user.id, "ETHUSDT") == tuple(
            order for order in still_open if order.symbol == "ETHUSDT"
        )
        assert storage.orders.list_open(user.id, "XRPUSDT") == ()
        assert storage.orders.list_open(other.id) == ()

    def test_list_open_has_no_limit(self, storage: Storage, user: User) -> None:
        storage.orders.create_many(
            series(NewOrderFactory.build(user_id=user.id), 1005, "client_order_id", "exchange_order_id")
        )
        assert len(storage.orders.list_open(user.id)) == 1005
