# Made from metacore/postgres/storages/loading.py by `python tools/generate_sync.py`. Do not edit.
"""Loads, in PostgreSQL, what a decision rests on."""

from __future__ import annotations

from metacore.domain.trading.decisions import Loaded, OrderReference, Unsettled, Wanted, row_key
from metacore.postgres.client.codecs import BALANCE_ENTRY, ORDER, TRADE, USER, to_array, to_text
from metacore.postgres.client.wire import Call, Row
from metacore.postgres.statements import transactions as statements
from metacore.sync.postgres.client.session import TransactionSession


def load(session: TransactionSession, wanted: Wanted) -> Loaded:
    """What `wanted` names, locked, in one round trip."""
    users = to_array(sorted(wanted.users))
    given, references = _references(wanted.orders)
    calls: dict[str, Call] = {}
    if wanted.users:
        lock = statements.LOCK_USERS_EXCLUSIVELY if wanted.exclusive_users else statements.LOCK_USERS
        calls["users"] = (lock, {"ids": users})
    if given or wanted.holding:
        calls["orders"] = (statements.lock_orders(given, wanted.holding), {**references, "holders": users})
    if wanted.trades:
        keys = sorted(set(wanted.trades))
        columns = {name: to_array([key[i] for key in keys]) for i, name in enumerate(statements.TRADE_KEY)}
        calls["trades"] = (statements.TRADES, columns)
    if wanted.entries:
        keys = sorted(set(wanted.entries))
        columns = {name: to_array([key[i] for key in keys]) for i, name in enumerate(statements.ENTRY_REFERENCE)}
        calls["entries"] = (statements.ENTRIES, columns)
    if wanted.unsettled and (given or wanted.holding):
        calls["unsettled"] = (statements.unsettled(given, wanted.holding), {**references, "holders": users})
    if wanted.moved_after is not None:
        calls["moved"] = (statements.MOVED, {"ids": users, "moved_after": to_text(wanted.moved_after)})
    if not calls:
        session.check()
        return Loaded()
    rows: dict[str, list[Row]] = dict(zip(calls, session.pipeline("load", list(calls.values())), strict=True))
    loaded = Loaded(
        users={user.id: user for user in USER.decode_all(rows.get("users", ()))},
        orders=ORDER.decode_all(rows.get("orders", ())),
        trades=TRADE.decode_all(rows.get("trades", ())),
        entries=BALANCE_ENTRY.decode_all(rows.get("entries", ())),
        unsettled={
            OrderReference(user_id, *name): Unsettled(quantity, quote_quantity)
            for user_id, *name, quantity, quote_quantity in rows.get("unsettled", ())
        },
        moved=bool(rows.get("moved", [(False,)])[0][0]),
    )
    for user_id in loaded.users:
        session.locks.users[user_id] = True
    for order in loaded.orders:
        session.locks.versions[row_key(order)] = order.version
    return loaded


def _references(references: tuple[OrderReference, ...]) -> tuple[tuple[str, ...], dict[str, str]]:
    """Which kinds of ids `references` give, and the arrays of each kind."""
    arrays: dict[str, str] = {}
    given = []
    for name, field in zip(statements.REFERENCES, ("order_id", "exchange_order_id", "client_order_id"), strict=True):
        named = sorted({(r.user_id, getattr(r, field)) for r in references if getattr(r, field) is not None})
        if named:
            given.append(name)
            arrays |= {
                f"{name}_user_id": to_array([key[0] for key in named]),
                name: to_array([key[1] for key in named]),
            }
    return tuple(given), arrays
