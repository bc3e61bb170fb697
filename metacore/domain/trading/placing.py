"""Order commands: placing orders with their holds, wishing one cancelled, ending a hold."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any
from uuid import UUID

from metacore.domain.trading.archiving import id_time, require_unarchived
from metacore.domain.trading.asset_names import require_names
from metacore.domain.trading.balances import BalanceKey
from metacore.domain.trading.commands import Batch, Command, in_parts
from metacore.domain.trading.decisions import NOTHING_UNSETTLED, Selection
from metacore.domain.trading.holds import asset_to_pay, initial_hold
from metacore.domain.trading.journal import hold
from metacore.domain.trading.order_ids import OrderIds
from metacore.domain.trading.order_updates import NewOrderUpdate, UpdateSource
from metacore.domain.trading.orders import NewOrder, Order, OrderStatus
from metacore.domain.trading.states import TRANSITIONS
from metacore.domain.trading.unit_of_work import UnitOfWork
from metacore.domain.trading.user_state import UserState
from metacore.domain.values.amounts import NonNegativeAmount
from metacore.domain.values.model import Model, revised
from metacore.domain.values.text import Text
from metacore.errors import ConflictError, InsufficientFundsError, InvalidDataError, InvalidTransitionError


class Placement(Model):
    """An order to be placed, and how much it shall hold if that is more than it needs."""

    order: NewOrder
    hold: NonNegativeAmount | None = None

    @property
    def user_id(self) -> UUID:
        """Whose order it is."""
        return self.order.user_id

    def named(self) -> Placement:
        """Itself, its order with the client_order_id that is sent to the exchange: its own id, if it has none."""
        if self.order.client_order_id is not None:
            return self
        return revised(self, order=revised(self.order, client_order_id=self.order.id.hex))


class Remark(Model):
    """Why a command is given."""

    reason: Text | None = None


@dataclass(frozen=True, slots=True)
class PlaceOrders(Batch[Order]):
    """Place orders, all or none, in list order; the error of the first that cannot be placed."""

    placements: Sequence[Placement]

    def selection(self, exclusive: bool) -> Selection:
        orders = [placement.named().order for placement in self.placements]
        return Selection(
            users=frozenset(order.user_id for order in orders),
            exclusive_users=exclusive,
            orders=tuple((order.user_id, order.order_ids) for order in orders),
            asset_names=tuple(dict.fromkeys(key for order in orders for key in _assets(order))),
            locked_balances=tuple({(order.user_id, asset_to_pay(order)) for order in orders}),
        )

    def parts(self) -> Sequence[PlaceOrders]:
        return [PlaceOrders(part) for part in in_parts(self.placements)]

    def decide(self, work: UnitOfWork) -> Sequence[Order]:
        return tuple(place(work.state_of(placement.order.user_id), placement) for placement in self.placements)


@dataclass(frozen=True, slots=True)
class CancelOrder(Command[Order]):
    """Note that an order shall be cancelled."""

    user_id: UUID
    order_id: UUID
    remark: Remark

    def selection(self, exclusive: bool) -> Selection:
        return _selection_of(self.user_id, self.order_id, exclusive)

    def decide(self, work: UnitOfWork) -> Order:
        state = work.state_of(self.user_id)
        return cancel(state, state.order(self.order_id), self.remark.reason)


@dataclass(frozen=True, slots=True)
class RejectUnknown(Command[Order]):
    """Note that the exchange never got an order."""

    user_id: UUID
    order_id: UUID

    def selection(self, exclusive: bool) -> Selection:
        return replace(_selection_of(self.user_id, self.order_id, exclusive), unsettled=True)

    def balances(self, work: UnitOfWork) -> set[BalanceKey]:
        return _held(work.state_of(self.user_id).order(self.order_id))

    def decide(self, work: UnitOfWork) -> Order:
        state = work.state_of(self.user_id)
        return reject_unknown(state, state.order(self.order_id))


@dataclass(frozen=True, slots=True)
class ReleaseHold(Command[Order]):
    """End the hold of an order."""

    user_id: UUID
    order_id: UUID
    remark: Remark

    def selection(self, exclusive: bool) -> Selection:
        return _selection_of(self.user_id, self.order_id, exclusive)

    def balances(self, work: UnitOfWork) -> set[BalanceKey]:
        return _held(work.state_of(self.user_id).order(self.order_id))

    def decide(self, work: UnitOfWork) -> Order:
        state = work.state_of(self.user_id)
        return end_hold(state, state.order(self.order_id), self.remark.reason)


def _selection_of(user_id: UUID, order_id: UUID, exclusive: bool) -> Selection:
    return Selection(users=frozenset({user_id}), exclusive_users=exclusive, orders=((user_id, OrderIds(order_id)),))


def _assets(order: NewOrder) -> tuple[BalanceKey, BalanceKey]:
    return (order.user_id, order.base_asset), (order.user_id, order.quote_asset)


def _held(order: Order) -> set[BalanceKey]:
    return {(order.user_id, order.held_asset)} if order.held_amount and order.held_asset is not None else set()


def place(state: UserState, placement: Placement) -> Order:
    """Write the order and its hold to `state`, and give the stored order; the one stored already if it is the same.

    Funds are judged as those before it left them. NotAllowedError if the user's flags refuse a new order, which one
    that is stored already is not; InsufficientFundsError if too little is free; ConflictError if its id or
    client_order_id is that of an order with other content; InvalidDataError if it tells of an execution, which only a
    report does, if no hold can be computed and none is given, or if the user has one of its assets by another name;
    ArchivedError if its id was made at a time whose history is archived.
    """
    new = placement.named().order
    # Placed again with another id, it is the order that has its other names.
    stored = state.find_order(OrderIds(new.id), new.order_ids._replace(order_id=None))
    if stored is not None:
        if not _is_same(stored, placement.order):
            raise ConflictError(
                f"order {stored.id} has the same id or client_order_id and other content; choose another",
                conflicts=(str(stored.id),),
            )
        return stored
    if new.status is not OrderStatus.PENDING_NEW or new.executed_quantity or new.executed_quote_quantity:
        field = "executed_quantity" if new.status is OrderStatus.PENDING_NEW else "status"
        raise InvalidDataError(
            "an order is placed as PENDING_NEW with nothing executed; apply a report of one found on the exchange",
            field=field,
        )
    state.user.require_flags("is_active", "can_trade")
    if (made_at := id_time(new.id)) is not None:
        require_unarchived(state.user, made_at, "id")
    require_names(_assets(new), ((new.user_id, asset) for asset in state.asset_names))
    amount, asset = initial_hold(new, placement.hold), asset_to_pay(new)
    free = state.funds[asset].free
    if free < amount:
        raise InsufficientFundsError(asset, needed=amount, available=free, user_id=new.user_id)
    state.post((hold(new.user_id, asset, amount, str(new.id), state.now),))
    order = revised(Order.created(new, state.now), held_asset=asset, held_amount=amount, placed_at=state.now)
    state.put_order(order)
    state.append(_update(state, order, None, new.reason))
    return order


def cancel(state: UserState, order: Order, reason: str | None) -> Order:
    """Write to `state` that `order` shall be cancelled; it keeps its hold, for only a report closes it.

    The order as it is if that is written already; InvalidTransitionError if it is closed.
    """
    if order.status is OrderStatus.PENDING_CANCEL:
        return order
    if OrderStatus.PENDING_CANCEL not in TRANSITIONS[order.status]:
        raise InvalidTransitionError(
            order.status, OrderStatus.PENDING_CANCEL, order_id=order.id, hint="it is closed, nothing is left to cancel"
        )
    return _revise(state, order, reason, status=OrderStatus.PENDING_CANCEL)


def reject_unknown(state: UserState, order: Order) -> Order:
    """Write to `state` that the exchange, asked for `order`, does not know it: REJECTED, its hold goes to free.

    The order as it is if that is written already; InvalidTransitionError if the exchange has told of it, or if trades
    that are stored tell of an execution. Reports and trades that come later still move it.
    """
    if order.status is OrderStatus.REJECTED:
        return order
    if (
        order.status not in _NEVER_CONFIRMED
        or order.executed_quantity
        or state.unsettled.of(order) != NOTHING_UNSETTLED
    ):
        raise InvalidTransitionError(
            order.status,
            OrderStatus.REJECTED,
            order_id=order.id,
            hint="the exchange has told of it; ask for it by its exchange_order_id, and apply that report",
        )
    after = state.lower_hold(order, order.held_amount, state.now)
    return _revise(state, after, "the exchange does not know it", status=OrderStatus.REJECTED)


_NEVER_CONFIRMED = frozenset({OrderStatus.PENDING_NEW, OrderStatus.PENDING_CANCEL})
"""The statuses of an order of which the exchange need not have told anything."""


def end_hold(state: UserState, order: Order, reason: str | None) -> Order:
    """Write to `state` that nothing more will be taken from the hold of `order`: all of it goes to free.

    It is allowed while the order is open too; what is executed later is taken from free. The history tells the
    reason. The order as it is if it holds nothing.
    """
    if not order.held_amount:
        return order
    return _revise(state, state.lower_hold(order, order.held_amount, state.now), reason)


def _revise(state: UserState, order: Order, reason: str | None, **values: Any) -> Order:
    if reason is not None:
        values["reason"] = reason
    after = revised(order, **values, version=order.version + 1, updated_at=state.now)
    state.put_order(after)
    state.append(_update(state, after, order.status, reason))
    return after


def _is_same(stored: Order, new: NewOrder) -> bool:
    content = new.content()
    # Placed without a client_order_id, it has its own id as such, or the one that the exchange named it by.
    if new.client_order_id is None:
        del content["client_order_id"]
    named = new.exchange_order_id is None or stored.exchange_order_id in (None, new.exchange_order_id)
    return named and all(getattr(stored, name) == value for name, value in content.items())


def _update(state: UserState, order: Order, previous: OrderStatus | None, reason: str | None) -> NewOrderUpdate:
    return NewOrderUpdate.of(order, previous, source=UpdateSource.LOCAL, occurred_at=state.now, reason=reason)
