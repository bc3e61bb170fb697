# Made from metacore/postgres/storages/order_updates.py by `python tools/generate_sync.py`. Do not edit.
"""Order updates in PostgreSQL."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from itertools import chain, count, repeat
from typing import final
from uuid import UUID

from metacore.domain.trading.commands import by_user
from metacore.domain.trading.order_updates import NewOrderUpdate, OrderUpdate
from metacore.domain.trading.orders import OrderKey
from metacore.errors import NotFoundError
from metacore.postgres.client.call import Call, Row
from metacore.postgres.client.codecs import ORDER_UPDATE, of_user, to_array, to_text
from metacore.postgres.statements import order_updates as statements
from metacore.postgres.statements.transactions import CHECK_ORDERS
from metacore.sync.postgres.client.session import Session
from metacore.sync.storage.order_updates import OrderUpdateStorage


@final
class PostgresOrderUpdateStorage(OrderUpdateStorage):
    """`metacore.sync.storage.order_updates.OrderUpdateStorage` over PostgreSQL."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def append(self, new: NewOrderUpdate) -> OrderUpdate:
        return self._append([new])[0]

    def append_many(self, updates: Iterable[NewOrderUpdate]) -> Sequence[OrderUpdate]:
        return self._append(updates)

    def list(self, user_id: UUID, order_id: UUID) -> Sequence[OrderUpdate]:
        values = {"user_id": str(user_id), "order_id": str(order_id)}
        return ORDER_UPDATE.decode_all(self._session.fetch(statements.LIST, values))

    def _append(self, updates: Iterable[NewOrderUpdate]) -> Sequence[OrderUpdate]:
        new_updates = list(updates)
        if not new_updates:
            self._session.check()
            return ()
        now, parts = self._session.now(), by_user((update.user_id, update) for update in new_updates)
        checks, appends = list[Call](), list[Call]()
        for user_id, part in parts.items():
            ids = to_array(sorted({update.order_id for update in part}))
            checks.append((CHECK_ORDERS, {"user_id": str(user_id), "id": ids}))
            appends.append((statements.APPEND_IF_KNOWN, values_of(user_id, part, now)))
        if len(parts) == 1:
            stored, appended = self._session.pipeline(_APPEND, [*checks, *appends])
            _require(new_updates, stored)
        else:
            with self._session.transaction() as tx:
                _require(new_updates, chain.from_iterable(tx.pipeline(_APPEND, checks)))
                appended = list(chain.from_iterable(tx.pipeline(_APPEND, appends)))
        seqs: defaultdict[OrderKey, list[int]] = defaultdict(list)
        for user_id, order_id, seq in sorted(appended, reverse=True):
            seqs[user_id, order_id].append(seq)
        return tuple(OrderUpdate.recorded(new, seqs[new.user_id, new.order_id].pop(), now) for new in new_updates)


_APPEND = "order_updates.append_many"


def _require(updates: Iterable[NewOrderUpdate], stored: Iterable[Row]) -> None:
    """NotFoundError for the first order of `updates` that is not among those `stored`."""
    if missing := {(row.user_id, row.order_id) for row in updates} - {(row[0], row[1]) for row in stored}:
        raise NotFoundError("order", min(missing))


def values_of(user_id: UUID, updates: Sequence[NewOrderUpdate], now: datetime) -> dict[str, str | None]:
    """The parameters that append `updates`, all of one user."""
    places: dict[UUID, Iterator[tuple[int, int]]] = {}
    numbers = []
    for update in updates:
        if (ranks := places.get(update.order_id)) is None:
            ranks = places[update.order_id] = zip(repeat(len(places) + 1), count(1), strict=False)
        numbers.append(next(ranks))
    return {
        **of_user(ORDER_UPDATE, user_id, updates, statements.APPENDED),
        "order_ids": to_array(places),
        "position": to_array([position for position, _ in numbers]),
        "rank": to_array([rank for _, rank in numbers]),
        "recorded_at": to_text(now),
    }
