"""What a process pays before its first answer, and what an open storage keeps in memory.

    python benchmarks/first_call.py

Each is measured in processes of its own, in turns: the imports, a storage that is opened, the first operation and the
second, by the clock and by processor time. Against them stands psycopg with its pool, which the library is built on.
Modules are compiled before. Linux only.
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

from metacore.postgres import EmbeddedPostgres, SchemaDeployer

ROUNDS = int(sys.argv[1]) if len(sys.argv) > 1 else 15

PROLOGUE = """
import sys, time
from pathlib import Path
def memory():
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmRSS"))
url, began, worked = sys.argv[1], time.perf_counter(), time.process_time()
def told(name):
    global began, worked
    print(name, time.perf_counter() - began, time.process_time() - worked, memory(), sep="\\t")
    began, worked = time.perf_counter(), time.process_time()
told("nothing yet")
"""

PROCESSES = {
    "metacore.sync": """
import metacore.sync
told("import metacore.sync")
from metacore.sync import connect, NewUser, TradingService
told("and the names of a service")
storage = connect(url).open()
told("open")
user = storage.users.create(NewUser())
told("the first operation")
storage.users.get(user.id)
told("the second")
trading = TradingService(storage)
from decimal import Decimal
trading.deposit(user.id, "USDT", Decimal(1), reference="1")
told("the first deposit")
trading.deposit(user.id, "USDT", Decimal(1), reference="2")
told("the second deposit")
storage.close()
""",
    "memory": """
from metacore.sync import connect, NewUser
told("import for a storage in memory")
storage = connect("memory://").open()
told("open it")
storage.users.create(NewUser())
told("its first operation")
""",
    "psycopg": """
from psycopg_pool import ConnectionPool
told("import psycopg and its pool")
pool = ConnectionPool(url, min_size=1, max_size=10, kwargs={"autocommit": True, "prepare_threshold": 0}, open=True)
pool.wait()
told("open the pool")
with pool.connection() as connection:
    connection.execute("SELECT 1").fetchone()
told("its first statement")
pool.close()
""",
}


def lines(name: str, url: str, compiled: Path) -> list[tuple[str, float, float, int]]:
    """What one process tells: the step, its seconds, those of the processor, and the memory after it, in KB."""
    command = [sys.executable, "-c", PROLOGUE + PROCESSES[name], url]
    variables = {**os.environ, "PYTHONPYCACHEPREFIX": str(compiled), "PYTHONDONTWRITEBYTECODE": ""}
    printed = subprocess.run(command, check=True, capture_output=True, text=True, env=variables).stdout.splitlines()
    rows = (line.split("\t") for line in printed)
    return [(step, float(seconds), float(worked), int(memory)) for step, seconds, worked, memory in rows]


def main() -> None:
    with tempfile.TemporaryDirectory() as directory, EmbeddedPostgres(Path(directory) / "data") as server:
        SchemaDeployer(server.url).deploy()
        found: dict[tuple[str, str], list[tuple[float, float, int]]] = {}
        for turn in range(ROUNDS + 1):
            for name in PROCESSES:
                for step, *taken in lines(name, server.url, Path(directory) / "compiled"):
                    # The first turn compiles.
                    if turn:
                        found.setdefault((name, step), []).append((taken[0], taken[1], taken[2]))
    print(f"\n{ROUNDS} processes of each, in turns; medians, and quartiles of the processor time")
    for (name, step), rounds in found.items():
        seconds, worked, memory = (statistics.median(column) for column in zip(*rounds, strict=True))
        low, _, high = statistics.quantiles([1e3 * row[1] for row in rounds], n=4)
        print(
            f"  {name:<14} {step:<32} {1e3 * seconds:9.2f} ms, processor {1e3 * worked:8.2f} ms"
            f" ({low:.2f} to {high:.2f}), then {memory / 1024:5.1f} MB"
        )


if __name__ == "__main__":
    main()
