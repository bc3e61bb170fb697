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
from metacore.postgres.tables import METADATA
from metacore.postgres.tables.columns import uncomputed
from metacore.sync import NewOrder, NewTrade, NewUser, Settings, Storage, TradingService, connect

FILLS = 300
ROUNDS = 15
SIZES = (0, 3_000, 30_000, 300_000)
COPIES = {
    "users": {"id": "id", "uid": "name", "username": "name", "email": "name", "created_at": "at"},
    "user_names": {"kind": "'USERNAME'", "value": "name", "user_id": "id"},
    "balances": {"user_id": "user_id", "asset": "asset"},
    "orders": {
        "id": "id",
        "user_id": "user_id",
        "client_order_id": "name",
        "status": "'FILLED'",
        "held_amount": "0",
        "created_at": "at",
    },
    "order_updates": {"user_id": "user_id", "order_id": "id", "seq": "1", "recorded_at": "at"},
    "trades": {
        "id": "id",
        "user_id": "user_id",
        "order_id": "id",
        "exchange_trade_id": "name",
        "order_key": "name",
        "traded_at": "at",
        "created_at": "at",
    },
    "balance_entries": {
        "user_id": "user_id",
        "asset": "asset",
        "seq": "seq",
        "reference": "name",
        "occurred_at": "at",
        "created_at": "at",
    },
}
"""By table, what a copied row does not share with the first one: columns of `new`, or what is said plainly."""

ONLY = {
    "users": "new.user_id = new.id",
    "user_names": "new.user_id = new.id",
    "balances": "new.user_id = new.id OR seq = 1",
}
"""Which rows of `new` are copied into a table; all, where none are named."""

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


def grow(admin: psycopg.Connection[Any], user_id: UUID, before: int, rows: int, every: int = 2) -> None:
    """Copy a row of each table until there are so many `rows`, of which `before` are there: the second of `every` so
    many is another user's, the rest the user's. Ids and times ascend, as those that are made do, and a thousand entries
    share a balance. Not a word to the planner.
    """
    admin.execute(
        "CREATE TABLE metacore.new AS SELECT id, id::text AS name, seq, asset, at,"
        f" CASE number % {every} WHEN 1 THEN id ELSE '{user_id}' END AS user_id"
        f" FROM generate_series({before}, {rows - 1}) AS number, LATERAL (SELECT"
        " ('0170' || lpad(to_hex(number), 8, '0') || '70008' || substr(md5(number::text), 1, 15))::uuid AS id,"
        " number % 1000 + 1 AS seq, 'G' || number / 1000 AS asset,"
        " '2020-01-01T00:00:00Z'::timestamptz + number * interval '1 second' AS at) AS named"
    )
    for table, own in COPIES.items():
        values = {name: f"one.{name}" for name in uncomputed(METADATA.tables[table])}
        values |= {name: value if "'" in value or value.isdecimal() else f"new.{value}" for name, value in own.items()}
        admin.execute(
            f"INSERT INTO metacore.{table} ({', '.join(values)}) SELECT {', '.join(values.values())}"
            f" FROM (SELECT * FROM metacore.{table} LIMIT 1) AS one, metacore.new WHERE {ONLY.get(table, 'true')}"
        )
    admin.execute("DROP TABLE metacore.new")


def prepare(admin: psycopg.Connection[Any]) -> None:
    """Leave the tables to themselves, and fill them fast: no look for what a row refers to, which is copied, too."""
    for table in COPIES:
        admin.execute(f"ALTER TABLE metacore.{table} SET (autovacuum_enabled = off)")
    admin.execute("SET session_replication_role = replica")
    admin.execute("ALTER SYSTEM SET max_wal_size = '16GB'")
    admin.execute("SELECT pg_reload_conf()")


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
        prepare(admin)
        with connect(running.url, settings=Settings(pool_max_size=1)) as storage:
            user_id, orders = orders_of(storage)
            found = admin.execute("SELECT pid FROM pg_stat_activity WHERE application_name = 'metacore'").fetchone()
            assert found is not None
            first: tuple[float, float] | None = None
            for size, before in zip(SIZES, (0, *SIZES), strict=False):
                if size:
                    grow(admin, user_id, before, size)
                taken = measure(TradingService(storage), user_id, orders, found[0])
                first = first or taken
                print(
                    f"{size:>8,} rows: server {taken[0] * 1e3:6.1f} ms ({taken[0] / first[0]:.2f} times),"
                    f" all {taken[1] * 1e3:6.1f} ms ({taken[1] / first[1]:.2f} times)",
                    flush=True,
                )


if __name__ == "__main__":
    main()
