"""Saves, in PostgreSQL, what a decision changes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Generic, TypeVar
from uuid import UUID

from metacore.domain.balances import BalanceKey, apply_deltas, only_referenced
from metacore.domain.changes import Changes
from metacore.domain.orders import Order
from metacore.domain.trades import Trade
from metacore.errors import MetacoreError, NotFoundError, StaleVersionError
from metacore.postgres.codecs import BALANCE, ORDER, to_array
from metacore.postgres.statements import trades as trade_statements
from metacore.postgres.statements import transactions as statements
from metacore.postgres.statements.order_updates import APPEND
from metacore.postgres.storages.balances import lock, write
from metacore.postgres.storages.order_updates import values_of
from metacore.postgres.storages.session import TransactionSession
from metacore.postgres.storages.trades import write_trades
from metacore.postgres.wire import Call

RowKey = tuple[UUID, UUID]
R = TypeVar("R", Order, Trade)


async def save(session: TransactionSession, changes: Changes) -> None:
    """Check `changes` against what is locked, locking what is not, then write all of it in one round trip."""
    session.check()
    if all(delta.key in session.held.balances for delta in changes.balance_deltas):
        await _save(session, changes)
    else:
        # Locking stores missing balances: an error that dooms nothing must take them back.
        async with session.atomic() as savepoint:
            await _save(savepoint, changes)


async def _save(session: TransactionSession, changes: Changes) -> None:
    now = session.now()
    orders, trades = _Rows(changes, changes.orders), _Rows(changes, changes.trades)
    updated = {(update.user_id, update.order_id) for update in changes.order_updates} - orders.inserted.keys()
    keys = sorted({delta.key for delta in changes.balance_deltas})
    try:
        await _lock(session, orders, trades, updated, keys)
        balances = {key: session.held.balances[key] for key in keys}
        changed, entries = apply_deltas(balances, changes.balance_deltas, now)
    except MetacoreError as error:
        if error.dooms_transaction:
            session.doom(error)
        raise
    calls: list[Call] = []
    if orders.inserted:
        calls.append((statements.INSERT_ORDERS, ORDER.encode_all(list(orders.inserted.values()))))
    if orders.replaced:
        calls.append((statements.REPLACE_ORDERS, ORDER.encode_all(list(orders.replaced.values()), statements.REPLACED)))
    if changes.order_updates:
        calls.append((APPEND, values_of(changes.order_updates, now)))
    if trades.inserted:
        calls.append(write_trades(trade_statements.INSERT, list(trades.inserted.values())))
    if trades.replaced:
        calls.append(write_trades(trade_statements.REPLACE, list(trades.replaced.values())))
    if entries:
        calls.append(write(entries))
    if calls:
        await session.pipeline("save", calls, subject=_subjects(changes))
    for order in changes.orders:
        session.held.versions["orders", order.user_id, order.id] = order.version
    for trade in changes.trades:
        session.held.versions["trades", trade.user_id, trade.id] = trade.version
    session.remember(changed.values())


class _Rows(Generic[R]):
    """The orders or trades of `changes`: those to be inserted, those to be replaced and the versions these must
    have.
    """

    def __init__(self, changes: Changes, rows: Sequence[R]) -> None:
        self.inserted: dict[RowKey, R] = {}
        self.replaced: dict[RowKey, R] = {}
        self.expected: dict[RowKey, int] = {}
        for row in rows:
            key, expected = (row.user_id, row.id), changes.expected_version(row)
            if expected:
                self.replaced[key], self.expected[key] = row, expected
            else:
                self.inserted[key] = row


async def _lock(
    session: TransactionSession,
    orders: _Rows[Order],
    trades: _Rows[Trade],
    updated: set[RowKey],
    keys: Sequence[BalanceKey],
) -> None:
    """Lock what `save` rests on and this transaction has not locked yet; NotFoundError, StaleVersionError."""
    held = session.held
    owners = {key[0] for rows in (orders, trades) for key in rows.inserted} | {key[0] for key in keys}
    users = sorted(owners - held.users.keys())
    wanted = {
        "orders": sorted(key for key in orders.expected.keys() | updated if ("orders", *key) not in held.versions),
        "trades": sorted(key for key in trades.expected if ("trades", *key) not in held.versions),
    }
    unheld = [key for key in keys if key not in held.balances]
    calls: list[Call] = []
    if users:
        calls.append((statements.CHECK_USERS, {"ids": to_array(users)}))
    for table, statement in (("orders", statements.CHECK_ORDERS), ("trades", statements.CHECK_TRADES)):
        if wanted[table]:
            calls.append(
                (
                    statement,
                    {
                        "user_id": to_array([key[0] for key in wanted[table]]),
                        "id": to_array([key[1] for key in wanted[table]]),
                    },
                )
            )
    if unheld:
        calls += lock(session, unheld)
    rows = iter(await session.pipeline("save", calls) if calls else [])
    if users:
        held.users.update({row[0]: True for row in next(rows)})
    for table in ("orders", "trades"):
        if wanted[table]:
            held.versions.update({(table, row[0], row[1]): row[2] for row in next(rows)})
    if unheld:
        next(rows)
        session.remember(BALANCE.decode_all(next(rows)))
    for user_id in sorted(owners):
        if user_id not in held.users:
            raise NotFoundError("user", user_id)
    for entity, changed, also in (("order", orders, updated), ("trade", trades, set[RowKey]())):
        for key in sorted(changed.expected.keys() | also):
            actual = held.versions.get((entity + "s", *key))
            if actual is None:
                raise NotFoundError(entity, key)
            expected = changed.expected.get(key, actual)
            if actual != expected:
                raise StaleVersionError(entity, key, expected=expected, actual=actual)


def _subjects(changes: Changes) -> dict[str, object]:
    """The row of each entity that is to be stored, if there is but one."""
    rows: dict[str, Sequence[object]] = {"order": changes.orders, "trade": changes.trades}
    subjects = {entity: several[0] for entity, several in rows.items() if len(several) == 1}
    return subjects | {"balance entry": only_referenced(changes.balance_deltas)}
