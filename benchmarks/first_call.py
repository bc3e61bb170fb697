"""What a process pays before its first answer, and what an open storage keeps in memory.

    python benchmarks/first_call.py

Each is measured in processes of its own, in turns: a bare interpreter, the imports, a storage that is opened, the
first operation and the second. Against them stands psycopg with its pool, which is what the library is built on. Linux only.
"""

from __future__ import annotations

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
    return next(int(line.split()[1]) for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("VmRSS"))
url, began = sys.argv[1], time.perf_counter()
def told(name):
    global began
    print(name, time.perf_counter() - began, memory(), sep="\\t")
    began = time.perf_counter()
told("a bare interpreter")
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


def lines(name: str, url: str) -> list[tuple[str, float, int]]:
    """What one process tells: the step, its seconds, and the memory of the process after it, in KB."""
    command = [sys.executable, "-c", PROLOGUE + PROCESSES[name], url]
    told = subprocess.run(command, check=True, capture_output=True, text=True).stdout.splitlines()
    rows = (line.split("\t") for line in told)
    return [(step, float(seconds), int(memory)) for step, seconds, memory in rows]


def main() -> None:
    with tempfile.TemporaryDirectory() as directory, EmbeddedPostgres(Path(directory) / "data") as server:
        SchemaDeployer(server.url).deploy()
        found: dict[tuple[str, str], list[tuple[float, int]]] = {}
        for _ in range(ROUNDS):
            for name in PROCESSES:
                for step, seconds, memory in lines(name, server.url):
                    found.setdefault((name, step), []).append((seconds, memory))
    print(f"\n{ROUNDS} processes of each, in turns; medians, and quartiles of the time")
    for (name, step), taken in found.items():
        low, median, high = statistics.quantiles([1e3 * seconds for seconds, _ in taken], n=4)
        memory = statistics.median(memory for _, memory in taken) / 1024
        print(f"  {name:<14} {step:<32} {median:8.2f} ms ({low:.2f} to {high:.2f}), then {memory:6.1f} MB")


if __name__ == "__main__":
    main()
