"""Orders in PostgreSQL."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any, final
from uuid import UUID

from metacore.backends.listing import Listing, parse_limit
from metacore.domain.trading.commands import by_user
from metacore.domain.trading.orders import NewOrder, Order, OrderFilter, OrderKey, OrderStatus
from metacore.domain.values.imports import ImportResult
from metacore.domain.values.pages import Page
from metacore.domain.values.text import require_text
from metacore.errors import NotFoundError
from metacore.postgres.client.codecs import ORDER, to_array, to_text
from metacore.postgres.client.named_calls import NamedCalls
from metacore.postgres.client.session import Session
from metacore.postgres.client.statement import Statement
from metacore.postgres.statements import orders as statements
from metacore.postgres.storages.imports import import_rows
from metacore.postgres.storages.turns import queued
from metacore.storage.orders import OrderStorage


@final
class PostgresOrderStorage(OrderStorage):
    """`metacore.storage.orders.OrderStorage` over PostgreSQL."""

    def __init__(self, session: Session) -> None:
        self._session = session

    async def create(self, new: NewOrder) -> Order:
        order = Order.created(new, self._session.now())
        values = ORDER.encode(order)
        calls = queued(self._session, order.user_id, statements.CREATE, statements.QUEUE_AND_CREATE, values)
        *_, created = await self._session.pipeline("orders.create", calls, order)
        if not created:
            raise NotFoundError("user", order.user_id)
        return order

    async def create_many(self, orders: Iterable[NewOrder]) -> ImportResult:
        now = self._session.now()
        rows = (Order.created(new, now) for new in orders)
        return await import_rows(self._session, statements.IMPORT, rows)

    async def get(self, user_id: UUID, order_id: UUID) -> Order:
        return await self._get(statements.GET, user_id, "id", order_id)

    async def get_by_client_order_id(self, user_id: UUID, client_order_id: str) -> Order:
        require_text(client_order_id=client_order_id)
        return await self._get(statements.GET_BY_CLIENT_ORDER_ID, user_id, "client_order_id", client_order_id)

    async def get_by_exchange_order_id(self, user_id: UUID, exchange_order_id: str) -> Order:
        require_text(exchange_order_id=exchange_order_id)
        return await self._get(statements.GET_BY_EXCHANGE_ORDER_ID, user_id, "exchange_order_id", exchange_order_id)

    async def get_many(self, keys: Iterable[OrderKey], for_update: bool = False) -> Sequence[Order]:
        statement, calls = statements.LOCK_MANY if for_update else statements.GET_MANY, NamedCalls()
        for user_id, ids in by_user(sorted(set(keys))).items():
            calls.add("orders", user_id, statement, {"id": to_array(ids)})
        if not calls.calls:
            self._session.check()
            return ()
        results = await self._session.pipeline(statement.name, calls.calls)
        return ORDER.decode_all(row for rows in results for row in rows)

    async def list(
        self, user_id: UUID, filter: OrderFilter = OrderFilter(), after: str | None = None, limit: int = 100
    ) -> Page[Order]:
        listing = Listing("orders.list", (user_id, filter))
        conditions = {name: value for name, value in filter.__dict__.items() if value is not None}
        values: dict[str, Any] = {name: to_text(value) for name, value in conditions.items()}
        closed = [status for status in filter.statuses if not status.is_open]
        still_open = [status for status in filter.statuses if status.is_open]
        values |= {f"closed_{number}": status.value for number, status in enumerate(closed)}
        values |= {"open": to_array(still_open), "closed": to_array(closed)}
        values |= {"user_id": str(user_id), "limit": parse_limit(limit) + 1}
        if (start := listing.position(after)) is not None:
            values |= {"created_at": to_text(start[0]), "id": to_text(start[1])}
        statement = statements.page(tuple(sorted(conditions)), bool(still_open), len(closed), start is not None)
        rows = await self._session.fetch(statement, values)
        return listing.page(ORDER.decode_all(rows), limit, lambda order: (order.created_at, order.id))

    async def list_open(self, user_id: UUID, symbol: str | None = None) -> Sequence[Order]:
        require_text(symbol=symbol)
        values = {"user_id": str(user_id), "symbol": symbol}
        return ORDER.decode_all(await self._session.fetch(statements.list_open(symbol is not None), values))

    async def in_status(self, status: OrderStatus, after: str | None = None, limit: int = 100) -> Page[Order]:
        listing = Listing("orders.in_status", (status,), (UUID, datetime, UUID))
        values: dict[str, Any] = {"status": status.value, "limit": parse_limit(limit) + 1}
        if (start := listing.position(after)) is not None:
            values |= {name: to_text(part) for name, part in zip(("user_id", "created_at", "id"), start, strict=True)}
        rows = await self._session.fetch(statements.in_status(status.is_open, start is not None), values)
        return listing.page(ORDER.decode_all(rows), limit, Order.place)

    async def delete(self, user_id: UUID, order_id: UUID) -> None:
        values = {"user_id": str(user_id), "id": str(order_id)}
        self._session.forget()
        if not await self._session.fetch(statements.DELETE, values):
            order = await self._get(statements.GET, user_id, "id", order_id)
            raise order.hold_conflict()

    async def _get(self, statement: Statement, user_id: UUID, field: str, value: UUID | str) -> Order:
        rows = await self._session.fetch(statement, {"user_id": user_id, field: value})
        if not rows:
            raise NotFoundError("order", (user_id, value))
        return ORDER.decode(rows[0])
