"""What a feed costs: a fill, and a batch of 1,000, with and without it, by processor time of client and server.

    python benchmarks/feed.py

The rounds of the two are interleaved on one connection, each with an order of its own user. Linux only.
"""

from __future__ import annotations

import statistics
import time

import psycopg
from growth import processor_time
from settlement import BATCH, account, fill

from metacore.postgres import EmbeddedPostgres, SchemaDeployer
from metacore.sync import Settings, TradingService, connect

SINGLE, ROUNDS, ROUNDS_OF_BATCHES = 20, 61, 15


def compare(
    title: str, services: list[TradingService], accounts: list[tuple], pid: int, size: int, rounds: int
) -> None:
    """Print what `size` fills take without a feed and with one, in one call or, below 1,000, in as many."""
    taken: list[list[tuple[float, float]]] = [[], []]
    for turn in range(-2, rounds):
        for which in (0, 1) if turn % 2 else (1, 0):
            fills = [fill(*accounts[which]) for _ in range(size)]
            began = time.process_time(), processor_time(pid)
            if size == BATCH:
                services[which].settle_trades(fills)
            else:
                for each in fills:
                    services[which].settle_trade(each)
            client, server = time.process_time() - began[0], processor_time(pid) - began[1]
            if turn >= 0:
                taken[which].append((client / size * 1e6, server / size * 1e6))
    print(f"\n{title} ({rounds} rounds of {size}, interleaved; microseconds of processor time a fill, medians)")
    for name, rows in zip(("without a feed", "with a feed"), taken, strict=True):
        client, server = (statistics.median(part) for part in zip(*rows, strict=True))
        ratios = [sum(mine) / sum(other) for mine, other in zip(rows, taken[0], strict=True)]
        low, middle, high = statistics.quantiles(ratios, n=4)
        print(
            f"  {name:<16} client {client:7.1f}, server {server:7.1f}, both {client + server:7.1f}:"
            f" {middle:.2f} times (quartiles {low:.2f} to {high:.2f})"
        )


def main() -> None:
    with EmbeddedPostgres() as running, psycopg.connect(running.url, autocommit=True) as admin:
        SchemaDeployer(running.url).deploy()
        with connect(running.url, settings=Settings(pool_max_size=1)) as storage:
            accounts = [account(storage), account(storage)]
            found = admin.execute("SELECT pid FROM pg_stat_activity WHERE application_name = 'metacore'").fetchone()
            assert found is not None
            services = [TradingService(storage), TradingService(storage, feed="trading")]
            compare("One fill at a time", services, accounts, found[0], SINGLE, ROUNDS)
            compare("Batches", services, accounts, found[0], BATCH, ROUNDS_OF_BATCHES)


if __name__ == "__main__":
    main()
