# Made from metacore/memory/storages/balances.py by `python tools/generate_sync.py`. Do not edit.
"""Balances and their journal in memory."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import final
from uuid import UUID

from metacore.backends.listing import Listing
from metacore.domain.trading.adjustments import adjustments, parse_balances
from metacore.domain.trading.asset_names import folded, parse_asset, parse_keys, require_own_names
from metacore.domain.trading.audit import Audit, AuditFinding
from metacore.domain.trading.balances import (
    AccountBalance,
    Balance,
    BalanceDelta,
    BalanceEntry,
    BalanceHead,
    BalanceKey,
    EntryFilter,
)
from metacore.domain.trading.entries import apply_deltas
from metacore.domain.trading.trades import Trade, TradeState
from metacore.domain.values.amounts import ZERO, total
from metacore.domain.values.pages import Page
from metacore.domain.values.text import require_text
from metacore.errors import AlreadyExistsError, NotFoundError
from metacore.memory.paging import PageRequest
from metacore.memory.schema import Views
from metacore.sync.memory.storages.session import Session
from metacore.sync.storage.balances import BalanceStorage


@final
class MemoryBalanceStorage(BalanceStorage):
    """`metacore.sync.storage.balances.BalanceStorage` over dictionaries."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def get(self, user_id: UUID, asset: str) -> Balance:
        require_text(asset=asset)
        with self._session.read() as tables:
            balance = tables.balances.get((user_id, asset))
            if balance is None:
                raise NotFoundError("balance", (user_id, asset))
        return balance

    def get_or_zero(self, user_id: UUID, asset: str) -> Balance:
        asset = parse_asset(asset)
        key = (user_id, asset)
        with self._session.read() as tables:
            if tables.users.get((user_id,)) is None:
                raise NotFoundError("user", user_id)
            balances = find_named(tables, [key])
        require_own_names([key], balances)
        return balances[0] if balances else Balance.empty(user_id, asset, self._session.now())

    def get_many(self, keys: Iterable[BalanceKey], for_update: bool = False) -> Sequence[Balance]:
        named = parse_keys(keys)
        if for_update:
            with self._session.write() as tables:
                return lock_balances(tables, named, self._session.now())
        with self._session.read() as tables:
            return _get_many(tables, named)

    def list(self, user_id: UUID, nonzero: bool = False, unexplained: bool = False) -> Sequence[Balance]:
        with self._session.read() as tables:
            rows = tables.balances.group(user_id)
        return tuple(
            balance
            for balance in rows
            if (not nonzero or balance.free or balance.locked) and (not unexplained or balance.unexplained)
        )

    def unexplained(self, after: str | None = None, limit: int = 100) -> Page[Balance]:
        page = PageRequest(Listing("balances.unexplained", (), (UUID, str)), after, limit)
        with self._session.read() as tables:
            rows = [balance for balance in tables.balances.all() if balance.unexplained]
            return page.of(rows, lambda balance: balance.key, newest_first=False)

    def put(self, user_id: UUID, asset: str, free: Decimal, locked: Decimal) -> bool:
        stated = parse_balances([{"asset": asset, "free": free, "locked": locked}])
        return self._put(user_id, stated, replace=False) > 0

    def put_all(self, user_id: UUID, balances: Iterable[AccountBalance]) -> int:
        return self._put(user_id, parse_balances(balances), replace=False)

    def replace_all(self, user_id: UUID, balances: Iterable[AccountBalance]) -> int:
        return self._put(user_id, parse_balances(balances), replace=True)

    def apply(self, deltas: Iterable[BalanceDelta]) -> Sequence[Balance]:
        changes, now = list(deltas), self._session.now()
        with self._session.write() as tables:
            insert_deltas(tables, changes, now)
            return _get_many(tables, sorted({delta.key for delta in changes}))

    def entries(
        self, user_id: UUID, asset: str | None = None, after: str | None = None, limit: int = 100
    ) -> Page[BalanceEntry]:
        require_text(asset=asset)
        page = PageRequest(Listing("balances.entries", (user_id, asset), (str, int)), after, limit)
        with self._session.read() as tables:
            entries = tables.balance_entries
            rows = entries.group(user_id) if asset is None else entries.select("balance", (user_id, asset))
            return page.of(rows, lambda row: (row.asset, row.seq), newest_first=False)

    def journal(
        self, user_id: UUID, filter: EntryFilter = EntryFilter(), after: str | None = None, limit: int = 100
    ) -> Page[BalanceEntry]:
        page = PageRequest(Listing("balances.journal", (user_id, filter), (datetime, str, int)), after, limit)
        with self._session.read() as tables:
            rows = [entry for entry in tables.balance_entries.group(user_id) if filter.matches(entry)]
            return page.of(rows, BalanceEntry.position)

    def heads(self, user_id: UUID) -> Sequence[BalanceHead]:
        with self._session.read() as tables:
            rows = tables.balances.group(user_id)
        return tuple(BalanceHead(asset=row.asset, seq=row.last_seq, hash=row.head) for row in rows if row.last_seq)

    def audit(self, user_id: UUID, heads: Iterable[BalanceHead] = ()) -> Sequence[AuditFinding]:
        kept = tuple(heads)
        with self._session.read() as tables:
            if tables.users.get((user_id,)) is None:
                raise NotFoundError("user", user_id)
            settled = _settled(tables.trades.group(user_id))
            audit = Audit(user_id, heads=kept)
            audit.read_entries(tables.balance_entries.group(user_id))
            audit.read_orders((order, settled.get(order.id, ZERO)) for order in tables.orders.group(user_id))
            reserved = tables.reservations.select("holding", user_id)
            audit.read_reserved((row.asset, row.held_amount) for row in reserved)
            return audit.findings(tables.balances.group(user_id))

    def _put(self, user_id: UUID, stated: Sequence[AccountBalance], replace: bool) -> int:
        now = self._session.now()
        with self._session.write() as tables:
            if tables.users.get((user_id,)) is None:
                raise NotFoundError("user", user_id)
            stored = tables.balances.group(user_id)
            keys = [(user_id, balance.asset) for balance in stated]
            fresh = ensure_balances(tables, keys, now)
            require_own_names(keys, [*stored, *fresh])
            deltas = adjustments(user_id, [*stored, *fresh], stated, replace, now)
            insert_deltas(tables, deltas, now)
        return len({delta.asset for delta in deltas} | {balance.asset for balance in fresh})


