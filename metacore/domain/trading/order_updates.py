"""Order updates: the history of an order, one row for each thing that was told of it."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Any, Self
from uuid import UUID

from metacore.domain.trading.orders import Order, OrderStatus
from metacore.domain.values.amounts import NonNegativeAmount
from metacore.domain.values.frozen import FrozenJson
from metacore.domain.values.model import Model, unchecked, unchecked_maker
from metacore.domain.values.text import Text
from metacore.domain.values.times import Time


class UpdateSource(StrEnum):
    """Who told it: this service, an answer of the exchange, its stream, or a reconciliation."""

    LOCAL = "LOCAL"
    REST = "REST"
    WEBSOCKET = "WEBSOCKET"
    RECONCILE = "RECONCILE"


class UpdateOutcome(StrEnum):
    """What became of it: it moved the order, or it was older than what is stored and changed nothing."""

    APPLIED = "APPLIED"
    STALE = "STALE"


class NewOrderUpdate(Model):
    """An update to be appended; `seq` is given by the storage. The quantities are the exchange's cumulative ones."""

    user_id: UUID
    order_id: UUID
    previous_status: OrderStatus | None = None
    status: OrderStatus
    executed_quantity: NonNegativeAmount
    executed_quote_quantity: NonNegativeAmount
    outcome: UpdateOutcome = UpdateOutcome.APPLIED
    reason: Text | None = None
    source: UpdateSource = UpdateSource.LOCAL
    occurred_at: Time
    raw: FrozenJson | None = None

    @classmethod
    def of(
        cls,
        order: Order,
        previous_status: OrderStatus | None,
        *,
        source: UpdateSource,
        occurred_at: datetime,
        reason: str | None = None,
        raw: FrozenJson | None = None,
    ) -> NewOrderUpdate:
        """The update that brought `order` from `previous_status` to what it is now."""
        return _new_update(
            {
                "user_id": order.user_id,
                "order_id": order.id,
                "previous_status": previous_status,
                "status": order.status,
                "executed_quantity": order.executed_quantity,
                "executed_quote_quantity": order.executed_quote_quantity,
                "outcome": UpdateOutcome.APPLIED,
                "reason": reason,
                "source": source,
                "occurred_at": occurred_at,
                "raw": raw,
            }
        )

    def content(self) -> tuple[Any, ...]:
        """What it keeps of its message, by which two are equal: neither how the order stood, nor the bytes."""
        return tuple(getattr(self, name) for name in _CONTENT)


_new_update = unchecked_maker(NewOrderUpdate, NewOrderUpdate.model_fields)

_CONTENT = (
    "order_id",
    "status",
    "executed_quantity",
    "executed_quote_quantity",
    "outcome",
    "reason",
    "source",
    "occurred_at",
)


class OrderUpdate(NewOrderUpdate):
    """A stored update: `seq` counts 1, 2, 3... for each order, without gaps."""

    seq: int
    recorded_at: Time

    @classmethod
    def recorded(cls, new: NewOrderUpdate, seq: int, now: datetime) -> Self:
        """The update that `new` becomes when it is stored at `now` as number `seq`."""
        return unchecked(cls, {**new.__dict__, "seq": seq, "recorded_at": now})
