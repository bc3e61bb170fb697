"""What becomes of a purchase: one table of moves.

A purchase's state is all that a saga has to remember. Each move is an event for everybody, by the name of the new
state; a service that it concerns does its part, and what came of that is the next event here. The way there is: goods
reserved, goods taken, money captured. What has been done is undone in reverse: money first, then the goods.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import NamedTuple

from marketplace.orders.purchase import Purchase, Reason, State
from metacore import InvalidTransitionError


class Trigger(StrEnum):
    """What may move a purchase: an event of another service, or what somebody asks for."""

    STOCK_RESERVED = "stock.reserved"
    STOCK_LACKING = "stock.lacking"
    STOCK_GONE = "stock.gone"
    STOCK_RETURNED = "stock.returned"
    PAYMENT_CAPTURED = "payment.captured"
    PAYMENT_DECLINED = "payment.declined"
    PAYMENT_REFUNDED = "payment.refunded"
    PAYMENT_REFUND_REFUSED = "payment.refund_refused"
    PAY = "pay"
    CANCEL = "cancel"
    SHIP = "ship"
    EXPIRE = "expire"


class Step(NamedTuple):
    """Where a purchase goes, and why it comes to nothing, if it does."""

    state: State
    reason: Reason | None = None


_T = Trigger
_MOVES: Mapping[tuple[State, Trigger], Step] = {
    (State.NEW, _T.STOCK_RESERVED): Step(State.RESERVED),
    (State.NEW, _T.STOCK_LACKING): Step(State.FAILED, Reason.OUT_OF_STOCK),
    (State.NEW, _T.CANCEL): Step(State.CANCELED, Reason.CANCELED),
    (State.NEW, _T.EXPIRE): Step(State.FAILED, Reason.EXPIRED),
    (State.RESERVED, _T.PAY): Step(State.PAYING),
    (State.RESERVED, _T.CANCEL): Step(State.CANCELED, Reason.CANCELED),
    (State.RESERVED, _T.EXPIRE): Step(State.FAILED, Reason.EXPIRED),
    (State.PAYING, _T.STOCK_GONE): Step(State.FAILED, Reason.EXPIRED),
    (State.PAYING, _T.PAYMENT_CAPTURED): Step(State.PAID),
    (State.PAYING, _T.PAYMENT_DECLINED): Step(State.RETURNING, Reason.DECLINED),
    (State.PAID, _T.SHIP): Step(State.SHIPPED),
    (State.PAID, _T.CANCEL): Step(State.REFUNDING, Reason.CANCELED),
    (State.REFUNDING, _T.PAYMENT_REFUNDED): Step(State.RETURNING, Reason.CANCELED),
    (State.REFUNDING, _T.PAYMENT_REFUND_REFUSED): Step(State.PAID),
}

_ENDS = {Reason.CANCELED: State.CANCELED, Reason.DECLINED: State.FAILED}

_DONE: Mapping[Trigger, frozenset[State]] = {
    _T.PAY: frozenset({State.PAYING, State.PAID, State.SHIPPED}),
    _T.CANCEL: frozenset({State.CANCELED, State.REFUNDING}),
    _T.SHIP: frozenset({State.SHIPPED}),
    _T.EXPIRE: frozenset(State) - {State.NEW, State.RESERVED},
    # Asked twice, the warehouse answers twice.
    _T.STOCK_RESERVED: frozenset(State) - {State.NEW},
    _T.STOCK_LACKING: frozenset(State) - {State.NEW},
}
"""In which states it has happened already, or no longer matters."""


def next_step(purchase: Purchase, trigger: Trigger) -> Step | None:
    """Where the purchase goes; None if it stays where it is. InvalidTransitionError if it cannot happen to it."""
    if (step := _MOVES.get((purchase.state, trigger))) is not None:
        return step
    if purchase.state is State.RETURNING and purchase.reason is not None:
        if trigger is Trigger.STOCK_RETURNED:
            return Step(_ENDS[purchase.reason], purchase.reason)
        if trigger is Trigger.CANCEL and purchase.reason is Reason.CANCELED:
            return None
    if purchase.state in _DONE.get(trigger, ()):
        return None
    why = f"it is so by {purchase.reason}" if purchase.reason else ""
    raise InvalidTransitionError(purchase.state, trigger, order_id=str(purchase.id), hint=why)
