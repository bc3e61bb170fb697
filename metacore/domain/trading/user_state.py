"""The state of a user: the orders, trades and funds while a decision is being made."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from metacore.domain.people.users import User, UserPatch
from metacore.domain.trading.balances import BalanceDelta
from metacore.domain.trading.decisions import RowKey, Versioned, row_key
from metacore.domain.trading.facts import Fact
from metacore.domain.trading.funds import OpenFunds
from metacore.domain.trading.holds import excess
from metacore.domain.trading.journal import release
from metacore.domain.trading.order_ids import OrderIds
from metacore.domain.trading.order_updates import NewOrderUpdate, UpdateOutcome
from metacore.domain.trading.orders import Order
from metacore.domain.trading.reservations import NewReservation, Reservation, ReservationReference
from metacore.domain.trading.trades import NewTrade, Trade
from metacore.domain.trading.unsettled import UnsettledTrades
from metacore.domain.values.amounts import LIMIT, TOO_LARGE, ZERO, addition, canonical, difference
from metacore.domain.values.model import revised
from metacore.errors import ConflictError, InvalidDataError, NotFoundError


class UserState:
    """One user's side of a unit of work. A rule first judges, reading from it, and then writes to it."""

    def __init__(self, user: User, now: datetime, alone: bool = False) -> None:
        self.user = user
        self.now = now
        self.alone = alone
        self.orders: dict[UUID, Order] = {}
        self.reservations: dict[UUID, Reservation] = {}
        self._named: dict[ReservationReference, UUID] = {}
        self.funds = OpenFunds()
        self.unexplained: dict[str, Decimal] = {}
        self.asset_names: set[str] = set()
        self.facts: dict[str, Fact] = {}
        self.unsettled = UnsettledTrades()
        self.updates: list[NewOrderUpdate] = []
        self.deltas: list[BalanceDelta] = []
        self._patched: dict[str, Any] = {}
        self._stale_messages: set[tuple[Any, ...]] = set()
        self._order_ids: dict[OrderIds, OrderIds] = {}
        self._trades: dict[tuple[str, str], list[Trade]] = {}
        self._trade_ids: set[UUID] = set()
        self._versions: dict[tuple[type[Versioned], UUID], int] = {}
        self._changed_orders: dict[UUID, Order] = {}
        self._changed_reservations: dict[UUID, Reservation] = {}
        self._changed_trades: dict[UUID, Trade] = {}

    def load_order(self, order: Order) -> None:
        """Take note of a stored order."""
        self.orders[order.id] = order
        self._versions[Order, order.id] = order.version
        self._name(order)

    def load_reservation(self, reservation: Reservation) -> None:
        """Take note of a stored reservation."""
        self._keep_reservation(reservation)
        self._versions[Reservation, reservation.id] = reservation.version

    def load_update(self, update: NewOrderUpdate) -> None:
        """Take note of a stored STALE update."""
        self._stale_messages.add(update.content())

    def load_trade(self, trade: Trade) -> None:
        """Take note of a stored trade."""
        self._versions[Trade, trade.id] = trade.version
        self._keep(trade)

    def load_facts(self, facts: Iterable[Fact]) -> None:
        """Take note of the facts around an account snapshot."""
        self.facts.update((fact.key, fact) for fact in facts)

    def revise_user(self, **values: Any) -> None:
        """Take the user with these `values` for what it is now."""
        self.user = revised(self.user, **values)
        self._patched.update(values)

    def patch(self) -> UserPatch | None:
        """What is to be changed of the user; None if nothing is."""
        return UserPatch(**self._patched) if self._patched else None

    def order(self, order_id: UUID) -> Order:
        """The order with this id; NotFoundError if the user has no such order."""
        order = self.orders.get(order_id)
        if order is None:
            raise NotFoundError("order", (self.user.id, order_id))
        return order

    def find_order(self, ids: OrderIds, *aliases: OrderIds) -> Order | None:
        """The order that `ids` and `aliases` name, None if it is unknown; ConflictError as `OrderIds.find` says."""
        found = ids.find(self._order_ids, *aliases)
        return None if found is None or found.order_id is None else self.orders[found.order_id]

    def put_order(self, order: Order) -> None:
        """Take `order` for what it is now."""
        before = self.orders.get(order.id)
        self.orders[order.id] = self._changed_orders[order.id] = order
        if (
            before is None
            or before.exchange_order_id != order.exchange_order_id
            or before.client_order_id != order.client_order_id
        ):
            self._name(order)

    def revise_order(self, order: Order, **values: Any) -> Order:
        """Take `order` with these `values` for what it is now, one version on."""
        after = revised(order, **values, version=order.version + 1, updated_at=self.now)
        self.put_order(after)
        return after

    def reservation(self, reservation_id: UUID) -> Reservation:
        """The reservation with this id; NotFoundError if the user has no such reservation."""
        reservation = self.reservations.get(reservation_id)
        if reservation is None:
            raise NotFoundError("reservation", (self.user.id, reservation_id))
        return reservation

    def find_reservation(self, new: NewReservation) -> Reservation | None:
        """The reservation that has the id, or else the reference, of `new`; None if there is none."""
        if (found := self.reservations.get(new.id)) is not None:
            return found
        named = self._named.get(new.named)
        return None if named is None else self.reservations[named]

    def put_reservation(self, reservation: Reservation) -> None:
        """Take `reservation` for what it is now."""
        self._keep_reservation(reservation)
        self._changed_reservations[reservation.id] = reservation

    def _keep_reservation(self, reservation: Reservation) -> None:
        self.reservations[reservation.id] = reservation
        self._named[reservation.named] = reservation.id

    def append(self, update: NewOrderUpdate) -> None:
        """Add to the history of an order; a STALE update that says what an earlier one said adds nothing."""
        if update.outcome is UpdateOutcome.STALE:
            if (content := update.content()) in self._stale_messages:
                return
            self._stale_messages.add(content)
        self.updates.append(update)

    def trades(self, symbol: str, exchange_trade_id: str) -> Sequence[Trade]:
        """The trades with this id of the exchange, one for each order."""
        return self._trades.get((symbol, exchange_trade_id), ())

    def require_free_id(self, trade: NewTrade) -> None:
        """ConflictError if the id of `trade` is that of another one."""
        if trade.id in self._trade_ids:
            raise ConflictError(
                f"the id of trade {trade.exchange_trade_id} is that of another trade; give it one of its own",
                conflicts=(str(trade.id),),
            )

    def put_trade(self, trade: Trade, replaced: Trade | None) -> None:
        """Take `trade` for what it is now, in place of `replaced`."""
        if replaced is not None:
            self._trades[trade.symbol, trade.exchange_trade_id].remove(replaced)
            self.unsettled.remove(replaced)
        self._keep(trade)
        self.unsettled.add(trade)
        self._changed_trades[trade.id] = trade

    def post(self, deltas: Sequence[BalanceDelta]) -> None:
        """Move funds; the rule has seen to it that none falls below zero."""
        for delta in deltas:
            asset, funds = delta.asset, self.funds[delta.asset]
            if delta.delta_free:
                funds.free = addition(funds.free, delta.delta_free)
            if delta.delta_locked:
                funds.locked = addition(funds.locked, delta.delta_locked)
            if delta.delta_unexplained:
                before = self.unexplained.get(asset, ZERO)
                self.unexplained[asset] = canonical(addition(before, delta.delta_unexplained))
        self.deltas += deltas

    def require_room(self, asset: str, amount: Decimal, unexplained: Decimal, field: str) -> None:
        """InvalidDataError, naming `field`, if so much more, or more `unexplained`, would be too much to be stored."""
        self.funds[asset].require_room(amount, field)
        if addition(self.unexplained.get(asset, ZERO), unexplained).copy_abs() >= LIMIT:
            raise InvalidDataError(f"what is unexplained of a balance has {TOO_LARGE}", field=field)

    def release_excess(self, order: Order, occurred_at: datetime, cost_is_known: bool) -> Order:
        """`order`, not put yet, without what it holds and has no reason to hold any longer, which goes to free."""
        amount = excess(order, cost_is_known)
        return self.lower_hold(order, amount, occurred_at) if amount else order

    def lower_hold(self, order: Order, amount: Decimal, occurred_at: datetime) -> Order:
        """`order`, not put yet, holding `amount` less, which goes to free.

        Should less than that be locked, because somebody else wrote `locked`, no more than that goes to free.
        """
        if not amount or order.held_asset is None:
            return order
        if set_free := canonical(min(amount, self.funds[order.held_asset].locked)):
            self.post((release(order.user_id, order.held_asset, set_free, str(order.id), occurred_at),))
        return revised(order, held_amount=canonical(difference(order.held_amount, amount)))

    def changed_orders(self) -> Iterator[Order]:
        """The orders to be saved."""
        return iter(self._changed_orders.values())

    def changed_reservations(self) -> Iterator[Reservation]:
        """The reservations to be saved."""
        return iter(self._changed_reservations.values())

    def changed_trades(self) -> Iterator[Trade]:
        """The trades to be saved."""
        return iter(self._changed_trades.values())

    def expected_versions(self) -> Mapping[RowKey, int]:
        """The stored versions of what is to be saved, where they are not the ones before."""
        expected: dict[RowKey, int] = {}
        rows: tuple[Versioned, ...] = (*self.changed_orders(), *self.changed_reservations(), *self.changed_trades())
        for row in rows:
            stored = self._versions.get((type(row), row.id), 0)
            if stored != row.version - 1:
                expected[row_key(row)] = stored
        return expected

    def take(self) -> None:
        """Take all that is to be saved for what is stored."""
        rows: tuple[Versioned, ...] = (*self.changed_orders(), *self.changed_reservations(), *self.changed_trades())
        self._versions |= {(type(row), row.id): row.version for row in rows}
        self._changed_orders, self._changed_reservations, self._changed_trades = {}, {}, {}
        self.updates, self.deltas, self._patched = [], [], {}

    def _name(self, order: Order) -> None:
        ids = order.order_ids
        for name in ids.names():
            self._order_ids[name] = ids

    def _keep(self, trade: Trade) -> None:
        self._trades.setdefault((trade.symbol, trade.exchange_trade_id), []).append(trade)
        self._trade_ids.add(trade.id)
