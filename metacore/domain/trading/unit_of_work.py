"""The book: what a decision works on, loaded once, changed item by item, and saved as one set of changes."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from uuid import UUID

from metacore.domain.trading.balances import Balance, BalanceEntry
from metacore.domain.trading.decisions import Changes, EntryReference, Loaded
from metacore.domain.trading.funds import Funds
from metacore.domain.trading.orders import Order
from metacore.domain.trading.trades import Trade
from metacore.domain.trading.user_state import Account
from metacore.errors import NotFoundError


class Book:
    """The accounts of users as they stand while the items of a batch take effect one after the other.

    An item sees what the ones before it did, as if each had been saved by itself; one that is refused leaves nothing
    behind.
    """

    def __init__(self, loaded: Loaded, now: datetime) -> None:
        self._accounts = {user_id: Account(user, now) for user_id, user in loaded.users.items()}
        self._loaded = loaded
        for order in loaded.orders:
            self.account(order.user_id).load_order(order)
        for name, unsettled in loaded.unsettled.items():
            ids = (name.order_id, name.exchange_order_id, name.client_order_id)
            self.account(name.user_id).load_unsettled(ids, unsettled)
        for trade in loaded.trades:
            self.account(trade.user_id).load_trade(trade)

    @property
    def loaded_orders(self) -> tuple[Order, ...]:
        """The orders as they were loaded."""
        return self._loaded.orders

    def account(self, user_id: UUID) -> Account:
        """The user's account; NotFoundError if there is no such user."""
        account = self._accounts.get(user_id)
        if account is None:
            raise NotFoundError("user", user_id)
        return account

    def open_balances(self, balances: Iterable[Balance]) -> None:
        """Take note of `balances`, which are locked: only they can be moved."""
        for balance in balances:
            self.account(balance.user_id).funds[balance.asset] = Funds(balance.free, balance.locked)

    def reserve_ids(self, trades: Iterable[Trade]) -> None:
        """Take note of stored trades, beside the loaded ones, whose ids are taken."""
        for trade in trades:
            self.account(trade.user_id).reserve_ids((trade,))

    def entry(self, reference: EntryReference) -> BalanceEntry | None:
        """The entry of the deposit or withdrawal with this reference, None if there is none."""
        for entry in self._loaded.entries:
            if (entry.user_id, entry.reason, entry.reference) == reference:
                return entry
        return None

    def changes(self) -> Changes:
        """What is to be saved."""
        accounts = self._accounts.values()
        return Changes(
            orders=tuple(order for account in accounts for order in account.changed_orders()),
            order_updates=tuple(update for account in accounts for update in account.updates),
            trades=tuple(trade for account in accounts for trade in account.changed_trades()),
            balance_deltas=tuple(delta for account in accounts for delta in account.deltas),
            expected_versions={
                key: version for account in accounts for key, version in account.expected_versions().items()
            },
        )
