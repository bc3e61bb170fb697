"""A unit of work: what a decision works on, loaded once, changed item by item, and saved as one set of changes."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from uuid import UUID

from metacore.domain.trading.balances import Balance, BalanceKey
from metacore.domain.trading.decisions import Changes, Feed, KnownOrder, Loaded
from metacore.domain.trading.facts import facts_of
from metacore.domain.trading.funds import Funds
from metacore.domain.trading.user_state import UserState
from metacore.domain.trading.user_transfers import UserTransfer, UserTransferKey
from metacore.errors import NotFoundError


class UnitOfWork:
    """The states of users as they stand while the items of a batch take effect one after the other.

    An item sees what the ones before it did, as if each had been saved by itself; one that is refused leaves nothing
    behind. `alone` says that the users are locked exclusively: what is not stored now, nobody else stores meanwhile.
    """

    def __init__(self, loaded: Loaded, now: datetime, alone: bool = False) -> None:
        self.loaded = loaded
        self.now = now
        self.alone = alone
        self.balances: dict[BalanceKey, Balance] = {}
        self.user_transfers: dict[UserTransferKey, UserTransfer] = {}
        self.entered = {
            (entry.user_id, entry.reason, entry.reference): (entry.asset, entry.delta_free.copy_abs())
            for entry in loaded.entries
        }
        """The asset and amount of each deposit and withdrawal that is asked about and known, by its reference."""
        self._states = {user_id: UserState(user, now, alone) for user_id, user in loaded.users.items()}
        for balance in loaded.balances:
            self.state_of(balance.user_id).unexplained[balance.asset] = balance.unexplained
        for user_id, state in self._states.items():
            placements = {
                trade_id: placed for (owner, trade_id), placed in loaded.placements.items() if owner == user_id
            }
            state.load_facts(facts_of((entry for entry in loaded.facts if entry.user_id == user_id), placements))
        for user_id, asset in loaded.asset_names:
            self.state_of(user_id).asset_names.add(asset)
        for order in loaded.orders:
            self.state_of(order.user_id).load_order(order)
        for reservation in loaded.reservations:
            self.state_of(reservation.user_id).load_reservation(reservation)
        for (user_id, trades), unsettled in loaded.unsettled.items():
            self.state_of(user_id).unsettled.load(trades, unsettled)
        for update in loaded.stale_updates:
            self.state_of(update.user_id).load_update(update)
        for trade in loaded.trades:
            self.state_of(trade.user_id).load_trade(trade)
        self.open_balances(loaded.locked_balances)

    def state_of(self, user_id: UUID) -> UserState:
        """The user's state; NotFoundError if there is no such user."""
        state = self._states.get(user_id)
        if state is None:
            raise NotFoundError("user", user_id)
        return state

    def open_balances(self, balances: Iterable[Balance]) -> None:
        """Take note of `balances`, which are locked: only they can be moved."""
        for balance in balances:
            self.balances[balance.key] = balance
            state = self.state_of(balance.user_id)
            state.funds[balance.asset] = Funds(balance.free, balance.locked)
            state.unexplained[balance.asset] = balance.unexplained

    def balances_of_facts(self) -> set[BalanceKey]:
        """The balances that the books may move where they choose among the loaded facts."""
        states = self._states.items()
        return {(user_id, asset) for user_id, state in states for fact in state.facts.values() for asset in fact.moves}

    def user_transfer(self, key: UserTransferKey) -> UserTransfer | None:
        """The transfer to another user with this key, None if there is none."""
        return next((transfer for transfer in self.loaded.user_transfers if transfer.key == key), None)

    def feed(self, topic: str) -> Feed:
        """That what is to be saved is told as events of `topic`."""
        seqs = self.loaded.update_seqs
        return Feed(topic, {order.key: KnownOrder(order, seqs[order.key]) for order in self.loaded.orders})

    def changes(self, feed: str | None = None) -> Changes:
        """What is to be saved, and told as events of the topic `feed`, if there is one."""
        states = self._states.values()
        return Changes(
            orders=tuple(order for state in states for order in state.changed_orders()),
            order_updates=tuple(update for state in states for update in state.updates),
            reservations=tuple(row for state in states for row in state.changed_reservations()),
            trades=tuple(trade for state in states for trade in state.changed_trades()),
            user_transfers=tuple(self.user_transfers.values()),
            balance_deltas=tuple(delta for state in states for delta in state.deltas),
            expected_versions={key: version for state in states for key, version in state.expected_versions().items()},
            user_patches={
                user_id: patch for user_id, state in self._states.items() if (patch := state.patch()) is not None
            },
            feed=None if feed is None else self.feed(feed),
        )

    def take_changes(self) -> Changes:
        """What is to be saved, from now on taken for what is stored."""
        changes = self.changes()
        self.user_transfers = {}
        for state in self._states.values():
            state.take()
        return changes
