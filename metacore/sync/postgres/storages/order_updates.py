# Made from metacore/postgres/storages/order_updates.py by `python tools/generate_sync.py`. Do not edit.
"""Order updates in PostgreSQL."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import final
from uuid import UUID

from metacore.domain.trading.order_updates import NewOrderUpdate, OrderUpdate
from metacore.domain.trading.orders import OrderKey
from metacore.errors import NotFoundError
from metacore.postgres.client.codecs import ORDER_UPDATE, to_array, to_text
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
        given = list(updates)
        if not given:
            self._session.check()
            return ()
        keys = sorted({(update.user_id, update.order_id) for update in given})
        wanted = {"user_id": to_array([key[0] for key in keys]), "id": to_array([key[1] for key in keys])}
        now = self._session.now()
        stored, appended = self._session.pipeline(
            "order_updates.append_many", [(CHECK_ORDERS, wanted), (statements.APPEND_IF_KNOWN, values_of(given, now))]
        )
        if missing := set(keys) - {(row[0], row[1]) for row in stored}:
            raise NotFoundError("order", min(missing))
        seqs: defaultdict[OrderKey, list[int]] = defaultdict(list)
        for user_id, order_id, seq in sorted(appended, reverse=True):
            seqs[user_id, order_id].append(seq)
        return tuple(OrderUpdate.recorded(new, seqs[new.user_id, new.order_id].pop(), now) for new in given)


def values_of(updates: Sequence[NewOrderUpdate], now: datetime) -> dict[str, str | None]:
    """The parameters that append `updates`."""
    counts: Counter[OrderKey] = Counter()
    positions: dict[OrderKey, int] = {}
    numbers = []
    for update in updates:
        key = (update.user_id, update.order_id)
        counts[key] += 1
        numbers.append((positions.setdefault(key, len(positions) + 1), counts[key]))
    orders = {"owner_ids": to_array(key[0] for key in counts), "order_ids": to_array(key[1] for key in counts)}
    values = ORDER_UPDATE.encode_all(updates, statements.GIVEN)
    ranks = {
        "position": to_array([position for position, _ in numbers]),
        "rank": to_array([rank for _, rank in numbers]),
    }
    return {**values, **orders, **ranks, "recorded_at": to_text(now)}
