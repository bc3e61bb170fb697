"""The feed of a decision: the events that tell what it changed, enough of them to build a copy of the books."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from hashlib import sha256
from itertools import chain
from typing import TypeVar

from pydantic import ValidationError

from metacore import ids
from metacore.domain.messages.events import EventContent, WrittenEvent
from metacore.domain.trading.balances import Balance, BalanceEntry, BalanceKey
from metacore.domain.trading.decisions import Changes, Feed
from metacore.domain.trading.order_updates import NewOrderUpdate, OrderUpdate
from metacore.domain.trading.orders import Order, OrderKey
from metacore.domain.trading.reservations import Reservation
from metacore.domain.trading.trades import Trade, TradeState
from metacore.domain.values.model import Model, invalid_data, revised, unchecked
from metacore.domain.values.text import MAX_KEY_LENGTH
from metacore.errors import InvalidDataError

AT_ONCE = 100
"""How many updates, or entries, one event tells at most: what is left goes into more events of the key."""

LONGEST_REASON = 1_000
"""How many characters of a reason are told."""

R = TypeVar("R", Order, OrderUpdate)
T = TypeVar("T")


class OrderUpdated(Model):
    """An order was stored or has changed, or something was told of it that changed nothing: `order.updated`.

    Its key is the order's id. An order of a higher `version` is newer.
    """

    order: Order
    """As the decision left it, without `raw`, and with 1,000 characters of its `reason` at most."""
    updates: tuple[OrderUpdate, ...]
    """What was added to its history by `seq`, without `raw` as well; none where only ids or the hold changed."""


class TradeSettled(Model):
    """A trade whose money has moved, or which an account snapshot had told: `trade.settled`.

    Its key is the `order_id`; the trade's own id while its order is unknown.
    """

    trade: Trade
    """As the decision left it, without `raw`; one of a higher `version` is newer."""


class TradePending(Model):
    """A trade whose money waits, for funds or for its order: `trade.pending`, with a key like a settled one.

    It is told again when it learns an id of its order, and when it is settled.
    """

    trade: Trade
    """As the decision left it, without `raw`; one of a higher `version` is newer."""


class BalanceChanged(Model):
    """A balance has changed: `balance.changed`. Its key is `user_id:asset`.

    For an asset too long for that, the SHA-256 of its UTF-8 stands in the key instead.
    """

    balance: Balance
    """As the decision left it; one of a higher `version` is newer."""
    entries: tuple[BalanceEntry, ...]
    """What was added to its journal, by `seq`, with the amounts after each."""


class ReservationChanged(Model):
    """A reservation was made, resolved, or cut by an account snapshot: `reservation.changed`. Its key is its id."""

    reservation: Reservation
    """As the decision left it; one of a higher `version` is newer."""


FeedContent = OrderUpdated | TradeSettled | TradePending | ReservationChanged | BalanceChanged

FEED_EVENTS: Mapping[str, type[FeedContent]] = {
    "order.updated": OrderUpdated,
    "trade.settled": TradeSettled,
    "trade.pending": TradePending,
    "reservation.changed": ReservationChanged,
    "balance.changed": BalanceChanged,
}
"""What is in the payload of each type of event."""

_TYPES = {model: name for name, model in FEED_EVENTS.items()}


def parse_feed_event(event: EventContent) -> FeedContent:
    """What an event of a feed tells; InvalidDataError if it is none, or its payload is not that of its type."""
    model = FEED_EVENTS.get(event.type)
    if model is None:
        raise InvalidDataError(f"the types of a feed are {', '.join(FEED_EVENTS)}", field="type")
    try:
        return model.model_validate(event.payload)
    except ValidationError as error:
        raise invalid_data(error, within="payload") from None


def events_of(
    changes: Changes, balances: Iterable[Balance], entries: Iterable[BalanceEntry], now: datetime
) -> tuple[WrittenEvent, ...]:
    """The events that tell of `changes`, saved at `now`, and of the `balances` and `entries` that they became; none
    without a feed.

    Those of a key come in the order of what they tell of: an order and its updates, its trades. InvalidDataError if the
    feed does not know an order that is stored.
    """
    feed = changes.feed
    if feed is None:
        return ()
    orders = _of_orders(feed, changes, now)
    trades = (_of_trade(feed.topic, trade) for trade in changes.trades)
    reservations = (_of_reservation(feed.topic, reservation) for reservation in changes.reservations)
    return tuple(chain(orders, trades, reservations, _of_balances(feed.topic, balances, entries)))


def balance_key(user_id: object, asset: str) -> str:
    """The key of the events of a balance."""
    key = f"{user_id}:{asset}"
    return key if len(key) <= MAX_KEY_LENGTH else f"{user_id}:{sha256(asset.encode()).hexdigest()}"


def _of_orders(feed: Feed, changes: Changes, now: datetime) -> Iterator[WrittenEvent]:
    changed = {order.key: order for order in changes.orders}
    updates: dict[OrderKey, list[NewOrderUpdate]] = {key: [] for key in changed}
    for update in changes.order_updates:
        updates.setdefault((update.user_id, update.order_id), []).append(update)
    for key, history in updates.items():
        order, last_seq = feed.orders.get(key, (None, 0))
        if key in changed:
            is_new = not changes.expected_version(changed[key])
            order = changed[key] if is_new or order is not None else None
        if order is None:
            raise InvalidDataError(f"the feed does not know the order {key[1]}, which is stored", field="feed")
        lean_order = _lean(order)
        recorded = [_lean(OrderUpdate.recorded(new, last_seq + n, now)) for n, new in enumerate(history, 1)]
        for part in _parts(recorded):
            content = unchecked(OrderUpdated, {"order": lean_order, "updates": part})
            at = part[-1].occurred_at if part else order.updated_at
            yield _event(feed.topic, str(order.id), content, at)


def _of_trade(topic: str, trade: Trade) -> WrittenEvent:
    values = {"trade": trade if trade.raw is None else revised(trade, raw=None)}
    is_settled = trade.state is TradeState.SETTLED
    content = unchecked(TradeSettled, values) if is_settled else unchecked(TradePending, values)
    return _event(topic, str(trade.order_id or trade.id), content, trade.traded_at)


def _of_reservation(topic: str, reservation: Reservation) -> WrittenEvent:
    content = unchecked(ReservationChanged, {"reservation": reservation})
    return _event(topic, str(reservation.id), content, reservation.updated_at)


def _of_balances(topic: str, balances: Iterable[Balance], entries: Iterable[BalanceEntry]) -> Iterator[WrittenEvent]:
    journals: dict[BalanceKey, list[BalanceEntry]] = {}
    for entry in entries:
        journals.setdefault(entry.key, []).append(entry)
    for balance in balances:
        for part in _parts(journals.get(balance.key, [])):
            content = unchecked(BalanceChanged, {"balance": balance, "entries": part})
            yield _event(
                topic, balance_key(*balance.key), content, part[-1].occurred_at if part else balance.updated_at
            )


def _lean(row: R) -> R:
    """`row` with as much of it as is told: what an exchange, or anybody, writes in it has no bound."""
    if row.raw is None and (row.reason is None or len(row.reason) <= LONGEST_REASON):
        return row
    return revised(row, raw=None, reason=row.reason and row.reason[:LONGEST_REASON])


def _parts(rows: Sequence[T]) -> Iterator[tuple[T, ...]]:
    """`rows` in parts, one at least."""
    for start in range(0, len(rows) or 1, AT_ONCE):
        yield tuple(rows[start : start + AT_ONCE])


def _event(topic: str, key: str, content: FeedContent, occurred_at: datetime) -> WrittenEvent:
    return unchecked(
        WrittenEvent,
        {
            "id": ids.new_id(),
            "topic": topic,
            "key": key,
            "type": _TYPES[type(content)],
            "payload": content.model_dump_json(),
            "headers": "{}",
            "occurred_at": occurred_at,
        },
    )