def lock_balances(tables: Views, keys: Iterable[BalanceKey], now: datetime) -> Sequence[Balance]:
    """The balances of existing users that have these names, in whatever case, the missing ones stored as zero."""
    known = [key for key in parse_keys(keys) if tables.users.get((key[0],)) is not None]
    ensure_balances(tables, known, now)
    return find_named(tables, known)


def ensure_balances(tables: Views, keys: Iterable[BalanceKey], now: datetime) -> Sequence[Balance]:
    """Store the missing ones of the balances with these `keys` as zero, and give them; their users must exist.

    One whose name another balance has in another case is left out.
    """
    fresh = []
    for user_id, asset in keys:
        if tables.users.get((user_id,)) is None:
            raise NotFoundError("user", user_id)
        if tables.balances.find("name", (user_id, folded(asset))) is None:
            fresh.append(Balance.empty(user_id, asset, now))
            tables.balances.put(fresh[-1])
    return fresh


def insert_deltas(tables: Views, deltas: Sequence[BalanceDelta], now: datetime) -> None:
    """Apply `deltas` to the balances and write their entries."""
    balances, entries = apply_to_stored(tables, deltas, now)
    put_entries(tables, balances.values(), entries)


def apply_to_stored(
    tables: Views, deltas: Sequence[BalanceDelta], now: datetime
) -> tuple[Mapping[BalanceKey, Balance], Iterable[BalanceEntry]]:
    """What `deltas` make of the stored balances, of which the missing ones are stored as zero; and their entries."""
    keys = sorted({delta.key for delta in deltas})
    ensure_balances(tables, keys, now)
    require_own_names(keys, find_named(tables, keys))
    return apply_deltas({balance.key: balance for balance in _get_many(tables, keys)}, deltas, now)


def put_entries(tables: Views, balances: Iterable[Balance], entries: Iterable[BalanceEntry]) -> None:
    """Store `entries`, whose unique references must be free, and the balances that they leave."""
    for entry in entries:
        if tables.balance_entries.put(entry) is not None:
            raise AlreadyExistsError("balance entry", "reference", entry.reference)
    for balance in balances:
        tables.balances.put(balance)


def _get_many(tables: Views, keys: Iterable[BalanceKey]) -> Sequence[Balance]:
    return tuple(balance for key in keys if (balance := tables.balances.get(key)) is not None)


def find_named(tables: Views, keys: Iterable[BalanceKey]) -> Sequence[Balance]:
    """The balances that have these names, in whatever case."""
    found = (tables.balances.find("name", (user_id, folded(asset))) for user_id, asset in keys)
    named = {balance.key: balance for balance in found if balance is not None}
    return tuple(named[key] for key in sorted(named))


def _settled(trades: Iterable[Trade]) -> dict[UUID, Decimal]:
    quantities: dict[UUID, list[Decimal]] = {}
    for trade in trades:
        if trade.state is TradeState.SETTLED and trade.order_id is not None:
            quantities.setdefault(trade.order_id, []).append(trade.quantity)
    return {order_id: total(parts) for order_id, parts in quantities.items()}
