"""Loads, in PostgreSQL, what a decision rests on."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import timedelta
from operator import attrgetter
from typing import Any
from uuid import UUID

from metacore.domain.trading.asset_names import parse_keys
from metacore.domain.trading.commands import by_user
from metacore.domain.trading.decisions import FactWindow, Loaded, Selection, TradesOf, Unsettled, Versioned, row_key
from metacore.domain.trading.order_ids import OrderIds
from metacore.domain.trading.orders import OrderSide
from metacore.domain.trading.trades import Trade
from metacore.postgres.client.call import Row
from metacore.postgres.client.codecs import (
    BALANCE,
    BALANCE_ENTRY,
    ORDER_UPDATE,
    RESERVATION,
    TRADE,
    USER,
    USER_TRANSFER,
    to_array,
    to_text,
)
from metacore.postgres.client.named_calls import NamedCalls
from metacore.postgres.client.transaction_session import TransactionSession
from metacore.postgres.statements import transactions as statements
from metacore.postgres.statements.reservations import lock as lock_reservations
from metacore.postgres.storages.balance_writes import add_locks, distinct
from metacore.postgres.storages.turns import queue, queued

_OrderIds = Mapping[UUID, tuple[tuple[str, ...], dict[str, str]]]
"""For each user of whom orders are wanted, by which of the three ids, and an array of each."""


async def load(session: TransactionSession, selection: Selection) -> Loaded:
    """What `selection` names, locked, in one round trip; each call is about one user, users by id."""
    calls = _of_users(session, selection)
    orders = _order_ids(selection)
    _add_locks(calls, selection, orders)
    _add_reads(calls, selection, orders)
    locked = parse_keys(selection.locked_balances)
    add_locks(calls, locked, session.now(), "locked_balances", selection.skip_locked)
    _add_stored_locks(calls, selection, orders)
    if not calls.calls:
        session.check()
        return Loaded()
    found = calls.found(await session.pipeline("load", calls.calls))
    rows: Mapping[str, list[Any]] = defaultdict(
        list, {name: [row for _, row in of_name] for name, of_name in found.items()}
    )
    loaded = Loaded(
        users={user.id: user for user in USER.decode_all(rows["users"])},
        orders=tuple(rows["orders"]),
        reservations=RESERVATION.decode_all(rows["reservations"]),
        trades=_distinct((*rows["trades"], *rows["trades_by_id"])),
        balances=BALANCE.decode_all(rows["balances"]),
        entries=BALANCE_ENTRY.decode_all(rows["entries"]),
        user_transfers=USER_TRANSFER.decode_all(rows["user_transfers"]),
        unsettled={
            (user_id, TradesOf(OrderIds(*name), symbol, OrderSide(side))): Unsettled(quantity, quote_quantity)
            for user_id, (*name, symbol, side, quantity, quote_quantity) in found.get("unsettled", ())
        },
        facts=BALANCE_ENTRY.decode_all(rows["facts"]),
        placements={
            (user_id, trade_id): (known, placed_at)
            for user_id, (trade_id, known, placed_at) in found.get("placements", ())
        },
        stale_updates=ORDER_UPDATE.decode_all(rows["stale"]),
        update_seqs={(user_id, order_id): seq for user_id, (order_id, seq) in found.get("update_seqs", ())},
        asset_names=tuple(sorted({(user_id, asset) for user_id, (asset,) in found.get("asset_names", ())})),
        locked_balances=tuple(sorted(distinct(BALANCE.decode_all(rows["locked_balances"])), key=attrgetter("key"))),
    )
    session.remember(loaded.locked_balances)
    for user_id in loaded.users:
        session.locks.users[user_id] = True
    versioned: tuple[Versioned, ...] = (*loaded.orders, *loaded.reservations, *loaded.trades)
    session.locks.versions.maps[0].update((row_key(row), row.version) for row in versioned)
    return loaded


def _of_users(session: TransactionSession, selection: Selection) -> NamedCalls:
    """Those that queue for the users, and lock them."""
    if len(selection.users) == 1 and not selection.exclusive_users:
        (user_id,) = selection.users
        named = {"user_id": str(user_id)}
        *turn, lock_one = queued(session, user_id, statements.LOCK_USER, statements.QUEUE_AND_LOCK_USER, named)
        calls = NamedCalls(turn)
        calls.add_call("users", user_id, lock_one)
        return calls
    calls = NamedCalls(queue(session, selection.users, alone=selection.exclusive_users))
    lock = statements.LOCK_USER_EXCLUSIVELY if selection.exclusive_users else statements.LOCK_USER
    for user_id in sorted(selection.users):
        calls.add("users", user_id, lock)
    return calls


def _add_locks(calls: NamedCalls, selection: Selection, order_ids: _OrderIds) -> None:
    """Those that lock orders, then reservations."""
    for user_id, (kinds, arrays) in order_ids.items():
        calls.add("orders", user_id, statements.lock_orders(kinds, _holding(selection, user_id)), arrays)
    for user_id, (ids, references) in _reservations(selection).items():
        arrays = {"id": to_array(ids)} if ids else {}
        arrays |= _arrays(("asset", "reference"), references) if references else {}
        holding = _holding(selection, user_id)
        lock_them = lock_reservations(bool(ids), bool(references), holding, selection.skip_locked)
        calls.add("reservations", user_id, lock_them, arrays)


def _add_reads(calls: NamedCalls, selection: Selection, order_ids: _OrderIds) -> None:
    """Those that lock trades, and those that read what orders, reservations and trades are about."""
    for user_id, keys in by_user((trade[0], trade[1:]) for trade in set(selection.trades)).items():
        calls.add("trades", user_id, statements.TRADES, _arrays(statements.TRADE_KEY, sorted(keys)))
    for user_id, ids in by_user(set(selection.trade_ids)).items():
        calls.add("trades_by_id", user_id, statements.TRADES_BY_ID, {"id": to_array(sorted(ids))})
    for user_id, assets in by_user(selection.asset_names).items():
        calls.add("asset_names", user_id, statements.ASSET_NAMES, {"asset": to_array(assets)})
    for user_id, references in by_user((entry[0], entry[1:]) for entry in set(selection.entries)).items():
        calls.add("entries", user_id, statements.ENTRIES, _arrays(statements.ENTRY_REFERENCE, sorted(references)))
    for user_id, named in by_user(sorted(set(selection.user_transfers))).items():
        calls.add("user_transfers", user_id, statements.USER_TRANSFERS, {"reference": to_array(named)})
    for user_id, (kinds, arrays) in order_ids.items():
        holding = _holding(selection, user_id)
        if selection.unsettled:
            calls.add("unsettled", user_id, statements.unsettled(kinds, holding), arrays)
        if selection.stale_updates:
            calls.add("stale", user_id, statements.stale_updates(kinds, holding), arrays)
        if selection.update_seqs:
            calls.add("update_seqs", user_id, statements.update_seqs(kinds, holding), arrays)
    for user_id in sorted(selection.users):
        if selection.balances:
            calls.add("balances", user_id, statements.BALANCES)
        if selection.facts is not None:
            window = _window(selection.facts)
            calls.add("facts", user_id, statements.FACTS, window)
            calls.add("placements", user_id, statements.PLACEMENTS, window)


def _add_stored_locks(calls: NamedCalls, selection: Selection, order_ids: _OrderIds) -> None:
    """Those that lock balances, as far as they are stored, at the end."""
    named = by_user(parse_keys(selection.stored_balances))
    of_orders = set(order_ids) if selection.balances_of_orders else set[UUID]()
    for user_id in sorted({*named, *of_orders}):
        kinds, arrays = order_ids[user_id] if user_id in of_orders else ((), {})
        holding = user_id in of_orders and _holding(selection, user_id)
        lock_them = statements.lock_stored_balances(kinds, holding, user_id in of_orders)
        calls.add("locked_balances", user_id, lock_them, {**arrays, "asset": to_array(named.get(user_id, ()))})


def _holding(selection: Selection, user_id: UUID) -> bool:
    """Whether all that holds funds of this user is wanted: of one that is only named, it is not."""
    return selection.holding and user_id in selection.users


def _window(facts: FactWindow) -> dict[str, str | None]:
    return {
        "around": to_text(facts.around),
        "tolerance": f"{facts.tolerance // timedelta(microseconds=1)} microseconds",
        "later": to_text(facts.later),
    }


def _arrays(columns: Sequence[str], keys: Sequence[Sequence[object]]) -> dict[str, str]:
    return {name: to_array([key[i] for key in keys]) for i, name in enumerate(columns)}


def _distinct(rows: Sequence[Row]) -> tuple[Trade, ...]:
    trades = {(trade.user_id, trade.id): trade for trade in TRADE.decode_all(rows)}
    return tuple(trades[key] for key in sorted(trades))


def _order_ids(selection: Selection) -> _OrderIds:
    """The ids of the orders that are wanted."""
    named = by_user(selection.orders)
    found = {}
    for user_id in sorted({*named, *(selection.users if selection.holding else ())}):
        arrays: dict[str, str] = {}
        for field in OrderIds._fields:
            if names := {name for ids in named.get(user_id, ()) if (name := getattr(ids, field)) is not None}:
                arrays[field] = to_array(sorted(names) if field != "order_id" else sorted(name.hex for name in names))
        if arrays or _holding(selection, user_id):
            found[user_id] = tuple(arrays), arrays
    return found


def _reservations(selection: Selection) -> dict[UUID, tuple[Sequence[UUID], Sequence[tuple[str, str]]]]:
    """For each user of whom reservations are wanted, the ids and the references of those that are named."""
    ids = by_user(sorted(set(selection.reservations)))
    references = by_user((row[0], row[1:]) for row in sorted(set(selection.reservation_references)))
    users = {*ids, *references, *(selection.users if selection.holding else ())}
    return {user_id: (ids.get(user_id, ()), references.get(user_id, ())) for user_id in sorted(users)}
