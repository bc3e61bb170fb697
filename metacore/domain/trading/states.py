"""The states of an order: one table of which may follow which, and what a report or a trade makes of an order."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from types import MappingProxyType
from typing import Any

from metacore.domain.trading.decisions import NOTHING_UNSETTLED, Unsettled
from metacore.domain.trading.order_updates import NewOrderUpdate, UpdateOutcome, UpdateSource
from metacore.domain.trading.orders import CLOSED, NewOrder, Order, OrderStatus
from metacore.domain.trading.reports import ExecutionReport, Outcome
from metacore.domain.values.amounts import LIMIT, WHOLE_DIGITS, ZERO, canonical, exact
from metacore.domain.values.model import revised
from metacore.errors import InvalidDataError, InvalidTransitionError, MetacoreError

PENDING_NEW, NEW, PARTIALLY_FILLED = OrderStatus.PENDING_NEW, OrderStatus.NEW, OrderStatus.PARTIALLY_FILLED
PENDING_CANCEL, FILLED, EXPIRED = OrderStatus.PENDING_CANCEL, OrderStatus.FILLED, OrderStatus.EXPIRED
CANCELED, PARTIALLY_CANCELED, REJECTED = OrderStatus.CANCELED, OrderStatus.PARTIALLY_CANCELED, OrderStatus.REJECTED

TRANSITIONS: Mapping[OrderStatus | None, frozenset[OrderStatus]] = MappingProxyType(
    {
        None: frozenset(OrderStatus),
        PENDING_NEW: CLOSED | {NEW, PARTIALLY_FILLED, PENDING_CANCEL},
        NEW: CLOSED | {PARTIALLY_FILLED, PENDING_CANCEL},
        PARTIALLY_FILLED: frozenset({PARTIALLY_FILLED, PENDING_CANCEL, FILLED, PARTIALLY_CANCELED, EXPIRED}),
        PENDING_CANCEL: CLOSED | {PENDING_CANCEL, NEW, PARTIALLY_FILLED},
        **dict.fromkeys(CLOSED, frozenset({PARTIALLY_CANCELED, FILLED})),
    }
)
"""From a status (None: no order yet) to those that may follow it.

