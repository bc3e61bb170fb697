"""A copy of the books, built from the events of a feed and nothing else."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from metacore.domain.messages.events import Event, EventKey
from metacore.domain.messages.feed import BalanceChanged, OrderUpdated, ReservationChanged, parse_feed_event
from metacore.domain.trading.balances import Balance, BalanceEntry, BalanceKey
from metacore.domain.trading.order_updates import OrderUpdate
from metacore.domain.trading.orders import Order, OrderKey
from metacore.domain.trading.reservations import Reservation, ReservationKey
from metacore.domain.trading.trades import Trade
from metacore.sync.storage.storage import Storage


class Copy:
    """What a consumer knows that takes the events of `topic`, each once, in whatever order of the keys."""

    def __init__(self, storage: Storage, topic: str) -> None:
        self._storage = storage
        self._topic = topic
        self._seqs: dict[EventKey, int] = {}
        self.orders: dict[OrderKey, Order] = {}
        self.updates: dict[OrderKey, list[OrderUpdate]] = {}
        self.trades: dict[tuple[UUID, UUID], Trade] = {}
        self.reservations: dict[ReservationKey, Reservation] = {}
        self.balances: dict[BalanceKey, Balance] = {}
        self.entries: dict[BalanceKey, list[BalanceEntry]] = {}

    def catch_up(self) -> list[Event]:
        """Take the events that wait, and give them; AssertionError if one is missing, or told twice."""
        taken: list[Event] = []
        while (claim := self._storage.outbox.claim([self._topic], keys=1000, per_key=1000)).keys:
            for event in claim.events:
                self.take(event)
            taken += claim.events
            assert self._storage.outbox.done(claim.id, claim.upto) == ()
        return taken

    def take(self, event: Event) -> None:
        """Take one event."""
        assert event.seq == self._seqs.get(event.event_key, 0) + 1
        self._seqs[event.event_key] = event.seq
        content = parse_feed_event(event)
        if isinstance(content, OrderUpdated):
            order = content.order
            assert event.key == str(order.id)
            self.orders[order.key] = newer(self.orders.get(order.key), order)
            history = self.updates.setdefault(order.key, [])
            history += content.updates
            assert [update.seq for update in history] == list(range(1, len(history) + 1))
        elif isinstance(content, BalanceChanged):
            balance = content.balance
            self.balances[balance.key] = newer(self.balances.get(balance.key), balance)
            journal = self.entries.setdefault(balance.key, [])
            journal += content.entries
            assert [entry.seq for entry in journal] == list(range(1, len(journal) + 1))
        elif isinstance(content, ReservationChanged):
            reservation = content.reservation
            assert event.key == str(reservation.id)
            self.reservations[reservation.key] = newer(self.reservations.get(reservation.key), reservation)
        else:
            key = (content.trade.user_id, content.trade.id)
            self.trades[key] = newer(self.trades.get(key), content.trade)

    def assert_equals_the_books(self, user_id: UUID) -> None:
        """AssertionError unless it is, in every field that is told, what the storage has of that user."""
        storage = self._storage
        orders = {order.key: order for order in storage.orders.stream(user_id)}
        assert mine(self.orders, user_id) == {key: without_raw(order) for key, order in orders.items()}
        assert mine(self.updates, user_id) == {
            key: [without_raw(update) for update in storage.order_updates.list(*key)] for key in orders
        }
        assert mine(self.trades, user_id) == {
            (user_id, trade.id): without_raw(trade) for trade in storage.trades.stream(user_id)
        }
        reservations = storage.reservations.stream(user_id)
        assert mine(self.reservations, user_id) == {reservation.key: reservation for reservation in reservations}
        moved = {balance.key: balance for balance in storage.balances.list(user_id) if balance.last_seq}
        assert mine(self.balances, user_id) == moved
        assert mine(self.entries, user_id) == {key: list(storage.balances.stream_entries(*key)) for key in moved}


def newer(known: Any, received: Any) -> Any:
    """That of the two which has the higher version."""
    return received if known is None or received.version >= known.version else known


def without_raw(row: Any) -> Any:
    """`row` as a feed tells it."""
    return row.changed(raw=None)


def mine(rows: dict[Any, Any], user_id: UUID) -> dict[Any, Any]:
    """Those of `rows` whose key begins with the user."""
    return {key: row for key, row in rows.items() if key[0] == user_id}
