"""Holds: how much of which asset an order keeps locked, from its placing to its last trade."""

from __future__ import annotations

from decimal import Decimal

from metacore.domain.trading.orders import NewOrder, Order, OrderSide, OrderStatus, OrderType
from metacore.domain.values.amounts import ZERO, addition, canonical, difference, product, round_up
from metacore.errors import InvalidDataError


def asset_to_pay(order: NewOrder) -> str:
    """The asset that the order pays with, and that its hold locks: quote for a BUY, base for a SELL."""
    return order.quote_asset if order.side is OrderSide.BUY else order.base_asset


def need(order: NewOrder, quantity: Decimal) -> Decimal:
    """What executing `quantity` of a SELL, or of a BUY with a price, takes at most; at 18 places, never below zero."""
    if quantity <= 0:
        return ZERO
    if order.side is OrderSide.SELL:
        return quantity
    if order.price is None:
        raise InvalidDataError("what an order without a price needs cannot be computed", field="price")
    return round_up(product(order.price, quantity))


def computed_hold(order: NewOrder) -> Decimal | None:
    """What the order has to hold by itself; None for a MARKET BUY without quote_quantity and price."""
    if order.is_sized_by_quote:
        return order.quote_quantity
    if order.quantity is None or (order.side is OrderSide.BUY and order.price is None):
        return None
    return need(order, order.quantity)


def initial_hold(order: NewOrder, hold: Decimal | None = None) -> Decimal:
    """What the order holds when it is placed: `hold`, if it is more than the order needs.

    InvalidDataError if the order's need cannot be computed and no `hold` is given.
    """
    computed = computed_hold(order)
    if computed is None and hold is None:
        raise InvalidDataError(
            "nobody knows what a MARKET BUY without quote_quantity costs; say how much to hold by hold=",
            field="hold",
        )
    return max(computed or ZERO, hold or ZERO)


def share(order: Order, quantity: Decimal, cost: Decimal) -> Decimal:
    """What a fill of `quantity` at `cost` takes from the hold of `order`, as it is before the fill.

    With r = quantity - settled that is need(r) - need(r - q), so that the shares of all fills add up to the need of
    the order however each was rounded; the cost itself for a MARKET BUY. Never more than is held.
    """
    if not order.held_amount:
        return ZERO
    if order.quantity is None or (order.side is OrderSide.BUY and order.type is OrderType.MARKET):
        return min(cost, order.held_amount)
    rest = difference(order.quantity, order.settled_quantity)
    return min(difference(need(order, rest), need(order, difference(rest, quantity))), order.held_amount)


def reserve(order: Order, cost_is_known: bool = False) -> Decimal:
    """What the hold of `order` has still to cover: what is above may pay a commission.

    An open order may execute all that is not settled; a closed one only what was executed and is not settled. That of
    a MARKET BUY is what it cost; until somebody has told that, it may be all of quote_quantity. The hold of a
    MARKET BUY that has neither quote_quantity nor price is its caller's own estimate of everything: while it is open,
    or nobody has told, commissions may take all of it.
    """
    if not _is_held_by_cost(order):
        executable = order.quantity if order.is_open and order.quantity is not None else order.executed_quantity
        return need(order, difference(executable, order.settled_quantity))
    is_known = not order.is_open and (cost_is_known or is_settled_out(order))
    payable = order.executed_quote_quantity if is_known else order.quote_quantity or ZERO
    return max(difference(payable, order.settled_quote_quantity), ZERO)


def excess(order: Order, cost_is_known: bool = False) -> Decimal:
    """How much of its hold `order` has to release: what a closed one holds above its reserve; nothing while open.

    Nothing either while nobody has told what a closed MARKET BUY cost: `cost_is_known` by a report, or all that it
    executed is settled.
    """
    if not order.held_amount or keeps_its_hold(order, cost_is_known):
        return ZERO
    return canonical(max(difference(order.held_amount, reserve(order, cost_is_known)), ZERO))


def keeps_its_hold(order: Order, cost_is_known: bool = False) -> bool:
    """Whether nothing of the hold of `order` may be released yet, because it is open or nobody told what it cost."""
    return order.is_open or (_is_held_by_cost(order) and not cost_is_known and not is_settled_out(order))


def is_settled_out(order: Order, unsettled: Decimal = ZERO) -> bool:
    """Whether the trades of closed `order`, `unsettled` ones beside those settled, are all that was executed.

    Where nothing is known to be executed, its status tells.
    """
    if order.executed_quantity:
        return addition(order.settled_quantity, unsettled) >= order.executed_quantity
    return order.status not in (OrderStatus.FILLED, OrderStatus.PARTIALLY_CANCELED)


def _is_held_by_cost(order: Order) -> bool:
    """Whether it is a MARKET BUY whose need no price tells."""
    return order.is_sized_by_quote or (order.side is OrderSide.BUY and order.price is None)
