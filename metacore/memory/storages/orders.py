"""Orders in memory."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import final
from uuid import UUID

from metacore.backends.listing import Listing
from metacore.backends.tally import Tally
from metacore.domain.trading.orders import NewOrder, Order, OrderFilter, OrderKey, OrderStatus
from metacore.domain.values.imports import ImportResult
from metacore.domain.values.pages import Page
from metacore.domain.values.text import require_text
from metacore.errors import AlreadyExistsError, NotFoundError
from metacore.memory.paging import PageRequest
from metacore.memory.schema import Views
from metacore.memory.storages.session import Session
from metacore.storage.orders import OrderStorage


@final
class MemoryOrderStorage(OrderStorage):
    """`metacore.storage.orders.OrderStorage` over dictionaries."""

    def __init__(self, session: Session) -> None:
        self._session = session

    async def create(self, new: NewOrder) -> Order:
        order = Order.created(new, self._session.now())
        async with self._session.write() as tables:
            insert_order(tables, order)
        return order

    async def create_many(self, orders: Iterable[NewOrder]) -> ImportResult:
        tally, now = Tally("orders"), self._session.now()
        created, skipped = list(orders), list[NewOrder]()
        async with self._session.write() as tables:
            for new in created:
                if tables.users.get((new.user_id,)) is None:
                    tally.strangers.add(new.user_id)
                elif _twins(tables, new):
                    skipped.append(new)
                else:
                    put_order(tables, Order.created(new, now))
                    tally.inserted += 1
            for new in skipped:
                if all(twin.is_same_as(new) for twin in _twins(tables, new)):
                    tally.duplicates += 1
                else:
                    tally.conflicts.add(str(new.id))
            return tally.result()

    async def get(self, user_id: UUID, order_id: UUID) -> Order:
        with self._session.read() as tables:
            return _get(tables, (user_id, order_id))

    async def get_by_client_order_id(self, user_id: UUID, client_order_id: str) -> Order:
        require_text(client_order_id=client_order_id)
        return self._find("client_order_id", user_id, client_order_id)

    async def get_by_exchange_order_id(self, user_id: UUID, exchange_order_id: str) -> Order:
        require_text(exchange_order_id=exchange_order_id)
        return self._find("exchange_order_id", user_id, exchange_order_id)

    async def get_many(self, keys: Iterable[OrderKey], for_update: bool = False) -> Sequence[Order]:
        named = sorted(set(keys))
        if for_update:
            async with self._session.write() as tables:
                return _get_many(tables, named)
        with self._session.read() as tables:
            return _get_many(tables, named)

    async def list(
        self, user_id: UUID, filter: OrderFilter = OrderFilter(), after: str | None = None, limit: int = 100
    ) -> Page[Order]:
        page = PageRequest(Listing("orders.list", (user_id, filter)), after, limit)
        with self._session.read() as tables:
            rows = [order for order in tables.orders.group(user_id) if filter.matches(order)]
            return page.of(rows, _newest)

    async def list_open(self, user_id: UUID, symbol: str | None = None) -> Sequence[Order]:
        require_text(symbol=symbol)
        with self._session.read() as tables:
            rows = tables.orders.select("open", user_id)
        return tuple(order for order in reversed(rows) if symbol is None or order.symbol == symbol)

    async def in_status(self, status: OrderStatus, after: str | None = None, limit: int = 100) -> Page[Order]:
        page = PageRequest(Listing("orders.in_status", (status,), (UUID, datetime, UUID)), after, limit)
        with self._session.read() as tables:
            rows = [order for order in tables.orders.all() if order.status is status]
            return page.of(rows, Order.place, _by_user)

    async def delete(self, user_id: UUID, order_id: UUID) -> None:
        async with self._session.write() as tables:
            order = _get(tables, (user_id, order_id))
            if order.held_amount:
                raise order.hold_conflict()
            tables.order_updates.delete(tables.order_updates.select("order", order.key))
            tables.orders.delete([order])

    def _find(self, field: str, user_id: UUID, value: str) -> Order:
        with self._session.read() as tables:
            order = tables.orders.find(field, (user_id, value))
            if order is None:
                raise NotFoundError("order", (user_id, value))
        return order


def insert_order(tables: Views, order: Order) -> None:
    """Insert `order`, whose user must exist and whose unique fields must be free."""
    if tables.users.get((order.user_id,)) is None:
        raise NotFoundError("user", order.user_id)
    if (field := tables.orders.add(order)) is not None:
        raise AlreadyExistsError("order", field, getattr(order, field))


def put_order(tables: Views, order: Order) -> None:
    """Store `order` in place of the one with its key; its unique fields must be free."""
    if (field := tables.orders.put(order)) is not None:
        raise AlreadyExistsError("order", field, getattr(order, field))


def _get(tables: Views, key: OrderKey) -> Order:
    order = tables.orders.get(key)
    if order is None:
        raise NotFoundError("order", key)
    return order


def _get_many(tables: Views, keys: Iterable[OrderKey]) -> Sequence[Order]:
    return tuple(order for key in keys if (order := tables.orders.get(key)) is not None)


def _twins(tables: Views, new: NewOrder) -> list[Order]:
    found = [tables.orders.get((new.user_id, new.id))]
    if new.client_order_id is not None:
        found.append(tables.orders.find("client_order_id", (new.user_id, new.client_order_id)))
    if new.exchange_order_id is not None:
        found.append(tables.orders.find("exchange_order_id", (new.user_id, new.exchange_order_id)))
    return list({order.id: order for order in found if order is not None}.values())


_END = datetime.max.replace(tzinfo=UTC)


def _by_user(place: tuple[UUID, datetime, UUID]) -> tuple[object, ...]:
    """What puts orders in the order of their users, those of each user newest first."""
    user_id, created_at, order_id = place
    return user_id, _END - created_at, -order_id.int


def _newest(order: Order) -> tuple[object, ...]:
    return order.created_at, order.id
