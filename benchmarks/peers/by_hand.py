"""What a careful author writes for money, statement by statement: locks in one order, a look for what was told before,
the journal, and plain arithmetic. It is less than what Metacore does: no hashes, snapshots, names or late trades.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

import metacore
from metacore.postgres.client.codecs import ORDER

from . import sql
from .stage import COMMISSION, FEE, PRICE, QUANTITY, QUOTE, SYMBOL, Fill

Run = Callable[[str, Sequence[Any]], Any]
"""Executes a statement in a transaction, and gives its rows."""

ZERO = Decimal(0)


class Books:
    """The balances of a user, locked, and the lines that move them."""

    def __init__(self, run: Run, user_id: UUID, assets: Sequence[str], now: datetime) -> None:
        self._run, self._user_id, self._now = run, user_id, now
        self._balances = {row[0]: list(row[1:]) for row in run(sql.LOCK_BALANCES, [user_id, sorted(assets)])}
        for asset in sorted(set(assets) - self._balances.keys()):
            run(sql.INSERT_BALANCE, [user_id, asset, now])
            self._balances[asset] = [ZERO, ZERO, 0]

    def free(self, asset: str) -> Decimal:
        free: Decimal = self._balances[asset][0]
        return free

    def enter(self, asset: str, free: Decimal, locked: Decimal, reason: str, reference: str, at: datetime) -> None:
        balance = self._balances[asset]
        balance[0], balance[1], balance[2] = balance[0] + free, balance[1] + locked, balance[2] + 1
        assert balance[0] >= 0
        assert balance[1] >= 0
        after = [balance[2], free, locked, balance[0], balance[1]]
        self._run(sql.INSERT_ENTRY, [self._user_id, asset, *after, reason, reference, at, self._now])

    def write(self) -> None:
        for asset, (free, locked, seq) in self._balances.items():
            self._run(sql.UPDATE_BALANCE, [self._user_id, asset, free, locked, seq, self._now])


def deposit(run: Run, user_id: UUID, amount: Decimal, reference: str) -> None:
    now = datetime.now(UTC)
    run(sql.LOCK_USER, [user_id])
    if run(sql.FIND_DEPOSIT, [user_id, reference]):
        return
    books = Books(run, user_id, [QUOTE], now)
    books.enter(QUOTE, amount, ZERO, "DEPOSIT", reference, now)
    books.write()


def place(run: Run, values: dict[str, Any]) -> None:
    now, user_id, need = datetime.now(UTC), values["user_id"], values["price"] * values["quantity"]
    ((_, can_trade),) = run(sql.LOCK_USER, [user_id])
    assert can_trade
    if run(sql.FIND_ORDER, [user_id, values["client_order_id"]]):
        return
    books = Books(run, user_id, [QUOTE], now)
    assert books.free(QUOTE) >= need
    order = order_row({**values, "held_asset": QUOTE, "held_amount": need, "placed_at": now}, now)
    run(sql.CREATE, list(order.values()))
    update = [user_id, order["id"], None, "PENDING_NEW", ZERO, ZERO, now, now]
    run(sql.APPEND_UPDATE, update)
    books.enter(QUOTE, -need, need, "HOLD", str(order["id"]), now)
    books.write()


def settle(run: Run, fill: Fill) -> None:
    user, order_id, at, now = fill.user_id, fill.order_id, fill.traded_at, datetime.now(UTC)
    run(sql.LOCK_USER, [user])
    (order,) = run(sql.LOCK_ORDER, [user, order_id])
    status, base, quote, executed, executed_quote, settled, settled_quote, held = order
    if run(sql.FIND_TRADE, [user, SYMBOL, fill.exchange_trade_id]):
        return
    books = Books(run, user, [base, quote, FEE], now)
    cost, trade_id = PRICE * QUANTITY, metacore.new_id()
    key = [trade_id, user, order_id, fill.exchange_trade_id, SYMBOL, "BUY"]
    run(sql.INSERT_TRADE, [*key, PRICE, QUANTITY, cost, COMMISSION, FEE, at, now, str(order_id)])
    sums = [executed + QUANTITY, executed_quote + cost]
    moved = [*sums, settled + QUANTITY, settled_quote + cost, held - cost]
    run(sql.UPDATE_ORDER, [user, order_id, "PARTIALLY_FILLED", *moved, now])
    run(sql.APPEND_UPDATE, [user, order_id, status, "PARTIALLY_FILLED", *sums, at, now])
    books.enter(quote, ZERO, -cost, "TRADE", str(trade_id), at)
    books.enter(base, QUANTITY, ZERO, "TRADE", str(trade_id), at)
    books.enter(FEE, -COMMISSION, ZERO, "COMMISSION", str(trade_id), at)
    books.write()


def reserve(run: Run, values: dict[str, Any]) -> UUID:
    now, user_id, asset, amount = datetime.now(UTC), values["user_id"], values["asset"], values["amount"]
    run(sql.LOCK_USER, [user_id])
    if found := run(sql.FIND_RESERVATION, [user_id, asset, values["reference"]]):
        stored: UUID = found[0][0]
        return stored
    books, reservation_id = Books(run, user_id, [asset], now), metacore.new_id()
    run(sql.INSERT_RESERVATION, [reservation_id, user_id, asset, amount, values["reference"], now])
    books.enter(asset, -amount, amount, "HOLD", str(reservation_id), now)
    books.write()
    return reservation_id


def post(run: Run, user_id: UUID, reservation_id: UUID, to: UUID) -> None:
    now = datetime.now(UTC)
    for each in sorted([user_id, to]):
        run(sql.LOCK_USER, [each])
    ((asset, amount, reference, state),) = run(sql.LOCK_RESERVATION, [user_id, reservation_id])
    assert state == "PENDING"
    books = {each: Books(run, each, [asset], now) for each in sorted([user_id, to])}
    run(sql.POST_RESERVATION, [user_id, reservation_id, to, now])
    books[user_id].enter(asset, ZERO, -amount, "TRANSFER", reference, now)
    books[to].enter(asset, amount, ZERO, "TRANSFER", reference, now)
    for book in books.values():
        book.write()


def transfer(run: Run, user_id: UUID, to: UUID, amount: Decimal, reference: str) -> None:
    now = datetime.now(UTC)
    for each in sorted([user_id, to]):
        run(sql.LOCK_USER, [each])
    if run(sql.FIND_TRANSFER, [user_id, reference]):
        return
    books = {each: Books(run, each, [QUOTE], now) for each in sorted([user_id, to])}
    run(sql.INSERT_TRANSFER, [user_id, to, QUOTE, amount, reference, now])
    books[user_id].enter(QUOTE, -amount, ZERO, "TRANSFER", reference, now)
    books[to].enter(QUOTE, amount, ZERO, "TRANSFER", reference, now)
    for book in books.values():
        book.write()


def order_row(values: dict[str, Any], now: datetime) -> dict[str, Any]:
    """The whole row of a new order, in the order of the columns."""
    row = dict.fromkeys(ORDER.columns)
    sums = ("executed_quantity", "executed_quote_quantity", "settled_quantity", "settled_quote_quantity", "held_amount")
    row |= dict.fromkeys(sums, ZERO) | {"status": "PENDING_NEW", "version": 1, "created_at": now, "updated_at": now}
    return row | {"id": metacore.new_id()} | values


def trade_rows(rows: Sequence[dict[str, Any]], now: datetime) -> list[tuple[Any, ...]]:
    """Whole rows of trades, in the order of the columns that are imported."""
    return [
        tuple(
            {
                **row,
                "id": metacore.new_id(),
                "quote_quantity": row["price"] * row["quantity"],
                "state": "RECORDED",
                "version": 1,
                "created_at": now,
                "updated_at": now,
                "order_key": str(row["order_id"]),
            }[name]
            for name in sql.TRADES
        )
        for row in rows
    ]
