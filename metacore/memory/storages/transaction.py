"""A transaction in memory."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from metacore.backends.bundles import BaseTransaction
from metacore.backends.expectations import Expectations
from metacore.domain.messages.feed import events_of
from metacore.domain.people.users import User
from metacore.domain.trading.asset_names import parse_keys
from metacore.domain.trading.balances import Balance, BalanceEntry, BalanceKey
from metacore.domain.trading.decisions import Changes, Loaded, RowKey, Selection, TradesOf, Unsettled, Versioned, ids_of
from metacore.domain.trading.facts import Placement
from metacore.domain.trading.orders import Order, OrderKey
from metacore.domain.trading.trades import Trade
from metacore.domain.values.amounts import total
from metacore.errors import AlreadyExistsError
from metacore.memory.schema import Views
from metacore.memory.storages.balances import apply_to_stored, find_named, lock_balances, put_entries
from metacore.memory.storages.order_updates import insert_updates
from metacore.memory.storages.orders import insert_order, put_order
from metacore.memory.storages.outbox import append_events
from metacore.memory.storages.reservations import find_reservations, insert_reservation
from metacore.memory.storages.session import TransactionSession
from metacore.memory.storages.trades import insert_trade, put_trade
from metacore.memory.storages.users import put_user
from metacore.memory.views import View


class MemoryTransaction(BaseTransaction):
    """`metacore.storage.storage.Transaction` over dictionaries."""

    package = "metacore.memory.storages"
    _session: TransactionSession

    async def _load(self, selection: Selection) -> Loaded:
        async with self._session.write() as tables:
            users = [user for user_id in sorted(selection.users) if (user := tables.users.get((user_id,))) is not None]
            orders = _find_orders(tables, selection)
            return Loaded(
                users={user.id: user for user in users},
                orders=orders,
                reservations=find_reservations(
                    tables,
                    set(selection.reservations),
                    set(selection.reservation_references),
                    selection.users if selection.holding else frozenset(),
                ),
                trades=_find_trades(tables, selection),
                balances=tuple(balance for user in users for balance in tables.balances.group(user.id))
                if selection.balances
                else (),
                entries=tuple(
                    entry
                    for reference in sorted(set(selection.entries))
                    if (entry := tables.balance_entries.find("reference", reference)) is not None
                ),
                user_transfers=tuple(
                    transfer
                    for key in sorted(set(selection.user_transfers))
                    if (transfer := tables.user_transfers.get(key)) is not None
                ),
                stale_updates=tuple(row for order in orders for row in tables.order_updates.select("stale", order.key))
                if selection.stale_updates
                else (),
                update_seqs=_update_seqs(tables, orders) if selection.update_seqs else {},
                unsettled=_unsettled(tables, selection, orders) if selection.unsettled else {},
                asset_names=tuple(balance.key for balance in find_named(tables, selection.asset_names)),
                facts=_find_facts(tables, selection, users),
                placements=_find_placements(tables, selection, users),
                locked_balances=_lock_balances(tables, selection, orders, self._session.now()),
            )

    async def _save(
        self,
        changes: Changes,
        others: Iterator[Changes] | None,
        last: bool,  # noqa: ARG002
    ) -> Mapping[BalanceKey, Balance]:
        now = self._session.now()
        async with self._session.write() as tables:
            saved = {**_save(tables, changes, now)}
            for part in others or ():
                saved.update(_save(tables, part, now))
            return saved


def _save(tables: Views, changes: Changes, now: datetime) -> Mapping[BalanceKey, Balance]:
    expectations = Expectations(changes)
    users = {user_id for user_id in expectations.owners if tables.users.get((user_id,)) is not None}
    expectations.check(users, lambda key: _version(tables, key))
    balances, made = apply_to_stored(tables, changes.balance_deltas, now)
    entries = tuple(made)
    events = events_of(changes, balances.values(), entries, now)
    for user_id, patch in sorted(changes.user_patches.items()):
        if patch.named_values() and (user := tables.users.get((user_id,))) is not None:
            put_user(tables, user.patched(patch, now))
    for order in expectations.new_orders:
        insert_order(tables, order)
    for order in expectations.orders:
        put_order(tables, order)
    insert_updates(tables, changes.order_updates, now)
    for new_reservation in expectations.new_reservations:
        insert_reservation(tables, new_reservation)
    for reservation in expectations.reservations:
        tables.reservations.put(reservation)
    for trade in expectations.new_trades:
        insert_trade(tables, trade)
    for trade in expectations.trades:
        put_trade(tables, trade)
    for transfer in changes.user_transfers:
        if tables.user_transfers.get(transfer.key) is not None:
            raise AlreadyExistsError("transfer", "reference", transfer.reference)
        tables.user_transfers.put(transfer)
    put_entries(tables, balances.values(), entries)
    append_events(tables, [event.read() for event in events], now)
    return balances


def _version(tables: Views, key: RowKey) -> int | None:
    views: dict[str, View[Any, Any]] = {
        "order": tables.orders,
        "reservation": tables.reservations,
        "trade": tables.trades,
    }
    row: Versioned | None = views[key[0]].get(ids_of(key))
    return None if row is None else row.version


def _find_orders(tables: Views, selection: Selection) -> tuple[Order, ...]:
    found: dict[OrderKey, Order] = {}
    for user_id, ids in selection.orders:
        for order in (
            ids.order_id and tables.orders.get((user_id, ids.order_id)),
            ids.exchange_order_id and tables.orders.find("exchange_order_id", (user_id, ids.exchange_order_id)),
            ids.client_order_id and tables.orders.find("client_order_id", (user_id, ids.client_order_id)),
        ):
            if isinstance(order, Order):
                found[order.key] = order
    if selection.holding:
        for user_id in selection.users:
            found.update({order.key: order for order in tables.orders.select("holding", user_id)})
    return tuple(found[key] for key in sorted(found))


def _lock_balances(tables: Views, selection: Selection, orders: Iterable[Order], now: datetime) -> tuple[Balance, ...]:
    found = {balance.key: balance for balance in lock_balances(tables, selection.locked_balances, now)}
    stored = set(parse_keys(selection.stored_balances))
    if selection.balances_of_orders:
        for order in orders:
            assets = order.base_asset, order.quote_asset, order.held_asset
            stored |= {(order.user_id, asset) for asset in assets if asset is not None}
    found |= {key: balance for key in stored if (balance := tables.balances.get(key)) is not None}
    return tuple(found[key] for key in sorted(found))


def _find_trades(tables: Views, selection: Selection) -> tuple[Trade, ...]:
    found = {
        (trade.user_id, trade.id): trade for key in set(selection.trades) for trade in tables.trades.select("key", key)
    }
    found |= {key: trade for key in selection.trade_ids if (trade := tables.trades.get(key)) is not None}
    return tuple(found[key] for key in sorted(found))


def _update_seqs(tables: Views, orders: Iterable[Order]) -> Mapping[OrderKey, int]:
    newest = {order.key: tables.order_updates.last("order", order.key) for order in orders}
    return {key: 0 if update is None else update.seq for key, update in newest.items()}


def _unsettled(
    tables: Views, selection: Selection, orders: tuple[Order, ...]
) -> Mapping[tuple[UUID, TradesOf], Unsettled]:
    named = [*selection.orders, *((order.user_id, order.order_ids) for order in orders)]
    found: dict[tuple[UUID, TradesOf], list[Trade]] = {}
    for name in {(user_id, name) for user_id, ids in named for name in ids.names()}:
        for trade in tables.trades.select("unsettled", name):
            found.setdefault((trade.user_id, TradesOf.of(trade)), []).append(trade)
    return {
        key: Unsettled(
            quantity=total(trade.quantity for trade in trades),
            quote_quantity=total(trade.quote_quantity for trade in trades),
        )
        for key, trades in found.items()
    }


def _find_facts(tables: Views, selection: Selection, users: Sequence[User]) -> tuple[BalanceEntry, ...]:
    rows = [
        entry
        for user in users
        if (window := _window(selection, user)) is not None
        for entry in tables.balance_entries.between("fact", user.id, *window)
    ]
    return tuple(sorted(rows, key=lambda entry: (entry.user_id, entry.asset, entry.seq)))


def _find_placements(
    tables: Views, selection: Selection, users: Sequence[User]
) -> Mapping[tuple[UUID, UUID], Placement]:
    placements: dict[tuple[UUID, UUID], Placement] = {}
    for user in users:
        if (window := _window(selection, user)) is not None:
            for trade in tables.trades.between("settled", user.id, *window):
                order = None if trade.order_id is None else tables.orders.get((user.id, trade.order_id))
                placements[user.id, trade.id] = (order is not None, order.placed_at if order is not None else None)
    return placements


def _window(selection: Selection, user: User) -> tuple[datetime, datetime] | None:
    """From when to when the facts of `user` are selected; None if none are."""
    facts = selection.facts
    around = None if facts is None else facts.around or user.balances_as_of
    return None if facts is None or around is None else facts.bounds(around)
