"""Fills settled by Metacore against a hand-written psycopg transaction that does the same work statement by statement.

    python benchmarks/settlement.py

The hand-written side locks the user, the order and the balances, looks for the trade, and writes the trade, the order,
its update, three journal entries and two balances, each by a statement of its own over prepared statements. Its
arithmetic is plain Python. Every contestant fills an order of its own user.
"""

from __future__ import annotations

import itertools
import statistics
import time
from collections.abc import Callable
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from harness import Contest
from psycopg import Connection
from psycopg_pool import ConnectionPool

import metacore
from metacore.postgres import EmbeddedPostgres, SchemaDeployer
from metacore.sync import NewOrder, NewTrade, NewUser, Storage, TradingService, connect

BATCH = 1000
_numbers = itertools.count()


def account(storage: Storage) -> tuple[UUID, UUID]:
    """A user with an order that takes any number of fills."""
    user = storage.users.create(NewUser())
    trading = TradingService(storage)
    trading.deposit(user.id, "USDT", Decimal(10**12), reference="opening")
    order = NewOrder(
        user_id=user.id,
        symbol="BTCUSDT",
        base_asset="BTC",
        quote_asset="USDT",
        side="BUY",
        type="LIMIT",
        price="1",
        quantity="1000000000",
    )
    return user.id, trading.place_order(order).id


def fill(user_id: UUID, order_id: UUID) -> NewTrade:
    return NewTrade(
        user_id=user_id,
        order_id=order_id,
        exchange_trade_id=str(next(_numbers)),
        symbol="BTCUSDT",
        side="BUY",
        price="1",
        quantity="1",
        commission="0.001",
        commission_asset="BTC",
        traded_at=datetime.now(UTC),
    )


class ByHand:
    """The same work, statement by statement."""

    def __init__(self, schema: str = "metacore") -> None:
        self.s = schema

    def settle(self, connection: Connection[Any], trade: NewTrade) -> None:
        s, user, order_id, now = self.s, trade.user_id, trade.order_id, datetime.now(UTC)
        run: Callable[..., Any] = connection.execute
        with connection.transaction():
            run(f"SELECT balances_as_of FROM {s}.users WHERE id = %s FOR KEY SHARE", (user,)).fetchone()
            order = run(f"SELECT * FROM {s}.orders WHERE user_id = %s AND id = %s FOR UPDATE", (user, order_id))
            columns = [column.name for column in order.description]
            row = dict(zip(columns, order.fetchone(), strict=True))
            known = run(
                f"SELECT id FROM {s}.trades WHERE user_id = %s AND symbol = %s AND exchange_trade_id = %s",
                (user, trade.symbol, trade.exchange_trade_id),
            ).fetchone()
            if known:
                return
            run(
                f"SELECT sum(quantity) FROM {s}.trades WHERE user_id = %s AND order_id = %s AND state <> 'SETTLED'",
                (user, order_id),
            ).fetchone()
            found = run(
                f"SELECT asset, free, locked, last_seq FROM {s}.balances WHERE user_id = %s AND asset = ANY (%s)"
                " ORDER BY asset FOR UPDATE",
                (user, [row["base_asset"], row["quote_asset"]]),
            ).fetchall()
            balances = {asset: [free, locked, seq] for asset, free, locked, seq in found}
            if row["base_asset"] not in balances:
                run(
                    f"INSERT INTO {s}.balances (user_id, asset, free, locked, unexplained, last_seq, head, version,"
                    " created_at, updated_at) VALUES (%s, %s, 0, 0, 0, 0, '', 1, %s, %s) ON CONFLICT DO NOTHING",
                    (user, row["base_asset"], now, now),
                )
                balances[row["base_asset"]] = [Decimal(0), Decimal(0), 0]
            cost = trade.price * trade.quantity
            run(
                f"INSERT INTO {s}.trades (id, user_id, order_id, exchange_trade_id, symbol, side, price, quantity,"
                " quote_quantity, commission, commission_asset, traded_at, state, version, created_at, updated_at,"
                " order_key) VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, 'SETTLED', 1, %s, %s, %s)",
                (
                    trade.id,
                    user,
                    order_id,
                    trade.exchange_trade_id,
                    trade.symbol,
                    trade.side.value,
                    trade.price,
                    trade.quantity,
                    cost,
                    trade.commission,
                    trade.commission_asset,
                    trade.traded_at,
                    now,
                    now,
                    str(order_id),
                ),
            )
            executed = row["executed_quantity"] + trade.quantity
            executed_quote = row["executed_quote_quantity"] + cost
            run(
                f"UPDATE {s}.orders SET status = %s, executed_quantity = %s, executed_quote_quantity = %s,"
                " settled_quantity = %s, settled_quote_quantity = %s, held_amount = %s, version = version + 1,"
                " updated_at = %s WHERE user_id = %s AND id = %s",
                (
                    "PARTIALLY_FILLED",
                    executed,
                    executed_quote,
                    row["settled_quantity"] + trade.quantity,
                    row["settled_quote_quantity"] + cost,
                    row["held_amount"] - cost,
                    now,
                    user,
                    order_id,
                ),
            )
            run(
                f"INSERT INTO {s}.order_updates (user_id, order_id, seq, previous_status, status, executed_quantity,"
                " executed_quote_quantity, outcome, source, occurred_at, recorded_at) SELECT %s, %s,"
                f" coalesce((SELECT max(seq) FROM {s}.order_updates WHERE user_id = %s AND order_id = %s), 0) + 1,"
                " %s, 'PARTIALLY_FILLED', %s, %s, 'APPLIED', 'REST', %s, %s",
                (user, order_id, user, order_id, row["status"], executed, executed_quote, trade.traded_at, now),
            )
            for asset, free, locked, reason in (
                (row["quote_asset"], Decimal(0), -cost, "TRADE"),
                (row["base_asset"], trade.quantity, Decimal(0), "TRADE"),
                (row["base_asset"], -trade.commission, Decimal(0), "COMMISSION"),
            ):
                balance = balances[asset]
                balance[0], balance[1], balance[2] = balance[0] + free, balance[1] + locked, balance[2] + 1
                run(
                    f"INSERT INTO {s}.balance_entries (user_id, asset, seq, delta_free, delta_locked, free_after,"
                    " locked_after, reason, reference, occurred_at, created_at, delta_unexplained, unexplained_after,"
                    " hash) VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, 0, 0, '')",
                    (user, asset, balance[2], free, locked, *balance[:2], reason, str(trade.id), trade.traded_at, now),
                )
            for asset, (free, locked, seq) in balances.items():
                run(
                    f"UPDATE {s}.balances SET free = %s, locked = %s, last_seq = %s, version = version + 1,"
                    " updated_at = %s WHERE user_id = %s AND asset = %s",
                    (free, locked, seq, now, user, asset),
                )


