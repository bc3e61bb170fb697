"""`trades.create_many` against hand-written COPY with the same INSERT, `metacore import` of a CSV against it, and the
memory of `trades.stream`.

    python benchmarks/imports.py

The hand-written side copies the same columns to the same staging table by psycopg's `write_row`, then runs the same
INSERT that skips what is stored. Both import trades that were built beforehand; `metacore import` builds them.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from uuid import UUID

import psycopg
from harness import Contest
from typer.testing import CliRunner

from metacore.cli.app import app
from metacore.cli.row_forms import write_csv
from metacore.domain.trading.trades import Trade
from metacore.postgres import EmbeddedPostgres, SchemaDeployer
from metacore.postgres.statements.trades import IMPORT
from metacore.sync import NewTrade, NewUser, Storage, connect

IMPORTED = 100_000
STREAMED = 1_000_000
_START = datetime(2026, 1, 1, tzinfo=UTC)


def trades(user_id: UUID, count: int) -> Iterator[NewTrade]:
    order_id = UUID(int=1)
    for number in range(count):
        yield NewTrade(
            user_id=user_id,
            order_id=order_id,
            exchange_trade_id=str(number),
            symbol="BTCUSDT",
            side="BUY",
            price="50000.5",
            quantity="0.001",
            commission="0.000001",
            commission_asset="BTC",
            traded_at=_START + timedelta(seconds=number),
        )


def import_by_hand(url: str, rows: list[NewTrade]) -> None:
    with psycopg.connect(url) as connection:
        connection.execute(IMPORT.stage.text("metacore"))
        now = datetime.now(UTC)
        with connection.cursor() as cursor, cursor.copy(IMPORT.copy.text("metacore")) as copy:
            for new in rows:
                trade = Trade.created(new, now)
                values: dict[str, Any] = {**trade.__dict__, "order_key": trade.order_key}
                copy.write_row([values[column] for column in IMPORT.columns])
        inserted = connection.execute(IMPORT.insert.text("metacore")).fetchone()
        assert inserted == (len(rows),)


def imports(storage: Storage, url: str) -> None:
    def fresh() -> list[NewTrade]:
        return list(trades(storage.users.create(NewUser()).id, IMPORTED))

    prepared = iter([fresh() for _ in range(2 * 4)])

    def with_metacore() -> None:
        rows = next(prepared)
        assert storage.trades.create_many(rows).inserted == len(rows)

    Contest(
        f"create_many of {IMPORTED:,} trades",
        {"psycopg": lambda: import_by_hand(url, next(prepared)), "metacore": with_metacore},
        IMPORTED,
        3,
    ).run()


def imports_of_files(storage: Storage, url: str, directory: Path) -> None:
    def written(number: int) -> Path:
        path = directory / f"{number}.csv"
        with path.open("w", newline="") as file:
            for _ in write_csv(trades(storage.users.create(NewUser()).id, IMPORTED), NewTrade.model_fields, file.write):
                """Nothing else is to be done for a row."""
        return path

    files = iter([written(number) for number in range(4)])
    prepared = iter([list(trades(storage.users.create(NewUser()).id, IMPORTED)) for _ in range(4)])

    def by_command() -> None:
        result = CliRunner().invoke(app, ["import", "trades", str(next(files)), "--json"], env={"METACORE_URL": url})
        assert f'"inserted": {IMPORTED}' in result.output, result.output

    Contest(
        f"metacore import of {IMPORTED:,} trades from CSV",
        {"create_many": lambda: storage.trades.create_many(next(prepared)), "metacore import": by_command},
        IMPORTED,
        3,
    ).run()


def stream_all(url: str) -> None:
    """What the child process does: reads all trades of one user and tells its peak memory."""
    with connect(url) as storage:
        user_id = storage.users.get_by_username("streamed").id
        count = sum(1 for _ in storage.trades.stream(user_id))
    # Not `getrusage`, whose maximum a process inherits from the one that started it.
    status = Path("/proc/self/status").read_text().splitlines()
    peak = next(int(line.split()[1]) for line in status if line.startswith("VmHWM")) / 1024
    print(f"\nstream: {count:,} trades read by a process whose memory peaked at {peak:,.0f} MB")


def main() -> None:
    with EmbeddedPostgres() as server:
        SchemaDeployer(server.url).deploy()
        with connect(server.url) as storage:
            imports(storage, server.url)
            with TemporaryDirectory() as directory:
                imports_of_files(storage, server.url, Path(directory))
            user = storage.users.create(NewUser(username="streamed"))
            storage.trades.create_many(trades(user.id, STREAMED))

        subprocess.run([sys.executable, __file__, server.url], check=True)


if __name__ == "__main__":
    stream_all(sys.argv[1]) if len(sys.argv) > 1 else main()
