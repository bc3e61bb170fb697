# Made from metacore/postgres/storages/transaction_save.py by `python tools/generate_sync.py`. Do not edit.
"""Saves, in PostgreSQL, what a decision changes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import TypeVar

from metacore.backends.expectations import Expectations
from metacore.domain.trading.asset_names import require_own_names
from metacore.domain.trading.balances import Balance, BalanceKey, apply_deltas, only_referenced
from metacore.domain.trading.decisions import Changes, row_key
from metacore.domain.trading.orders import Order
from metacore.domain.trading.trades import Trade
from metacore.postgres.client.codecs import BALANCE, ORDER, TRADE, to_array
from metacore.postgres.client.wire import Call
from metacore.postgres.statements import trades as trade_statements
from metacore.postgres.statements import transactions as statements
from metacore.postgres.statements.order_updates import APPEND
from metacore.sync.postgres.client.session import TransactionSession
from metacore.sync.postgres.storages.balances import lock, write
from metacore.sync.postgres.storages.order_updates import values_of as values_of_updates
from metacore.sync.postgres.storages.turns import queue
from metacore.sync.postgres.storages.users import change_user

R = TypeVar("R", Order, Trade)


def save(session: TransactionSession, changes: Changes) -> Mapping[BalanceKey, Balance]:
    """Check `changes` against what is locked, locking what is not, then write all of it in one round trip."""
    session.check()
    keys = sorted({(delta.user_id, delta.asset) for delta in changes.balance_deltas})
    if all(key in session.locks.balances for key in keys):
        return _save(session, changes, keys)
    # Locking stores missing balances: an error that dooms nothing must take them back.
    with session.transaction() as savepoint:
        return _save(savepoint, changes, keys)


def _save(session: TransactionSession, changes: Changes, keys: Sequence[BalanceKey]) -> Mapping[BalanceKey, Balance]:
    now = session.now()
    expectations = Expectations(changes)
    _lock(session, expectations, keys)
    expectations.check(session.locks.users, session.locks.versions.get)
    require_own_names(keys, session.locks.balances.values())
    balances = {key: session.locks.balances[key] for key in keys}
    changed, entries = apply_deltas(balances, changes.balance_deltas, now)
    calls: list[Call] = []
    for user_id, patch in sorted(changes.user_patches.items()):
        if patch.given():
            calls.append(change_user(user_id, patch, now))
    if new_orders := expectations.new_orders:
        calls.append((statements.INSERT_ORDERS, partial(ORDER.encode_all, new_orders)))
    if orders := expectations.orders:
        calls.append((statements.REPLACE_ORDERS, partial(ORDER.encode_all, orders, statements.REPLACED)))
    if changes.order_updates:
        calls.append((APPEND, partial(values_of_updates, changes.order_updates, now)))
    if new_trades := expectations.new_trades:
        calls.append((trade_statements.INSERT, partial(TRADE.encode_all, new_trades)))
    if trades := expectations.trades:
        calls.append((trade_statements.REPLACE, partial(TRADE.encode_all, trades)))
    if keys:
        calls.append(write(entries))
    if calls:
        session.pipeline("save", calls, subject=_subjects(changes))
    saved: list[Order | Trade] = [*changes.orders, *changes.trades]
    session.locks.versions.maps[0].update((row_key(row), row.version) for row in saved)
    session.remember(changed.values())
    return changed


def _lock(session: TransactionSession, expectations: Expectations, keys: Sequence[BalanceKey]) -> None:
    """Lock what `save` rests on and this transaction has not locked yet, the missing ones of the balances as zero."""
    locks = session.locks
    users = [user_id for user_id in expectations.owners if user_id not in locks.users]
    rows = {
        entity: [key for key in expectations.versions if key[0] == entity and key not in locks.versions]
        for entity in _CHECKS
    }
    balances = [key for key in keys if key not in locks.balances]
    calls: list[Call] = []
    turn = queue(session, users)
    if users:
        calls.append((statements.CHECK_USERS, {"ids": to_array(users)}))
    for entity, named_rows in rows.items():
        if named_rows:
            named = {
                "user_id": to_array([key[1] for key in named_rows]),
                "id": to_array([key[2] for key in named_rows]),
            }
            calls.append((_CHECKS[entity], named))
    if balances:
        calls += lock(session, balances)
    found = iter(session.pipeline("save", [*turn, *calls])[len(turn) :] if calls else [])
    if users:
        locks.users.update({row[0]: True for row in next(found)})
    for entity, named_rows in rows.items():
        if named_rows:
            locks.versions.update({(entity, row[0], row[1]): row[2] for row in next(found)})
    if balances:
        next(found)
        session.remember(BALANCE.decode_all(next(found)))


_CHECKS = {"order": statements.CHECK_ORDERS, "trade": statements.CHECK_TRADES}
"""What locks the rows of an entity and gives their versions."""


def _subjects(changes: Changes) -> dict[str, object]:
    """The row of each entity that is to be stored, if there is but one."""
    users = list(changes.user_patches.values())
    rows: dict[str, Sequence[object]] = {"user": users, "order": changes.orders, "trade": changes.trades}
    subjects = {entity: several[0] for entity, several in rows.items() if len(several) == 1}
    return subjects | {"balance entry": only_referenced(changes.balance_deltas)}
