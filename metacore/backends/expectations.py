"""What a decision expects to be stored when it is saved."""

from __future__ import annotations

from collections.abc import Callable, Container
from operator import itemgetter
from uuid import UUID

from metacore.domain.trading.decisions import Changes, RowKey, ids_of, row_key
from metacore.domain.trading.entries import moved_balances
from metacore.domain.trading.orders import Order
from metacore.domain.trading.reservations import Reservation
from metacore.domain.trading.trades import Trade
from metacore.errors import NotFoundError, StaleVersionError


class Expectations:
    """The owners, the balances that are moved, and the orders, reservations and trades with their versions, that saving
    `changes` rests on, each sorted by key.

    An order that is only updated is expected at any version: None. The rows to be inserted, and those that
    replace stored ones, stand apart, as they came.
    """

    def __init__(self, changes: Changes) -> None:
        self.balances = moved_balances(changes.balance_deltas)
        owners = {user_id for user_id, _ in self.balances} | set(changes.user_patches)
        # A row to be inserted is expected at version 0 here.
        versions: dict[RowKey, int | None] = {}
        self.new_orders: list[Order] = []
        self.orders: list[Order] = []
        self.new_reservations: list[Reservation] = []
        self.reservations: list[Reservation] = []
        self.new_trades: list[Trade] = []
        self.trades: list[Trade] = []
        for order in changes.orders:
            expected = versions[row_key(order)] = changes.expected_version(order)
            if expected:
                self.orders.append(order)
            else:
                owners.add(order.user_id)
                self.new_orders.append(order)
        for reservation in changes.reservations:
            if expected := changes.expected_version(reservation):
                versions[row_key(reservation)] = expected
                self.reservations.append(reservation)
            else:
                owners.add(reservation.user_id)
                self.new_reservations.append(reservation)
        for trade in changes.trades:
            if expected := changes.expected_version(trade):
                versions[row_key(trade)] = expected
                self.trades.append(trade)
            else:
                owners.add(trade.user_id)
                self.new_trades.append(trade)
        owners.update(transfer.user_id for transfer in changes.user_transfers)
        for update in changes.order_updates:
            versions.setdefault(("order", update.user_id.int, update.order_id.int), None)
        self.owners = sorted(owners)
        stored = [(key, expected) for key, expected in versions.items() if expected != 0]
        self.versions = dict(sorted(stored, key=itemgetter(0)))

    def check(self, users: Container[UUID], version_of: Callable[[RowKey], int | None]) -> None:
        """NotFoundError for the first owner or row that is not there, StaleVersionError for one at another version.

        Owners come first, then orders, reservations and trades, so that every backend names the same one of several.
        """
        for user_id in self.owners:
            if user_id not in users:
                raise NotFoundError("user", user_id)
        for key, expected in self.versions.items():
            actual = version_of(key)
            if actual is None:
                raise NotFoundError(key[0], ids_of(key))
            if expected is not None and actual != expected:
                raise StaleVersionError(key[0], ids_of(key), expected=expected, actual=actual)
