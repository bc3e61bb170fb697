"""Loads, in PostgreSQL, what a decision rests on."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

from metacore.domain.trading.decisions import Loaded, Selection, TradesOf, Unsettled, row_key
from metacore.domain.trading.order_ids import OrderIds, UserOrderIds
from metacore.domain.trading.orders import OrderSide
from metacore.domain.trading.trades import Trade
from metacore.postgres.client.codecs import BALANCE, BALANCE_ENTRY, ORDER, ORDER_UPDATE, TRADE, USER, to_array, to_text
from metacore.postgres.client.session import TransactionSession
from metacore.postgres.client.wire import Call, Row
from metacore.postgres.statements import transactions as statements
from metacore.postgres.storages.turns import queue


async def load(session: TransactionSession, selection: Selection) -> Loaded:
    """What `selection` names, locked, in one round trip."""
    users = to_array(sorted(selection.users))
    named, arrays = _order_ids(selection.orders)
    calls: dict[str, Call] = {}
    if selection.users:
        if turn := queue(session, selection.users, selection.exclusive_users):
            (calls["turn"],) = turn
        lock = statements.LOCK_USERS_EXCLUSIVELY if selection.exclusive_users else statements.LOCK_USERS
        calls["users"] = (lock, {"ids": users})
    if named or selection.holding:
        calls["orders"] = (statements.lock_orders(named, selection.holding), {**arrays, "holders": users})
    if selection.trades:
        keys = sorted(set(selection.trades))
        columns = {name: to_array([key[i] for key in keys]) for i, name in enumerate(statements.TRADE_KEY)}
        calls["trades"] = (statements.TRADES, columns)
    if selection.trade_ids:
        ids = sorted(set(selection.trade_ids))
        columns = {"user_id": to_array([key[0] for key in ids]), "id": to_array([key[1] for key in ids])}
        calls["trades_by_id"] = (statements.TRADES_BY_ID, columns)
    if selection.balances:
        calls["balances"] = (statements.BALANCES, {"ids": users})
    if selection.entries:
        keys = sorted(set(selection.entries))
        columns = {name: to_array([key[i] for key in keys]) for i, name in enumerate(statements.ENTRY_REFERENCE)}
        calls["entries"] = (statements.ENTRIES, columns)
    if selection.unsettled and (named or selection.holding):
        calls["unsettled"] = (statements.unsettled(named, selection.holding), {**arrays, "holders": users})
    if (facts := selection.facts) is not None:
        window = {
            "ids": users,
            "around": to_text(facts.around),
            "tolerance": f"{facts.tolerance // timedelta(microseconds=1)} microseconds",
            "later": to_text(facts.later),
        }
        calls["facts"] = (statements.FACTS, window)
        calls["placements"] = (statements.PLACEMENTS, window)
    if selection.stale_updates and (named or selection.holding):
        calls["stale"] = (statements.stale_updates(named, selection.holding), {**arrays, "holders": users})
    if not calls:
        session.check()
        return Loaded()
    rows: dict[str, list[Row]] = dict(zip(calls, await session.pipeline("load", list(calls.values())), strict=True))
    loaded = Loaded(
        users={user.id: user for user in USER.decode_all(rows.get("users", ()))},
        orders=ORDER.decode_all(rows.get("orders", ())),
        trades=_distinct((*rows.get("trades", ()), *rows.get("trades_by_id", ()))),
        balances=BALANCE.decode_all(rows.get("balances", ())),
        entries=BALANCE_ENTRY.decode_all(rows.get("entries", ())),
        unsettled={
            (user_id, TradesOf(OrderIds(*name), symbol, OrderSide(side))): Unsettled(quantity, quote_quantity)
            for user_id, *name, symbol, side, quantity, quote_quantity in rows.get("unsettled", ())
        },
        facts=BALANCE_ENTRY.decode_all(rows.get("facts", ())),
        placements={
            (user_id, trade_id): (known, placed_at)
            for user_id, trade_id, known, placed_at in rows.get("placements", ())
        },
        stale_updates=ORDER_UPDATE.decode_all(rows.get("stale", ())),
    )
    for user_id in loaded.users:
        session.locks.users[user_id] = True
    for order in loaded.orders:
        session.locks.versions[row_key(order)] = order.version
    return loaded


def _distinct(rows: Sequence[Row]) -> tuple[Trade, ...]:
    trades = {(trade.user_id, trade.id): trade for trade in TRADE.decode_all(rows)}
    return tuple(trades[key] for key in sorted(trades))


def _order_ids(orders: Sequence[UserOrderIds]) -> tuple[tuple[str, ...], dict[str, str]]:
    """Which of the three ids name any of `orders`, and an array of each."""
    arrays: dict[str, str] = {}
    for field in OrderIds._fields:
        if named := sorted({(user_id, name) for user_id, ids in orders if (name := getattr(ids, field)) is not None}):
            arrays[f"{field}_user_id"] = to_array([user_id for user_id, _ in named])
            arrays[field] = to_array([name for _, name in named])
    return tuple(field for field in OrderIds._fields if field in arrays), arrays
