"""pgbench, a client in C that comes with the server: the limit, with the statements of psycopg's author, prepared."""

from __future__ import annotations

import re
import subprocess
import tempfile
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from metacore.postgres.embedded.cluster import DEFAULT_VERSION, binaries

from . import sql
from .by_hand import order_row
from .peer import Call, Peer
from .stage import Account, new_order

_LATENCY = re.compile(r"latency average = ([\d.]+) ms")
_FEWEST = 50
"""Calls: the first of them prepares."""

_MADE = {"id": "gen_random_uuid()", "client_order_id": "gen_random_uuid()::text"}
"""What the server makes, as pgbench cannot: other values for each row."""


def _literal(value: Any) -> str:
    return "NULL" if value is None else f"'{value}'"


class Pgbench(Peer):
    name = "pgbench"
    against = "metacore"

    def open(self) -> None:
        self._directory = tempfile.TemporaryDirectory()

    def close(self) -> None:
        self._directory.cleanup()

    def get(self, account: Account) -> str:
        query = sql.GET.replace("$1", _literal(account.user_id))
        return query.replace("$2", _literal(account.order_ids[0]))

    def create(self, account: Account) -> str:
        row = order_row(new_order(account.user_id), datetime.now(UTC))
        literals = {name: _MADE.get(name) or _literal(value) for name, value in row.items()}
        return f"INSERT INTO {sql.S}.orders ({', '.join(row)}) VALUES ({', '.join(literals.values())})"

    def run(self, call: Call, calls: int) -> tuple[float, int]:
        """By the latency that pgbench tells: its own start is no part of that, the first call of each client is."""
        calls = max(calls, _FEWEST)
        [account] = self.accounts("any", 0)
        script = Path(self._directory.name, "script.sql")
        script.write_text(f"{call(account)};\n")  # type: ignore[arg-type]
        options = ["-n", "-M", "prepared", "-c", str(self.workers), "-j", str(min(self.workers, 2)), "-t", str(calls)]
        command = [str(binaries(DEFAULT_VERSION) / "pgbench"), *options, "-f", str(script), self.url]
        printed = subprocess.run(command, check=True, capture_output=True, text=True).stdout
        [latency] = _LATENCY.findall(printed)
        return float(latency) / 1000 * calls, calls * self.workers
