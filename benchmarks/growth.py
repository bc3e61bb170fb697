"""Does a batch of 300 fills take longer as the tables grow? Nobody analyses them.

    python benchmarks/growth.py [PostgreSQL's major version]

300 orders of one user, three assets. The tables are filled between the rounds up to 300,000 rows each, half of them
the user's own; the one connection keeps the plans of its first round. What is measured is the processor time of the
server's process, which other work on the machine disturbs least, and what the clock says of the whole call. Linux only.
"""

from __future__ import annotations

import itertools
import statistics
import sys
import time
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any
from uuid import UUID

import psycopg

from metacore.postgres import EmbeddedPostgres, SchemaDeployer
from metacore.postgres.statements.sets import names
from metacore.postgres.tables import METADATA
from metacore.postgres.tables.columns import given
from metacore.sync import NewOrder, NewTrade, NewUser, Settings, Storage, TradingService, connect

FILLS = 300
ROUNDS = 15
SIZES = (0, 3_000, 30_000, 300_000)
TABLES = ("users", "balances", "orders", "order_updates", "trades", "balance_entries")

COPIES = {
    "users": "'id', user_id, 'uid', id, 'username', id, 'email', id",
    "balances": "'user_id', user_id, 'asset', id",
    "orders": "'user_id', user_id, 'id', id, 'client_order_id', id, 'status', 'FILLED', 'held_amount', 0",
    "order_updates": "'user_id', user_id, 'order_id', id, 'seq', 1",
    "trades": "'user_id', user_id, 'id', id, 'order_id', id, 'exchange_trade_id', id, 'order_key', id",
    "balance_entries": "'user_id', user_id, 'asset', id, 'seq', 1, 'reference', id",
}

_numbers = itertools.count()


def orders_of(storage: Storage) -> tuple[UUID, list[UUID]]:
    user = storage.users.create(NewUser(username="first"))
    trading = TradingService(storage)
    for asset in ("USDT", "BTC", "MX"):
        trading.deposit(user.id, asset, Decimal(10**9), reference=f"opening {asset}")
    orders = [
        NewOrder(
            user_id=user.id,
            symbol="BTCUSDT",
            base_asset="BTC",
            quote_asset="USDT",
            side="BUY",
            type="LIMIT",
            price="1",
            quantity="1000",
        )
        for _ in range(FILLS)
    ]
    return user.id, [order.id for order in trading.place_orders(orders)]


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
        commission_asset="MX",
        traded_at=datetime.now(UTC),
    )


def grow(admin: psycopg.Connection[Any], user_id: UUID, rows: int) -> None:
    """Copy a row of each table `rows` times, every other one for the user; without one word to the planner."""
    admin.execute(
        f"CREATE TABLE metacore.new AS SELECT number, gen_random_uuid() AS id, CASE number % 2 WHEN 0"
        f" THEN '{user_id}'::uuid ELSE gen_random_uuid() END AS user_id FROM generate_series(1, {rows}) AS number"
    )
    for table, values in COPIES.items():
        values = values.replace(", id", ", new.id").replace(", user_id", ", new.user_id")
        where = "number % 2 = 1" if table == "users" else "true"
        columns = given(METADATA.tables[table])
        admin.execute(
            f"INSERT INTO metacore.{table} ({names(columns)}) SELECT {names(columns, 'copy.')}"
            f" FROM (SELECT t FROM metacore.{table} AS t LIMIT 1) AS one, metacore.new,"
            f" jsonb_populate_record(one.t, jsonb_build_object({values})) AS copy WHERE {where}"
        )
    admin.execute("DROP TABLE metacore.new")


def processor_time(pid: int) -> float:
    """Seconds that the process has worked."""
    return int(Path(f"/proc/{pid}/schedstat").read_text().split()[0]) / 1e9


def measure(trading: TradingService, user_id: UUID, orders: list[UUID], pid: int) -> tuple[float, float]:
    """What the server and what the whole call take for a batch: the medians of the rounds."""
    server, whole = [], []
    for _ in range(ROUNDS):
        fills = [fill(user_id, order_id) for order_id in orders]
        began, started = processor_time(pid), time.perf_counter()
        trading.settle_trades(fills)
        whole.append(time.perf_counter() - started)
        server.append(processor_time(pid) - began)
    return statistics.median(server), statistics.median(whole)


def main() -> None:
    version = int(sys.argv[1]) if len(sys.argv) > 1 else None
    with EmbeddedPostgres(version=version) as running, psycopg.connect(running.url, autocommit=True) as admin:
        SchemaDeployer(running.url).deploy()
        for table in TABLES:
            admin.execute(f"ALTER TABLE metacore.{table} SET (autovacuum_enabled = off)")
        with connect(running.url, settings=Settings(pool_max_size=1)) as storage:
            user_id, orders = orders_of(storage)
            found = admin.execute("SELECT pid FROM pg_stat_activity WHERE application_name = 'metacore'").fetchone()
            assert found is not None
            first: tuple[float, float] | None = None
            for size, before in zip(SIZES, (0, *SIZES), strict=False):
                if size:
                    grow(admin, user_id, size - before)
                taken = measure(TradingService(storage), user_id, orders, found[0])
                first = first or taken
                print(
                    f"{size:>8,} rows: server {taken[0] * 1e3:6.1f} ms ({taken[0] / first[0]:.2f} times),"
                    f" all {taken[1] * 1e3:6.1f} ms ({taken[1] / first[1]:.2f} times)"
                )


if __name__ == "__main__":
    main()
