"""The calls that lock balances and change them, in PostgreSQL."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from functools import partial
from itertools import chain, islice
from uuid import UUID

from metacore.domain.trading.balances import Balance, BalanceEntry, BalanceKey
from metacore.domain.trading.commands import by_user
from metacore.postgres.client.call import Call
from metacore.postgres.client.codecs import BALANCE, BALANCE_ENTRY, of_user, to_array, to_text
from metacore.postgres.client.named_calls import NamedCalls
from metacore.postgres.statements import balances as statements


def add_locks(
    calls: NamedCalls, keys: Iterable[BalanceKey], now: datetime, name: str = "balances", skip_locked: bool = False
) -> None:
    """Add those that store the missing balances as zero, and then lock and load all of `keys`, under `name`; if so, but
    for those that another transaction has locked.
    """
    for user_id, assets in by_user(keys).items():
        named = {"asset": to_array(assets)}
        calls.add("ensured", user_id, statements.ENSURE, {**named, "now": to_text(now)})
        calls.add(name, user_id, statements.lock_many(skip_locked), named)


def add_lock_of_all(calls: NamedCalls, user_id: UUID, assets: Iterable[str], now: datetime) -> None:
    """Add those that store the missing ones of `assets` as zero, and then lock and load all balances of the user."""
    calls.add("ensured", user_id, statements.ENSURE, {"asset": to_array(assets), "now": to_text(now)})
    calls.add("balances", user_id, statements.LOCK_ALL)


def distinct(balances: Iterable[Balance]) -> tuple[Balance, ...]:
    """Each of `balances` once: one may have been named in two cases."""
    return tuple({balance.key: balance for balance in balances}.values())


def write(changed: Iterable[Balance], entries: Iterable[BalanceEntry]) -> list[Call]:
    """The calls that write `entries`, and make the balances that they `changed` what the newest of each left.

    The two belong together: no other statement changes an amount.
    """
    moved = by_user((balance.user_id, balance) for balance in changed)
    # Those of one user are made only when they are sent, while the server is at work already.
    written: Mapping[UUID, Iterable[BalanceEntry]] = dict.fromkeys(moved, entries)
    if len(moved) > 1:
        written = by_user((entry.user_id, entry) for entry in entries)
    calls: list[Call] = []
    for user_id, balances in moved.items():
        own, now = iter(written[user_id]), balances[0].updated_at
        first = tuple(islice(own, 2))
        if len(first) == 1:
            calls.append((statements.INSERT_ENTRY, BALANCE_ENTRY.encode(first[0])))
        else:
            calls.append((statements.INSERT_ENTRIES, partial(_values_of, user_id, chain(first, own), now)))
        calls.append((statements.FOLLOW_ENTRIES, of_user(BALANCE, user_id, balances, ("asset", "last_seq"))))
    return calls


def _values_of(user_id: UUID, entries: Iterable[BalanceEntry], now: datetime) -> dict[str, str | None]:
    return {**of_user(BALANCE_ENTRY, user_id, entries, statements.ENTERED), "created_at": to_text(now)}
