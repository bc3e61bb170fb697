"""Saves, in PostgreSQL, what a decision changes."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import partial
from itertools import chain
from typing import Any, NamedTuple, TypeVar
from uuid import UUID

from metacore.backends.expectations import Expectations
from metacore.domain.messages.feed import events_of
from metacore.domain.people.names import names_of, renames
from metacore.domain.people.users import UserPatch
from metacore.domain.trading.asset_names import require_own_names
from metacore.domain.trading.balances import Balance, BalanceKey
from metacore.domain.trading.commands import Owned, by_user
from metacore.domain.trading.decisions import Changes, RowKey, Versioned, ids_of, row_key
from metacore.domain.trading.entries import apply_deltas, only_referenced
from metacore.domain.trading.user_transfers import UserTransfer
from metacore.errors import InvalidDataError
from metacore.postgres.client.call import Call
from metacore.postgres.client.codecs import (
    BALANCE,
    ORDER,
    RESERVATION,
    TRADE,
    USER,
    USER_TRANSFER,
    Codec,
    of_user,
    to_array,
)
from metacore.postgres.client.named_calls import NamedCalls
from metacore.postgres.client.statement import Statement
from metacore.postgres.client.transaction_session import TransactionSession
from metacore.postgres.statements import reservations as reservation_statements
from metacore.postgres.statements import trades as trade_statements
from metacore.postgres.statements import transactions as statements
from metacore.postgres.statements.order_updates import APPEND, APPEND_ONE
from metacore.postgres.statements.users import LOCK
from metacore.postgres.storages.balance_writes import add_locks, write
from metacore.postgres.storages.names import exchange
from metacore.postgres.storages.order_updates import values_of as values_of_updates
from metacore.postgres.storages.outbox_events import append
from metacore.postgres.storages.turns import queue
from metacore.postgres.storages.users import change_user

T = TypeVar("T", bound=Owned)


async def save(
    session: TransactionSession, changes: Changes, others: Iterator[Changes] | None, last: bool
) -> Mapping[BalanceKey, Balance]:
    """Check `changes` against what is locked, locking what is not, then write all of it in one round trip: with the
    `others`, if there are any, each of which is asked for when those before it are sent.

    If it is the `last` operation, and nothing of the balances was to be locked, that round trip ends the transaction.
    """
    session.check()
    expectations = Expectations(changes)
    if all(key in session.locks.balances for key in expectations.balances):
        return await _save(session, changes, expectations, others, last)
    # Locking stores missing balances: an error that dooms nothing must take them back.
    async with session.transaction() as savepoint:
        return await _save(savepoint, changes, expectations, others, last=False)


async def _save(
    session: TransactionSession,
    changes: Changes,
    expectations: Expectations,
    others: Iterator[Changes] | None,
    last: bool,
) -> Mapping[BalanceKey, Balance]:
    renamed = await _lock(session, changes, expectations)
    calls, saved = _calls(session, changes, expectations, renamed)
    send = session.finish if last else session.pipeline
    if others is not None:
        await send("save", chain(calls, _calls_of_others(session, others, saved)), subject={})
    elif calls:
        await send("save", calls, subject=_subjects(changes))
    return saved


def _calls_of_others(
    session: TransactionSession, others: Iterable[Changes], saved: dict[BalanceKey, Balance]
) -> Iterator[Call]:
    """The calls that write the `others`, made as they are taken; what each leaves of the balances is put in `saved`."""
    for changes in others:
        expectations = Expectations(changes)
        if not _wanting(session, changes, expectations).is_nothing:
            raise InvalidDataError("a part rests on what is not locked; load that before", field="changes")
        calls, left = _calls(session, changes, expectations, {})
        saved |= left
        yield from calls


def _calls(
    session: TransactionSession,
    changes: Changes,
    expectations: Expectations,
    renamed: Mapping[UUID, Sequence[Call]],
) -> tuple[list[Call], dict[BalanceKey, Balance]]:
    """The calls that write `changes`, all of which is locked, and the balances that they leave: as if written, what
    is locked has become that.
    """
    now, locks = session.now(), session.locks
    expectations.check(locks.users, locks.versions.get)
    require_own_names(expectations.balances, locks.balances.values())
    balances = {key: locks.balances[key] for key in expectations.balances}
    changed, entries = apply_deltas(balances, changes.balance_deltas, now)
    appends: Sequence[Call] = ()
    if changes.feed is not None:
        entries = iter(made := tuple(entries))
        appends = append(events_of(changes, changed.values(), made, now), now)
    calls: list[Call] = []
    for user_id, patch in sorted(changes.user_patches.items()):
        if patch.named_values():
            calls += renamed.get(user_id, ())
            calls.append(change_user(user_id, patch, now))
    calls += _writes(expectations.new_orders, statements.INSERT_ORDERS, ORDER, statements.INSERT_ORDER)
    calls += _writes(expectations.orders, statements.REPLACE_ORDERS, ORDER, statements.REPLACE_ORDER)
    if len(changes.order_updates) == 1:
        calls.append((APPEND_ONE, {**changes.order_updates[0].__dict__, "recorded_at": now}))
    elif changes.order_updates:
        for user_id, updates in by_user(_owned(changes.order_updates)).items():
            calls.append((APPEND, partial(values_of_updates, user_id, updates, now)))
    calls += _writes(
        expectations.new_reservations, reservation_statements.INSERT, RESERVATION, reservation_statements.INSERT_ONE
    )
    calls += _writes(
        expectations.reservations, reservation_statements.REPLACE, RESERVATION, reservation_statements.REPLACE_ONE
    )
    calls += _writes(expectations.new_trades, trade_statements.INSERT, TRADE, trade_statements.INSERT_ONE)
    calls += _writes(expectations.trades, trade_statements.REPLACE, TRADE)
    calls += _writes(
        changes.user_transfers, statements.INSERT_USER_TRANSFERS, USER_TRANSFER, statements.INSERT_USER_TRANSFER
    )
    calls += [*write(changed.values(), entries), *appends]
    saved: list[Versioned] = [*changes.orders, *changes.reservations, *changes.trades]
    locks.versions.maps[0].update((row_key(row), row.version) for row in saved)
    session.remember(changed.values())
    return calls, changed


class _Wanting(NamedTuple):
    """What `save` rests on and this transaction has not locked yet."""

    users: set[UUID]
    renamed: Mapping[UUID, UserPatch]
    rows: Mapping[str, list[RowKey]]
    balances: list[BalanceKey]

    @property
    def is_nothing(self) -> bool:
        return not (self.users or self.renamed or self.rows or self.balances)


def _wanting(session: TransactionSession, changes: Changes, expectations: Expectations) -> _Wanting:
    locks = session.locks
    unlocked = [key for key in expectations.versions if key not in locks.versions]
    return _Wanting(
        {user_id for user_id in expectations.owners if user_id not in locks.users},
        {user_id: patch for user_id, patch in changes.user_patches.items() if renames(patch)},
        {entity: [key for key in unlocked if key[0] == entity] for entity in (_CHECKS if unlocked else ())},
        [key for key in expectations.balances if key not in locks.balances],
    )


async def _lock(
    session: TransactionSession, changes: Changes, expectations: Expectations
) -> Mapping[UUID, Sequence[Call]]:
    """Lock what `save` rests on and this transaction has not locked yet, the missing ones of the balances as zero.

    The calls that change the names of users, by user.
    """
    wanting = _wanting(session, changes, expectations)
    if wanting.is_nothing:
        return {}
    locks, (users, renamed, rows, balances) = session.locks, wanting
    calls = NamedCalls(queue(session, users))
    for user_id in sorted(users | renamed.keys()):
        if user_id in renamed:
            calls.add("renamed", user_id, LOCK)
        else:
            calls.add("user", user_id, statements.CHECK_USER)
    for entity, named_rows in rows.items():
        for user_id, ids in by_user(map(ids_of, named_rows)).items():
            calls.add(entity, user_id, _CHECKS[entity], {"id": to_array(ids)})
    add_locks(calls, balances, session.now())
    found = calls.found(await session.pipeline("save", calls.calls))
    before = {user_id: USER.decode(row) for user_id, row in found.get("renamed", ())}
    locks.users.update({user_id: True for user_id, _ in (*found.get("user", ()), *found.get("renamed", ()))})
    for entity in rows:
        locks.versions.update({(entity, row[0].int, row[1].int): row[2] for _, row in found.get(entity, ())})
    session.remember(BALANCE.decode_all(row for _, row in found.get("balances", ())))
    now = session.now()
    return {
        user_id: exchange(user_id, names_of(user), names_of(user.patched(renamed[user_id], now)))
        for user_id, user in before.items()
    }


def _writes(
    rows: Sequence[Versioned | UserTransfer], statement: Statement, codec: Codec[Any], one: Statement | None = None
) -> list[Call]:
    """The calls of `statement`, one for each user, that store `rows`; or of `one`, which stores a single row."""
    if not rows:
        return []
    if one is not None and len(rows) == 1:
        return [(one, codec.encode(rows[0]))]
    owned = by_user(_owned(rows)).items()
    return [(statement, partial(of_user, codec, user_id, own, codec.columns)) for user_id, own in owned]


def _owned(rows: Iterable[T]) -> Iterable[tuple[UUID, T]]:
    return ((row.user_id, row) for row in rows)


_CHECKS = {
    "order": statements.CHECK_ORDERS,
    "reservation": reservation_statements.CHECK,
    "trade": statements.CHECK_TRADES,
}
"""What locks the rows of an entity and gives their versions."""


def _subjects(changes: Changes) -> dict[str, object]:
    """The row of each entity that is to be stored, if there is but one."""
    users = list(changes.user_patches.values())
    rows: dict[str, Sequence[object]] = {
        "user": users,
        "order": changes.orders,
        "reservation": changes.reservations,
        "trade": changes.trades,
        "transfer": changes.user_transfers,
    }
    subjects = {entity: several[0] for entity, several in rows.items() if len(several) == 1}
    return subjects | {"balance entry": only_referenced(changes.balance_deltas)}
