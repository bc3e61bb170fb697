"""What becomes of a purchase: one table of moves.

A purchase's state is all that a saga has to remember. Each move is told to everybody as an event by the name of the new
state; who hears it does a part, and tells what came of it, which is the next event here. The way there is: goods
reserved, goods taken, money captured. What has been done is undone in reverse: money first, then the goods.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import NamedTuple

from marketplace.orders.purchase import Purchase, Reason, State
from metacore import InvalidTransitionError


class Happening(StrEnum):
    """What may happen to a purchase."""

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


_H = Happening
_MOVES: Mapping[tuple[State, Happening], Step] = {
    (State.NEW, _H.STOCK_RESERVED): Step(State.RESERVED),
    (State.NEW, _H.STOCK_LACKING): Step(State.FAILED, Reason.OUT_OF_STOCK),
    (State.NEW, _H.CANCEL): Step(State.CANCELED, Reason.CANCELED),
    (State.NEW, _H.EXPIRE): Step(State.FAILED, Reason.EXPIRED),
    (State.RESERVED, _H.PAY): Step(State.PAYING),
    (State.RESERVED, _H.CANCEL): Step(State.CANCELED, Reason.CANCELED),
    (State.RESERVED, _H.EXPIRE): Step(State.FAILED, Reason.EXPIRED),
    (State.PAYING, _H.STOCK_GONE): Step(State.FAILED, Reason.EXPIRED),
    (State.PAYING, _H.PAYMENT_CAPTURED): Step(State.PAID),
    (State.PAYING, _H.PAYMENT_DECLINED): Step(State.RETURNING, Reason.DECLINED),
    (State.PAID, _H.SHIP): Step(State.SHIPPED),
    (State.PAID, _H.CANCEL): Step(State.REFUNDING, Reason.CANCELED),
    (State.REFUNDING, _H.PAYMENT_REFUNDED): Step(State.RETURNING, Reason.CANCELED),
    (State.REFUNDING, _H.PAYMENT_REFUND_REFUSED): Step(State.PAID),
}

_ENDS = {Reason.CANCELED: State.CANCELED, Reason.DECLINED: State.FAILED}

_DONE: Mapping[Happening, frozenset[State]] = {
    _H.PAY: frozenset({State.PAYING, State.PAID, State.SHIPPED}),
    _H.CANCEL: frozenset({State.CANCELED, State.REFUNDING}),
    _H.SHIP: frozenset({State.SHIPPED}),
    _H.EXPIRE: frozenset(State) - {State.NEW, State.RESERVED},
    # Asked twice, the warehouse answers twice.
    _H.STOCK_RESERVED: frozenset(State) - {State.NEW},
    _H.STOCK_LACKING: frozenset(State) - {State.NEW},
}
"""In which states it has happened already, or no longer matters."""


def next_step(purchase: Purchase, happening: Happening) -> Step | None:
    """Where the purchase goes; None if it stays where it is. InvalidTransitionError if it cannot happen to it."""
    if (step := _MOVES.get((purchase.state, happening))) is not None:
        return step
    if purchase.state is State.RETURNING and purchase.reason is not None:
        if happening is Happening.STOCK_RETURNED:
            return Step(_ENDS[purchase.reason], purchase.reason)
        if happening is Happening.CANCEL and purchase.reason is Reason.CANCELED:
            return None
    if purchase.state in _DONE.get(happening, ()):
        return None
    why = f"it is so by {purchase.reason}" if purchase.reason else ""
    raise InvalidTransitionError(purchase.state, happening, order_id=str(purchase.id), hint=why)