A status follows itself, and a closed one follows a closed one, only by more executed than is stored; PENDING_CANCEL
goes back to NEW or PARTIALLY_FILLED only by a report that says `cancel_refused`.
"""

RANK: Mapping[OrderStatus, int] = MappingProxyType(
    {PENDING_NEW: 0, NEW: 1, PARTIALLY_FILLED: 2, PENDING_CANCEL: 3, **dict.fromkeys(CLOSED, 4)}
)
"""How far an order has come; at the same executed quantity a lower rank is an older message."""


@dataclass(frozen=True, slots=True)
class OrderDecision:
    """What a report makes of an order.

    `order` as it stands after it, the `update` to append, the `error` that refuses it.
    """

    outcome: Outcome
    order: Order | None = None
    update: NewOrderUpdate | None = None
    error: MetacoreError | None = None


def decide_report(
    order: Order | None, report: ExecutionReport, now: datetime, unsettled: Unsettled = NOTHING_UNSETTLED
) -> OrderDecision:
    """What `report` makes of `order`, which it names; of None, if no stored order has that name.

    `unsettled` are the sums over the order's stored trades that are not SETTLED. The hold is left as it is. A FILLED
    order of a known quantity has executed all of it where the report does not tell how much. A DUPLICATE or STALE one
    fills in what was None; a STALE one comes with its update, which the history may have already. More executed than is
    stored always counts: told with a status that the order cannot take, it makes an open order PARTIALLY_FILLED
    (PENDING_CANCEL if it is that), and a closed one what a trade would. A closing status that an open order cannot
    take closes it as PARTIALLY_CANCELED.
    """
    with exact():
        if order is None:
            return _created(report, now, unsettled)
        reported = _reported_quantity(report, order)
        most = max(reported, order.executed_quantity, order.settled_quantity + unsettled.quantity)
        quote = max(
            report.executed_quote_quantity or ZERO,
            order.executed_quote_quantity,
            order.settled_quote_quantity + unsettled.quote_quantity,
        )
        if error := too_much(most, quote, "executed_quantity"):
            return OrderDecision(Outcome.INVALID, order, error=error)
        try:
            outcome, status = _verdict(order, report, reported, most)
        except InvalidTransitionError as refusal:
            return OrderDecision(Outcome.CONFLICT, order, error=refusal)
        is_of_now = reported == order.executed_quantity
        if outcome is Outcome.DUPLICATE:
            return OrderDecision(outcome, _filled_in(order, report, is_of_now, now))
        if outcome is Outcome.STALE:
            update = revised(
                _update(order, order.status, report),
                outcome=UpdateOutcome.STALE,
                status=report.status,
                executed_quantity=reported,
                executed_quote_quantity=report.executed_quote_quantity or ZERO,
            )
            return OrderDecision(outcome, _filled_in(order, report, is_of_now, now), update)
        values = {"status": status, "executed_quantity": canonical(most), "executed_quote_quantity": canonical(quote)}
        moved = revised(order, **values, **_reported_fields(order, report), version=order.version + 1, updated_at=now)
        return OrderDecision(outcome, moved, _update(moved, order.status, report))


def too_much(executed: Decimal, quote: Decimal, field: str) -> InvalidDataError | None:
    """The error, naming `field`, that refuses what would make an order execute more than can be stored; or None."""
    if executed < LIMIT and quote < LIMIT:
        return None
    message = (
        f"the order would have executed more than {WHOLE_DIGITS} digits can tell; compare its trades with the exchange"
    )
    return InvalidDataError(message, field=field)


def status_after_trade(order: Order, executed: Decimal) -> OrderStatus:
    """The status of `order` once trades bring its executed quantity to `executed`, which is no less than before.

    A trade fills a MARKET order sized by quote never; a FILLED order stays FILLED.
    """
    reached = order.quantity is not None and executed >= order.quantity and not order.is_sized_by_quote
    if order.status in CLOSED:
        if executed <= order.executed_quantity or order.status is FILLED:
            return order.status
        return FILLED if reached else PARTIALLY_CANCELED
    if reached:
        return FILLED
    return PENDING_CANCEL if order.status is PENDING_CANCEL else PARTIALLY_FILLED


def _verdict(order: Order, report: ExecutionReport, reported: Decimal, most: Decimal) -> tuple[Outcome, OrderStatus]:
    before, follows, stored = order.status, TRANSITIONS[order.status], order.executed_quantity
    status = _closing_status(report.status, most)
    if before.is_open and not status.is_open:
        return Outcome.APPLIED, status if status in follows else PARTIALLY_CANCELED
    if reported < stored:
        return Outcome.STALE, status
    if before is PENDING_CANCEL and report.cancel_refused and status in (NEW, PARTIALLY_FILLED):
        return Outcome.APPLIED, PARTIALLY_FILLED if most else status
    if reported > stored:
        if status in follows and (RANK[status] >= RANK[before] or not before.is_open):
            return Outcome.APPLIED, status
        if before.is_open:
            return Outcome.APPLIED, PENDING_CANCEL if before is PENDING_CANCEL else PARTIALLY_FILLED
        return Outcome.APPLIED, status_after_trade(order, reported)
    if before in (status, report.status):
        return Outcome.DUPLICATE, status
    if RANK[status] < RANK[before]:
        return Outcome.STALE, status
    if before.is_open and status in follows:
        return Outcome.APPLIED, status
    hint = "it is closed already; compare it with the exchange"
    raise InvalidTransitionError(before, status, order_id=order.id, hint=hint)


def _closing_status(status: OrderStatus, executed: Decimal) -> OrderStatus:
    return PARTIALLY_CANCELED if status in (CANCELED, REJECTED) and executed else status


def _reported_quantity(report: ExecutionReport, order: NewOrder) -> Decimal:
    stored, quantity = order.executed_quantity, order.quantity
    if report.executed_quantity is not None:
        return report.executed_quantity
    if report.status is FILLED and quantity is not None and not order.is_sized_by_quote:
        return max(quantity, stored)
    return stored


def _created(report: ExecutionReport, now: datetime, unsettled: Unsettled) -> OrderDecision:
    new = report.order
    if new is None:
        return OrderDecision(Outcome.UNKNOWN_ORDER)
    reported = _reported_quantity(report, new)
    executed = max(reported, new.executed_quantity, unsettled.quantity)
    quote = max(report.executed_quote_quantity or ZERO, new.executed_quote_quantity, unsettled.quote_quantity)
    if error := too_much(executed, quote, "executed_quantity"):
        return OrderDecision(Outcome.INVALID, error=error)
    values = {
        "status": _closing_status(report.status, executed),
        "executed_quantity": canonical(executed),
        "executed_quote_quantity": canonical(quote),
    }
    order = Order.created(new, now)
    order = revised(order, **values, **_reported_fields(order, report))
    return OrderDecision(Outcome.APPLIED, order, _update(order, None, report))


def _reported_fields(order: Order, report: ExecutionReport) -> dict[str, Any]:
    fields: dict[str, Any] = {
        "exchange_order_id": order.exchange_order_id or report.exchange_order_id,
        "client_order_id": order.client_order_id or report.client_order_id,
    }
    if report.reason is not None:
        fields["reason"] = report.reason
    if report.source is not UpdateSource.LOCAL:
        fields["transacted_at"] = report.occurred_at
    return fields


def _filled_in(order: Order, report: ExecutionReport, is_of_now: bool, now: datetime) -> Order:
    fields: dict[str, Any] = {
        name: value
        for name in ("exchange_order_id", "client_order_id", "reason")
        if getattr(order, name) is None and (value := getattr(report, name)) is not None
    }
    # An executed order whose cost is 0 is one whose cost nobody told so far; that of less executed is another figure.
    if is_of_now and not order.executed_quote_quantity and report.executed_quote_quantity:
        fields["executed_quote_quantity"] = report.executed_quote_quantity
    return revised(order, **fields, version=order.version + 1, updated_at=now) if fields else order


def _update(order: Order, previous: OrderStatus | None, report: ExecutionReport) -> NewOrderUpdate:
    return NewOrderUpdate.of(
        order,
        previous,
        source=report.source,
        occurred_at=report.occurred_at,
        reason=report.reason,
        raw=report.raw,
    )