def one_at_a_time(storage: Storage, pool: ConnectionPool[Any]) -> UUID:
    """Settle fills by both, in turns; whose Metacore's are."""
    trading, by_hand = TradingService(storage), ByHand()
    mine, theirs = account(storage), account(storage)

    def hand_written() -> None:
        for _ in range(20):
            with pool.connection() as connection:
                by_hand.settle(connection, fill(*theirs))

    def with_metacore() -> None:
        for _ in range(20):
            trading.settle_trade(fill(*mine))

    contest = Contest("One fill at a time", {"psycopg": hand_written, "metacore": with_metacore}, 20, 41)
    contest.run()
    return mine[0]


def in_batches(storage: Storage, pool: ConnectionPool[Any]) -> UUID:
    """Settle batches, and by hand fills one by one, in turns; whose Metacore's are."""
    trading, by_hand = TradingService(storage), ByHand()
    mine, theirs = account(storage), account(storage)
    single, batch = [], []
    for _ in range(9):
        started = time.perf_counter()
        for _ in range(50):
            with pool.connection() as connection:
                by_hand.settle(connection, fill(*theirs))
        single.append((time.perf_counter() - started) / 50)
        fills = [fill(*mine) for _ in range(BATCH)]
        started = time.perf_counter()
        results = trading.settle_trades(fills)
        batch.append((time.perf_counter() - started) / BATCH)
        assert {result.outcome for result in results} == {metacore.Outcome.SETTLED}
    one, many = statistics.median(single), statistics.median(batch)
    ratio = statistics.median(a / b for a, b in zip(single, batch, strict=True))
    print(f"\nBatches of {BATCH} (9 rounds, interleaved with 50 hand-written fills; medians)")
    print(
        f"  psycopg, one fill {one * 1e6:,.0f} us; metacore, a fill of a batch {many * 1e6:,.1f} us: {ratio:.1f} times"
    )
    return mine[0]


def main() -> None:
    with EmbeddedPostgres() as server:
        SchemaDeployer(server.url).deploy()
        options = {"autocommit": True, "prepare_threshold": 0, "options": "-c TimeZone=UTC"}
        with (
            connect(server.url) as storage,
            ConnectionPool(server.url, kwargs=options, min_size=1, max_size=2) as pool,
        ):
            users = one_at_a_time(storage, pool), in_batches(storage, pool)
            # What is written by hand has no hashes, which the audit of its own users tells.
            findings = sum(len(storage.balances.audit(user_id)) for user_id in users)
            print(f"  findings of the audit of what Metacore wrote: {findings}")


if __name__ == "__main__":
    main()
