"""Execution reports: what an exchange tells of an order, and what became of the telling."""

from __future__ import annotations

from enum import StrEnum
from typing import Self
from uuid import UUID

from pydantic import ConfigDict, model_validator

from metacore.domain.trading.order_ids import OrderIds
from metacore.domain.trading.order_updates import UpdateSource
from metacore.domain.trading.orders import NewOrder, Order, OrderStatus
from metacore.domain.values.amounts import NonNegativeAmount
from metacore.domain.values.frozen import FrozenJson
from metacore.domain.values.model import Model, across
from metacore.domain.values.text import Key, Text
from metacore.domain.values.times import Time
from metacore.errors import MetacoreError


class ExecutionReport(Model):
    """What the exchange (or this service) says of an order, named by at least one of its three ids.

    The quantities are cumulative; None means that the message does not tell them. `cancel_refused` lets an order
    whose cancel is pending go back. `order` describes an order found on the exchange, to be created if it is not
    stored yet.
    """

    user_id: UUID
    order_id: UUID | None = None
    exchange_order_id: Key | None = None
    client_order_id: Key | None = None
    status: OrderStatus
    executed_quantity: NonNegativeAmount | None = None
    executed_quote_quantity: NonNegativeAmount | None = None
    reason: Text | None = None
    source: UpdateSource = UpdateSource.REST
    occurred_at: Time
    cancel_refused: bool = False
    order: NewOrder | None = None
    raw: FrozenJson | None = None

    @property
    def order_ids(self) -> OrderIds:
        """The ids of the order that it tells itself."""
        return OrderIds(self.order_id, self.exchange_order_id, self.client_order_id)

    @model_validator(mode="after")
    def _names_an_order(self) -> Self:
        if self.order_id is None and self.exchange_order_id is None and self.client_order_id is None and not self.order:
            raise across(
                "a report names its order by order_id, exchange_order_id or client_order_id", *OrderIds._fields
            )
        if self.order is not None and self.order.user_id != self.user_id:
            raise across("order belongs to another user than the report", "order", "user_id")
        return self


class Outcome(StrEnum):
    """What became of a report, a trade, a transfer or an account snapshot."""

    APPLIED = "APPLIED"
    """It took effect: a report moved its order, a transfer its balance, a snapshot the account."""
    SETTLED = "SETTLED"
    """The trade's money moved."""
    COVERED = "COVERED"
    """The trade's money is part of an account snapshot already: recorded, its share of the hold released."""
    PENDING = "PENDING"
    """The trade is stored, its money waits: funds are missing."""
    DUPLICATE = "DUPLICATE"
    """Known already; nothing was written but what was still empty."""
    STALE = "STALE"
    """Older than what is stored; a report is noted once in the history, and fills in what was empty; a snapshot is not
    written at all.
    """
    UNKNOWN_ORDER = "UNKNOWN_ORDER"
    """No such order here: a report is not written, a trade is stored PENDING."""
    MISMATCH = "MISMATCH"
    """The trade's symbol or side is not its order's: it is stored PENDING, and does not count for the order."""
    CONFLICT = "CONFLICT"
    """The same key with other content, ids of two orders, or a transition that fits nowhere; nothing was written."""
    INVALID = "INVALID"
    """The item itself is wrong; nothing was written."""


class ReportResult(Model):
    """What `apply_report` did: the order as it stands after it, None if unknown; `error` for CONFLICT and INVALID."""

    model_config = ConfigDict(arbitrary_types_allowed=True)

    outcome: Outcome
    order: Order | None = None
    error: MetacoreError | None = None
