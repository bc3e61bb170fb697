"""Batches: what the exchange says to many orders that were placed at once."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from metacore.domain.trading.order_updates import UpdateSource
from metacore.domain.trading.orders import OrderStatus
from metacore.domain.trading.reports import ExecutionReport
from metacore.errors import ExchangeError
from metacore.exchanges.fields import Fields
from metacore.exchanges.items import listed
from metacore.exchanges.mexc.answers import refuse_isolated
from metacore.exchanges.payloads import Payload, read_answer, refuse_error

_UNDECIDED = frozenset({"500", "503", "504", "20002"})
"""Codes of an exchange that does not know itself what became of an order."""


def batch_report(payload: Payload, *, user_id: UUID, occurred_at: datetime) -> ExecutionReport:
    """Of one item of the answer to POST /api/v3/batchOrders: what became of that order.

    - An order that the exchange took is NEW, named by its `orderId` and by the `newClientOrderId` it was placed with.
    - One that it refused, with a `code` and a `msg`, is REJECTED, and `msg` the reason. An item that does not name its
      order, or of which the exchange does not know what became (500, 503, 504, 20002), is an ExchangeError: query it.
    - The exchange tells no time here: `occurred_at` is the clock's.

    https://mexcdevelop.github.io/apidocs/spot_v3_en/#batch-orders
    """
    return batch_report_of(read_answer(payload), user_id=user_id, occurred_at=occurred_at)


@listed
def batch_reports(answer: Fields, *, user_id: UUID, occurred_at: datetime) -> ExecutionReport:
    """Of the answer to POST /api/v3/batchOrders: like `batch_report`, one by one."""
    return batch_report_of(answer, user_id=user_id, occurred_at=occurred_at)


def batch_report_of(answer: Fields, *, user_id: UUID, occurred_at: datetime | None) -> ExecutionReport:
    """The report that an item of a batch tells."""
    refuse_isolated(answer)
    client_order_id = answer.key_or_none("newClientOrderId", "clientOrderId")
    reason = None
    try:
        refuse_error(answer)
    except ExchangeError as error:
        if client_order_id is None or str(error.code) in _UNDECIDED:
            raise
        reason = f"{error.code}: {error.msg}" if error.msg else str(error.code)
    values = {
        "user_id": user_id,
        "exchange_order_id": answer.key("orderId") if reason is None else answer.key_or_none("orderId"),
        "client_order_id": client_order_id,
        "status": OrderStatus.NEW if reason is None else OrderStatus.REJECTED,
        "reason": reason,
        "source": UpdateSource.REST,
        "occurred_at": answer.time_or_default(occurred_at, "occurred_at", "transactTime"),
        "raw": answer.values,
    }
    return answer.build(ExecutionReport, values)
