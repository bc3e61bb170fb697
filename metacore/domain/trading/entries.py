"""The entries that deltas become: what they leave of the balances, and the chain that they form."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from decimal import Decimal
from functools import lru_cache, partial
from hashlib import sha256
from typing import Any

from metacore.domain.trading.balances import UNIQUELY_REFERENCED, Balance, BalanceDelta, BalanceEntry, BalanceKey
from metacore.domain.values.amounts import LIMIT, TOO_LARGE, canonical, exact
from metacore.domain.values.model import revised, unchecked
from metacore.errors import InsufficientFundsError, InvalidDataError

_SEPARATOR = "\0"
"""No text that can be stored has it, so that no two entries are hashed alike."""

# The entries of a decision share a few times, and their texts cost as much as the rest of the hash.
_time_text = lru_cache(maxsize=256)(partial(datetime.isoformat, timespec="microseconds"))


def apply_deltas(
    balances: dict[BalanceKey, Balance], deltas: Sequence[BalanceDelta], now: datetime
) -> tuple[dict[BalanceKey, Balance], Iterator[BalanceEntry]]:
    """The balances after `deltas`, in their order, and the journal entries that tell of it, made as they are taken.

    `balances` holds every balance that a delta names. InsufficientFundsError if one would fall below zero on the way,
    InvalidDataError if it would have more than 38 digits before the point; the version of a changed balance grows by
    one whatever the number of deltas.
    """
    running: dict[BalanceKey, list[Any]] = {}
    afters: list[dict[str, Any]] = []
    with exact():
        for delta in deltas:
            key = (delta.user_id, delta.asset)
            state = running.get(key)
            if state is None:
                stored = balances[key]
                state = running[key] = [stored.free, stored.locked, stored.unexplained, stored.last_seq, stored.head]
            free_before, locked_before, unexplained, seq, head = state
            free = canonical(free_before + delta.delta_free) if delta.delta_free else free_before
            locked = canonical(locked_before + delta.delta_locked) if delta.delta_locked else locked_before
            if free < 0 or locked < 0:
                change, available = (delta.delta_free, free_before) if free < 0 else (delta.delta_locked, locked_before)
                raise InsufficientFundsError(delta.asset, needed=-change, available=available, user_id=delta.user_id)
            if free >= LIMIT or locked >= LIMIT:
                field = "delta_free" if free >= LIMIT else "delta_locked"
                raise InvalidDataError(f"a balance has {TOO_LARGE}", field=field)
            if delta.delta_unexplained:
                unexplained = canonical(unexplained + delta.delta_unexplained)
                if unexplained.copy_abs() >= LIMIT:
                    raise InvalidDataError(f"a balance has {TOO_LARGE}", field="delta_unexplained")
            head = entry_hash(head, delta, seq + 1, (free, locked, unexplained), now)
            state[:] = free, locked, unexplained, seq + 1, head
            after = {"seq": seq + 1, "free_after": free, "locked_after": locked, "unexplained_after": unexplained}
            afters.append({**after, "hash": head, "created_at": now})
    changed = {}
    for key, (free, locked, unexplained, seq, head) in running.items():
        left = {"free": free, "locked": locked, "unexplained": unexplained, "last_seq": seq, "head": head}
        changed[key] = revised(balances[key], **left, version=balances[key].version + 1, updated_at=now)
    entries = (unchecked(BalanceEntry, delta.__dict__ | after) for delta, after in zip(deltas, afters, strict=True))
    return changed, entries


def only_referenced(deltas: Iterable[BalanceDelta]) -> BalanceDelta | None:
    """The first of `deltas` with a unique reference; None if there are several references, of which nobody can tell
    which was taken.
    """
    unique = [delta for delta in deltas if delta.reference is not None and delta.reason in UNIQUELY_REFERENCED]
    return unique[0] if len({delta.reference for delta in unique}) == 1 else None


def entry_hash(
    previous: str, delta: BalanceDelta, seq: int, after: tuple[Decimal, Decimal, Decimal], created_at: datetime
) -> str:
    """The hash of the entry `seq` that `delta` became, with free, locked and unexplained `after` it.

    SHA-256, in hexadecimal digits, of these texts in UTF-8, with NUL between them: the hash of the entry before
    (`previous`, empty for the first), `user_id` (32 digits), `asset`, `seq`, `reason`, the deltas and the amounts after
    (each free, locked, unexplained; without exponent or trailing zeros), `occurred_at` and `created_at` (in UTC, as
    `2026-01-31T12:00:00.000000+00:00`), and `reference`, if it has one.
    """
    values = delta.__dict__
    amounts = (values["delta_free"], values["delta_locked"], values["delta_unexplained"], *after)
    numbers = _SEPARATOR.join(map(str, amounts))
    if "E" in numbers:
        numbers = _SEPARATOR.join([f"{amount:f}" for amount in amounts])
    texts = [
        previous,
        values["user_id"].hex,
        values["asset"],
        str(seq),
        values["reason"],
        numbers,
        _time_text(values["occurred_at"]),
        _time_text(created_at),
    ]
    if (reference := values["reference"]) is not None:
        texts.append(reference)
    return sha256(_SEPARATOR.join(texts).encode()).hexdigest()
