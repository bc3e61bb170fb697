# Made from metacore/postgres/storages/balances.py by `python tools/generate_sync.py`. Do not edit.
"""Balances and their journal in PostgreSQL."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from functools import partial
from typing import Any, final
from uuid import UUID

from metacore.backends.listing import Listing, parse_limit
from metacore.domain.trading.adjustments import adjustments, parse_balances
from metacore.domain.trading.asset_names import parse_asset, parse_keys, require_own_names
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
from metacore.domain.trading.commands import by_user
from metacore.domain.trading.entries import apply_deltas, only_referenced
from metacore.domain.values.amounts import canonical
from metacore.domain.values.pages import Page
from metacore.domain.values.text import require_text
from metacore.errors import NotFoundError
from metacore.postgres.client.call import Row
from metacore.postgres.client.codecs import BALANCE, BALANCE_ENTRY, BALANCE_HEAD, ORDER, to_array, to_text
from metacore.postgres.client.named_calls import NamedCalls
from metacore.postgres.client.statement import Statement
from metacore.postgres.statements import balances as statements
from metacore.postgres.statements.reservations import AUDIT as RESERVED
from metacore.postgres.statements.transactions import CHECK_USER
from metacore.postgres.tables.balances import FREQUENT
from metacore.sync.postgres.client.session import Session
from metacore.sync.postgres.client.transaction_session import TransactionSession
from metacore.sync.postgres.storages.balance_writes import add_lock_of_all, add_locks, distinct, write
from metacore.sync.postgres.storages.turns import queue
from metacore.sync.storage.balances import BalanceStorage

_PORTION = 5000
"""How many rows an audit reads at a time."""


@final
class PostgresBalanceStorage(BalanceStorage):
    """`metacore.sync.storage.balances.BalanceStorage` over PostgreSQL."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def get(self, user_id: UUID, asset: str) -> Balance:
        require_text(asset=asset)
        rows = self._session.fetch(statements.GET, {"user_id": str(user_id), "asset": asset})
        if not rows:
            raise NotFoundError("balance", (user_id, asset))
        return BALANCE.decode(rows[0])

    def get_or_zero(self, user_id: UUID, asset: str) -> Balance:
        asset = parse_asset(asset)
        values = {"user_id": str(user_id), "asset": asset}
        (users, rows) = self._session.pipeline(
            "balances.get_or_zero", [(statements.KNOWN_USER, values), (statements.GET_NAMED, values)]
        )
        if not users:
            raise NotFoundError("user", user_id)
        balances = BALANCE.decode_all(rows)
        require_own_names([(user_id, asset)], balances)
        return balances[0] if balances else Balance.empty(user_id, asset, self._session.now())

    def get_many(self, keys: Iterable[BalanceKey], for_update: bool = False) -> Sequence[Balance]:
        calls, named = NamedCalls(), parse_keys(keys)
        if not for_update:
            for user_id, assets in by_user(named).items():
                calls.add("balances", user_id, statements.GET_MANY, {"asset": to_array(assets)})
            return self._many(calls)
        add_locks(calls, named, self._session.now())
        balances = distinct(self._many(calls))
        self._session.remember(balances)
        return balances

    def _many(self, calls: NamedCalls) -> Sequence[Balance]:
        if not calls.calls:
            self._session.check()
            return ()
        found = calls.found(self._session.pipeline("balances.get_many", calls.calls))
        return BALANCE.decode_all(row for _, row in found["balances"])

    def list(self, user_id: UUID, nonzero: bool = False, unexplained: bool = False) -> Sequence[Balance]:
        statement = statements.list_all(nonzero, unexplained)
        return BALANCE.decode_all(self._session.fetch(statement, {"user_id": str(user_id)}))

    def unexplained(self, after: str | None = None, limit: int = 100) -> Page[Balance]:
        listing = Listing("balances.unexplained", (), (UUID, str))
        values: dict[str, Any] = {"limit": parse_limit(limit) + 1}
        if (start := listing.position(after)) is not None:
            values |= {"user_id": to_text(start[0]), "asset": start[1]}
        rows = self._session.fetch(statements.unexplained(start is not None), values)
        return listing.page(BALANCE.decode_all(rows), limit, lambda balance: balance.key)

    def put(self, user_id: UUID, asset: str, free: Decimal, locked: Decimal) -> bool:
        stated = parse_balances([{"asset": asset, "free": free, "locked": locked}])
        return self._put("balances.put", user_id, stated, replace=False) > 0

    def put_all(self, user_id: UUID, balances: Iterable[AccountBalance]) -> int:
        return self._put("balances.put_all", user_id, parse_balances(balances), replace=False)

    def replace_all(self, user_id: UUID, balances: Iterable[AccountBalance]) -> int:
        return self._put("balances.replace_all", user_id, parse_balances(balances), replace=True)

    def apply(self, deltas: Iterable[BalanceDelta]) -> Sequence[Balance]:
        all_deltas = list(deltas)
        keys = sorted({delta.key for delta in all_deltas})
        owners, now = sorted({user_id for user_id, _ in keys}), self._session.now()
        if not all_deltas:
            self._session.check()
            return ()

        def change(tx: TransactionSession) -> Mapping[BalanceKey, Balance]:
            calls = NamedCalls(queue(tx, owners))
            for user_id in owners:
                calls.add("user", user_id, CHECK_USER)
            add_locks(calls, keys, now)
            found = calls.found(tx.pipeline("balances.apply", calls.calls))
            if missing := set(owners) - {user_id for user_id, _ in found["user"]}:
                raise NotFoundError("user", min(missing))
            balances = {balance.key: balance for balance in BALANCE.decode_all(row for _, row in found["balances"])}
            require_own_names(keys, balances.values())
            changed, entries = apply_deltas(balances, all_deltas, now)
            tx.finish("balances.apply", write(changed.values(), entries), only_referenced(all_deltas))
            tx.remember(changed.values())
            return changed

        changed = self._session.run(change)
        return tuple(changed[key] for key in keys)

    def entries(
        self, user_id: UUID, asset: str | None = None, after: str | None = None, limit: int = 100
    ) -> Page[BalanceEntry]:
        require_text(asset=asset)
        listing = Listing("balances.entries", (user_id, asset), (str, int))
        values: dict[str, Any] = {"user_id": str(user_id), "asset": asset, "limit": parse_limit(limit) + 1}
        if (start := listing.position(after)) is not None:
            values |= {"after_asset": start[0], "after_seq": start[1]}
        rows = self._session.fetch(statements.page(asset is not None, start is not None), values)
        return listing.page(BALANCE_ENTRY.decode_all(rows), limit, lambda entry: (entry.asset, entry.seq))

    def journal(
        self, user_id: UUID, filter: EntryFilter = EntryFilter(), after: str | None = None, limit: int = 100
    ) -> Page[BalanceEntry]:
        listing = Listing("balances.journal", (user_id, filter), (datetime, str, int))
        filters = {name: value for name, value in filter.fields().items() if value is not None}
        values: dict[str, Any] = {name: to_text(value) for name, value in filters.items()}
        values |= {"user_id": str(user_id), "limit": parse_limit(limit) + 1}
        if (start := listing.position(after)) is not None:
            values |= {name: to_text(part) for name, part in zip(("occurred_at", "asset", "seq"), start, strict=True)}
        rare = filter.reason is not None and filter.reason not in FREQUENT
        rows = self._session.fetch(statements.journal(tuple(sorted(filters)), rare, start is not None), values)
        return listing.page(BALANCE_ENTRY.decode_all(rows), limit, BalanceEntry.position)

    def heads(self, user_id: UUID) -> Sequence[BalanceHead]:
        rows = self._session.fetch(statements.HEADS, {"user_id": str(user_id)})
        return BALANCE_HEAD.decode_all(rows)

    def audit(self, user_id: UUID, heads: Iterable[BalanceHead] = ()) -> Sequence[AuditFinding]:
        mine, kept = {"user_id": str(user_id)}, tuple(heads)

        def read(tx: Session) -> Sequence[AuditFinding]:
            calls = [(statements.KNOWN_USER, mine), (statements.list_all(False, False), mine), (RESERVED, mine)]
            users, balances, reserved = tx.pipeline("balances.audit", calls)
            if not users:
                raise NotFoundError("user", user_id)
            audit = Audit(user_id, heads=kept)
            audit.read_reserved((asset, held) for asset, held in reserved)
            page = partial(statements.page, False)
            for rows in _portions(tx, page, mine, BALANCE_ENTRY.columns, ("asset", "seq")):
                audit.read_entries(map(BALANCE_ENTRY.decode, rows))
            for rows in _portions(tx, statements.audit_orders, mine, ORDER.columns, ("id",)):
                audit.read_orders((ORDER.decode(order), canonical(settled)) for *order, settled in rows)
            return audit.findings(BALANCE.decode_all(balances))

        return self._session.look(read)

    def _put(self, operation: str, user_id: UUID, stated: Sequence[AccountBalance], replace: bool) -> int:
        now, named = self._session.now(), sorted((user_id, balance.asset) for balance in stated)

        def change(tx: TransactionSession) -> int:
            calls = NamedCalls(queue(tx, [user_id]))
            calls.add("user", user_id, CHECK_USER)
            if replace:
                add_lock_of_all(calls, user_id, [asset for _, asset in named], now)
            else:
                add_locks(calls, named, now)
            found = calls.found(tx.pipeline(operation, calls.calls))
            if not found["user"]:
                raise NotFoundError("user", user_id)
            balances = {balance.key: balance for balance in BALANCE.decode_all(row for _, row in found["balances"])}
            require_own_names(named, balances.values())
            deltas = adjustments(user_id, balances.values(), stated, replace, now)
            changed, entries = apply_deltas(balances, deltas, now)
            if deltas:
                tx.finish(operation, write(changed.values(), entries))
            tx.remember(changed.values())
            return len({delta.asset for delta in deltas} | {asset for _, (_, asset) in found["ensured"]})

        return self._session.run(change)


def _portions(
    session: Session,
    statement: Callable[[bool], Statement],
    values: dict[str, str],
    columns: Sequence[str],
    key: Sequence[str],
) -> Iterator[list[Row]]:
    """All rows of `statement`, portion by portion; they begin with `columns` and are ordered by `key`, some of them."""
    after: dict[str, str | None] = {}
    while True:
        parameters = {**values, **after, "limit": str(_PORTION)}
        (rows,) = session.pipeline("balances.audit", [(statement(bool(after)), parameters)])
        yield rows
        if len(rows) < _PORTION:
            return
        after = {f"after_{name}": to_text(rows[-1][columns.index(name)]) for name in key}
