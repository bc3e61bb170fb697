"""The contract of the storage of order updates."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Protocol
from uuid import UUID

from metacore.domain.trading.order_updates import NewOrderUpdate, OrderUpdate


class OrderUpdateStorage(Protocol):
    """Stores the history of orders: append-only, `seq` counting 1, 2, 3... for each order without gaps."""

    async def append(self, new: NewOrderUpdate) -> OrderUpdate:
        """Append an update to its order and return it with the next `seq`; NotFoundError if the user has no such
        order.
        """
        ...

    async def append_many(self, updates: Iterable[NewOrderUpdate]) -> Sequence[OrderUpdate]:
        """Append all of `updates` and return them, in the given order; all or nothing.

        NotFoundError if one names an order that its user does not have.
        """
        ...

    async def list(self, user_id: UUID, order_id: UUID) -> Sequence[OrderUpdate]:
        """All updates of the order by `seq`; empty if there are none or the user has no such order."""
        ...
