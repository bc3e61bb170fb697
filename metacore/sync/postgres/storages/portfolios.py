# Made from metacore/postgres/storages/portfolios.py by `python tools/generate_sync.py`. Do not edit.
"""Portfolios in PostgreSQL."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from decimal import Decimal
from typing import final
from uuid import UUID

from metacore.backends.listing import Listing, parse_limit
from metacore.domain.holdings.portfolios import Holding, Portfolio
from metacore.domain.values.frozen import FrozenDict
from metacore.domain.values.model import unchecked
from metacore.domain.values.pages import Page
from metacore.domain.values.symbols import parse_symbol, parsed
from metacore.errors import NotFoundError
from metacore.postgres.client.call import Call, Row
from metacore.postgres.client.codecs import HOLDING, to_array, to_text
from metacore.postgres.statements import portfolios as statements
from metacore.sync.postgres.client.session import Session
from metacore.sync.postgres.client.transaction_session import TransactionSession
from metacore.sync.storage.portfolios import PortfolioStorage


@final
class PostgresPortfolioStorage(PortfolioStorage):
    """`metacore.sync.storage.portfolios.PortfolioStorage` over PostgreSQL."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def get(self, user_id: UUID) -> Portfolio:
        return _decode(self._session.fetch(statements.GET, {"user_id": str(user_id)}), user_id)

    def put(self, user_id: UUID, symbol: str, quantity: Decimal, expected_version: int | None = None) -> Portfolio:
        return self._change(
            "portfolios.put", user_id, expected_version, lambda held, now: held.put(symbol, quantity, now)
        )

    def add(self, user_id: UUID, symbol: str, delta: Decimal, expected_version: int | None = None) -> Portfolio:
        return self._change("portfolios.add", user_id, expected_version, lambda held, now: held.add(symbol, delta, now))

    def remove(self, user_id: UUID, symbol: str, expected_version: int | None = None) -> Portfolio:
        return self._change("portfolios.remove", user_id, expected_version, lambda held, now: held.remove(symbol, now))

    def clear(self, user_id: UUID, expected_version: int | None = None) -> Portfolio:
        return self._change("portfolios.clear", user_id, expected_version, lambda held, now: held.clear(now))

    def holders(self, symbol: str, after: str | None = None, limit: int = 100) -> Page[Holding]:
        symbol = parsed(parse_symbol, symbol, "symbol")
        listing = Listing("portfolios.holders", (symbol,), (UUID,))
        values = {"symbol": symbol, "limit": parse_limit(limit) + 1}
        if (start := listing.position(after)) is not None:
            values["after"] = to_text(start[0])
        rows = self._session.fetch(statements.holders(start is not None), values)
        return listing.page(HOLDING.decode_all(rows), limit, lambda holding: (holding.user_id,))

    def symbols(self) -> Sequence[str]:
        return tuple(symbol for (symbol,) in self._session.fetch(statements.SYMBOLS, {}))

    def _change(
        self,
        operation: str,
        user_id: UUID,
        expected_version: int | None,
        change: Callable[[Portfolio, datetime], Portfolio],
    ) -> Portfolio:
        mine, now = {"user_id": str(user_id)}, self._session.now()

        def save(tx: TransactionSession) -> Portfolio:
            calls = [(statements.ENSURE, mine), (statements.LOCK, mine), (statements.GET, mine)]
            _, _, rows = tx.pipeline(operation, calls)
            before = _decode(rows, user_id).require_version(expected_version)
            after = change(before, now)
            if after is not before:
                tx.finish(operation, _save(before, after))
            return after

        return self._session.run(save)


def _decode(rows: Sequence[Row], user_id: UUID) -> Portfolio:
    if not rows:
        raise NotFoundError("user", user_id)
    user_id, symbols, quantities, version, created_at, updated_at = rows[0]
    return unchecked(
        Portfolio,
        {
            "user_id": user_id,
            "holdings": FrozenDict(zip(symbols or (), quantities or (), strict=True)),
            "version": version,
            "created_at": created_at,
            "updated_at": updated_at,
        },
    )


def _save(before: Portfolio, after: Portfolio) -> list[Call]:
    """The calls that make the stored portfolio `after`."""
    mine, held = {"user_id": str(after.user_id)}, after.holdings
    calls: list[Call] = [
        (statements.HOLD, {**mine, "symbol": symbol, "quantity": to_text(quantity)})
        for symbol, quantity in held.items()
        if before.holdings.get(symbol) != quantity
    ]
    if dropped := [symbol for symbol in before.holdings if symbol not in held]:
        calls.append((statements.DROP, {**mine, "symbols": to_array(dropped)}))
    changed = {**mine, "version": after.version, "updated_at": to_text(after.updated_at)}
    return [*calls, (statements.CHANGE, changed)]
