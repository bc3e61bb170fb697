"""The entries that deltas become: what they leave of the balances, and the chain that they form."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from hashlib import sha256
from typing import Any
from uuid import UUID

from metacore.domain.trading.balances import UNIQUELY_REFERENCED, Balance, BalanceDelta, BalanceEntry, BalanceKey
from metacore.domain.values.amounts import LIMIT, TOO_LARGE, canonical, exact
from metacore.domain.values.model import revised, unchecked_maker, unchecked_makers
from metacore.errors import InsufficientFundsError, InvalidDataError

_SEPARATOR = "\0"
"""No text that can be stored has it, so that no two entries are hashed alike."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


def apply_deltas(
    balances: dict[BalanceKey, Balance], deltas: Sequence[BalanceDelta], now: datetime
) -> tuple[dict[BalanceKey, Balance], Iterator[BalanceEntry]]:
    """The balances after `deltas`, in their order, and the journal entries that tell of it, made as they are taken.

    `balances` holds every balance that a delta names. InsufficientFundsError if one would fall below zero on the way,
    InvalidDataError if it would have more than 38 digits before the point; the version of a changed balance grows by
    one whatever the number of deltas.
    """
    running: dict[UUID, dict[str, _Running]] = {}
    made: list[dict[str, Any]] = []
    moment, times, of_now = None, "", _time_text(now)
    user_id, own = None, dict[str, _Running]()
    with exact():
        for delta in deltas:
            values = delta.__dict__.copy()
            if values["user_id"] is not user_id:
                user_id = values["user_id"]
                own = running.setdefault(user_id, {})
            state = own.get(values["asset"])
            if state is None:
                state = own[values["asset"]] = _Running(balances[values["user_id"], values["asset"]])
            changes = state.move(delta)
            if values["occurred_at"] is not moment:
                # The deltas of a cause share it, and its text costs as much as the rest of the hash.
                moment = values["occurred_at"]
                times = f"{_time_text(moment)}{_SEPARATOR}{of_now}"
            state.seq += 1
            numbers = (*changes, state.free_text, state.locked_text, state.unexplained_text)
            reason, reference = values["reason"], values["reference"]
            state.head = _hash(state.head, state.owner, state.seq, reason, numbers, times, reference)
            values["free_after"], values["locked_after"] = state.free, state.locked
            values["unexplained_after"], values["seq"] = state.unexplained, state.seq
            values["hash"], values["created_at"] = state.head, now
            made.append(values)
    changed = {
        (owner, asset): state.left(balances[owner, asset], now)
        for owner, states in running.items()
        for asset, state in states.items()
    }
    return changed, _entries(made)


def _entries(made: Sequence[dict[str, Any]]) -> Iterator[BalanceEntry]:
    yield from _all_entries(made) if len(made) > _FEW else map(_entry, made)


_FEW = 8
"""Up to so many entries are made one by one."""

_entry = unchecked_maker(BalanceEntry, BalanceEntry.model_fields)
_all_entries = unchecked_makers(BalanceEntry, BalanceEntry.model_fields)

_TEXTS = ("free_text", "locked_text", "unexplained_text")


class _Running:
    """A balance on its way through deltas, with those texts that each hash needs and most deltas leave as they are."""

    __slots__ = ("free", "head", "locked", "owner", "seq", "unexplained", *_TEXTS)

    def __init__(self, stored: Balance) -> None:
        self.owner = _owner_text(stored.user_id, stored.asset)
        self.free, self.locked, self.unexplained = stored.free, stored.locked, stored.unexplained
        self.free_text, self.locked_text = _text(stored.free), _text(stored.locked)
        self.unexplained_text = _text(stored.unexplained)
        self.seq, self.head = stored.last_seq, stored.head

    def move(self, delta: BalanceDelta) -> tuple[str, str, str]:
        """Move by `delta`, whose texts are given; as `apply_deltas`, if it may not be."""
        free_change = locked_change = unexplained_change = "0"
        if change := delta.delta_free:
            self.free = _moved(delta, "delta_free", self.free, change)
            self.free_text, free_change = _text(self.free), _text(change)
        if change := delta.delta_locked:
            self.locked = _moved(delta, "delta_locked", self.locked, change)
            self.locked_text, locked_change = _text(self.locked), _text(change)
        if change := delta.delta_unexplained:
            self.unexplained = canonical(self.unexplained + change)
            if self.unexplained.copy_abs() >= LIMIT:
                raise InvalidDataError(f"a balance has {TOO_LARGE}", field="delta_unexplained")
            self.unexplained_text, unexplained_change = _text(self.unexplained), _text(change)
        return free_change, locked_change, unexplained_change

    def left(self, stored: Balance, now: datetime) -> Balance:
        """What it has become of `stored`."""
        left = {"free": self.free, "locked": self.locked, "unexplained": self.unexplained}
        written = {"last_seq": self.seq, "head": self.head, "version": stored.version + 1, "updated_at": now}
        return revised(stored, **left, **written)


def _moved(delta: BalanceDelta, field: str, available: Decimal, change: Decimal) -> Decimal:
    moved = canonical(available + change)
    if moved.is_signed():
        raise InsufficientFundsError(delta.asset, needed=-change, available=available, user_id=delta.user_id)
    if moved >= LIMIT:
        raise InvalidDataError(f"a balance has {TOO_LARGE}", field=field)
    return moved


def moved_balances(deltas: Iterable[BalanceDelta]) -> list[BalanceKey]:
    """The keys of the balances that `deltas` move, sorted, each once."""
    moved: dict[UUID, set[str]] = {}
    user_id, assets = None, set[str]()
    for delta in deltas:
        if delta.user_id is not user_id:
            user_id = delta.user_id
            assets = moved.setdefault(user_id, set())
        assets.add(delta.asset)
    return sorted((owner, asset) for owner, named in moved.items() for asset in named)


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
    (each free, locked, unexplained; without exponent or trailing zeros), `occurred_at` and `created_at` (in
    microseconds since 1970 in UTC), and `reference`, if it has one.
    """
    changes = (delta.delta_free, delta.delta_locked, delta.delta_unexplained)
    numbers = tuple(map(_text, (*changes, *after)))
    owner = _owner_text(delta.user_id, delta.asset)
    times = f"{_time_text(delta.occurred_at)}{_SEPARATOR}{_time_text(created_at)}"
    return _hash(previous, owner, seq, delta.reason, numbers, times, delta.reference)


def _hash(
    previous: str, owner: str, seq: int, reason: str, numbers: tuple[str, ...], times: str, reference: str | None
) -> str:
    text = _SEPARATOR.join((previous, owner, str(seq), reason, *numbers, times))
    if reference is not None:
        text = f"{text}{_SEPARATOR}{reference}"
    return sha256(text.encode()).hexdigest()


def _owner_text(user_id: UUID, asset: str) -> str:
    return f"{user_id.hex}{_SEPARATOR}{asset}"


def _text(amount: Decimal) -> str:
    text = str(amount)
    return f"{amount:f}" if "E" in text else text


def _time_text(time: datetime) -> str:
    return str((time - _EPOCH) // _MICROSECOND)
