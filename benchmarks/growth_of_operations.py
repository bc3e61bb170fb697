"""Does any operation take longer as the tables grow? Nobody analyses them.

    python benchmarks/growth_of_operations.py [most rows of the user, 1,000,000 unless told]

A user has so many rows of orders, their history, trades and the journal, and to five of them there is one of another
user, who has no others: with 5,000,000 rows there are a million users. What is measured is how many blocks the server
looks into for each operation, which no other work disturbs, the processor time of its process, which such work
disturbs some, and what the clock says of the whole call. One connection keeps the plans that it made at first. Left out
is what the contract says reads all of it, such as `balances.list`. A table is printed as each size is done. Linux only.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from decimal import Decimal
from typing import Any
from uuid import UUID

import psycopg
from growth import fill, grow, orders_of, prepare, processor_time

import metacore
from metacore.postgres import EmbeddedPostgres, SchemaDeployer
from metacore.sync import LedgerService, NewOrder, NewReservation, Settings, Storage, TradingService, connect

MOST = int(sys.argv[1].replace(",", "")) if len(sys.argv) > 1 else 1_000_000
SIZES = [size for size in (1_000, 10_000, 100_000, 1_000_000, 5_000_000) if size <= MOST]
ROUNDS, CALLS, SECONDS = 7, 20, 0.05
"""How often is measured, and how many calls, or seconds of calls, each time."""
EVERY = 6
"""One of so many rows is another user's."""
ONE = Decimal(1)


def new_order(user_id: UUID) -> NewOrder:
    assets = {"symbol": "BTCUSDT", "base_asset": "BTC", "quote_asset": "USDT"}
    return NewOrder(user_id=user_id, **assets, side="BUY", type="LIMIT", price="1", quantity="1")


def operations(storage: Storage, user_id: UUID, orders: list[UUID]) -> dict[str, Callable[[], object]]:
    trading, ledger, first = TradingService(storage), LedgerService(storage), orders[0]
    stored = storage.orders.get(user_id, first)
    known, filters = metacore.OrderFilter, metacore.TradeFilter

    def reservation() -> NewReservation:
        return NewReservation(user_id=user_id, asset="USDT", amount=ONE, reference=str(metacore.new_id()))

    def due() -> metacore.ExecutionReport:
        values = {"status": "NEW", "executed_quantity": 0, "source": "REST", "occurred_at": storage.now()}
        return metacore.ExecutionReport(user_id=user_id, order_id=orders[1], **values)

    return {
        "orders.get": lambda: storage.orders.get(user_id, first),
        "orders.get_by_client_order_id": lambda: storage.orders.get_by_client_order_id(
            user_id, stored.client_order_id or ""
        ),
        "orders.create": lambda: storage.orders.create(new_order(user_id)),
        "orders.list": lambda: storage.orders.list(user_id),
        "orders.list of a symbol": lambda: storage.orders.list(user_id, known(symbol="BTCUSDT")),
        "users.get": lambda: storage.users.get(user_id),
        "users.get_by_username": lambda: storage.users.get_by_username("first"),
        "users.list": lambda: storage.users.list(),
        "orders.list of a status": lambda: storage.orders.list(user_id, known(status="CANCELED")),
        "trades.list": lambda: storage.trades.list(user_id),
        "trades.list of a symbol": lambda: storage.trades.list(user_id, filters(symbol="BTCUSDT")),
        "trades.list_by_order": lambda: storage.trades.list_by_order(user_id, orders[2]),
        "trades.list_pending": lambda: storage.trades.list_pending(user_id),
        "balances.get": lambda: storage.balances.get(user_id, "USDT"),
        "balances.journal": lambda: storage.balances.journal(user_id),
        "balances.entries of an asset": lambda: storage.balances.entries(user_id, "USDT"),
        "order_updates.list": lambda: storage.order_updates.list(user_id, orders[2]),
        "deposit": lambda: trading.deposit(user_id, "USDT", ONE, reference=str(metacore.new_id())),
        "place_order": lambda: trading.place_order(new_order(user_id)),
        "apply_report": lambda: trading.apply_report(due()),
        "settle_trade": lambda: trading.settle_trade(fill(user_id, first)),
        "reserve": lambda: ledger.reserve(reservation()),
    }


class Meter:
    """What the server's process, the one of the storage's connection, has done."""

    def __init__(self, storage: Storage, admin: psycopg.Connection[Any]) -> None:
        self._storage, self._admin = storage, admin
        with storage.transaction() as tx:
            self.pid = tx.connection.info.backend_pid

    def blocks(self) -> int:
        """How many blocks were looked into."""
        with self._storage.transaction() as tx:
            tx.connection.execute("SELECT pg_stat_force_next_flush()")
        found = self._admin.execute(
            "SELECT blks_hit + blks_read FROM pg_stat_database WHERE datname = current_database()"
        ).fetchone()
        assert found is not None
        return int(found[0])


def measure(call: Callable[[], object], meter: Meter) -> tuple[float, float, float]:
    """Blocks, and what the server and the whole call take: the least of the rounds, disturbed least by others."""
    blocks, server, whole = [], [], []
    calls = CALLS
    for _ in range(ROUNDS):
        before = meter.blocks()
        began, started = processor_time(meter.pid), time.perf_counter()
        for _ in range(calls):
            call()
        whole.append((time.perf_counter() - started) / calls)
        server.append((processor_time(meter.pid) - began) / calls)
        blocks.append((meter.blocks() - before) / calls)
        calls = max(CALLS, round(SECONDS / whole[-1]))
    return min(blocks), min(server), min(whole)


def main() -> None:
    with EmbeddedPostgres() as running, psycopg.connect(running.url, autocommit=True) as admin:
        SchemaDeployer(running.url).deploy()
        prepare(admin)
        with connect(running.url, settings=Settings(pool_max_size=1)) as storage:
            user_id, orders = orders_of(storage)
            # There is a row of each table to copy.
            TradingService(storage).settle_trade(fill(user_id, orders[2]))
            meter = Meter(storage, admin)
            first: dict[str, tuple[float, float, float]] = {}
            print("Blocks, processor time of the server, the clock; then how many times that as the tables grow")
            for size, before in zip(SIZES, (0, *SIZES), strict=False):
                began = time.perf_counter()
                grow(admin, user_id, *(rows * EVERY // (EVERY - 1) for rows in (before, size)), EVERY)
                print(f"\n| {size:,} rows, filled in {time.perf_counter() - began:.0f} s | | | |", flush=True)
                for name, call in operations(storage, user_id, orders).items():
                    measured = measure(call, meter)
                    blocks, server, whole = measured
                    if name in first:
                        blocks, server, whole = (now / then for now, then in zip(measured, first[name], strict=True))
                        print(f"| {name} | {blocks:.2f} | {server:.2f} | {whole:.2f} |", flush=True)
                    else:
                        first[name] = measured
                        print(f"| {name} | {blocks:.0f} | {1e6 * server:,.0f} us | {1e6 * whole:,.0f} us |", flush=True)


if __name__ == "__main__":
    main()
