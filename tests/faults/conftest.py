"""What tests of locks share: storages of both worlds, and the server's view of who waits."""

import importlib
import os
import signal
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack
from typing import Any

import psycopg
import pytest

from metacore.config import Settings
from metacore.postgres import EmbeddedPostgres
from metacore.sync import Storage
from metacore.testing.databases import Databases
from metacore.testing.loop_threads import PATIENCE
from metacore.testing.runners import AsyncRunner, BlockingRunner, Runner


@pytest.fixture(params=[AsyncRunner, BlockingRunner], ids=["async", "blocking"])
def runner(request: pytest.FixtureRequest) -> Iterator[Runner]:
    runner = request.param()
    yield runner
    runner.close()


@pytest.fixture
def open_storage(runner: Runner, metacore_database_url: str) -> Callable[..., AbstractContextManager[Storage]]:
    """A function that opens a storage of the test's database with the given settings."""

    def opened(**settings: Any) -> AbstractContextManager[Storage]:
        connect = importlib.import_module(runner.package).connect
        return runner.opened(connect(metacore_database_url, settings=Settings(**settings)))

    return opened


@pytest.fixture
def work_through_crashes() -> Callable[..., None]:
    """A function that lets threads work while their server is killed after each of the pauses, until told to stop."""

    def work(
        server: EmbeddedPostgres,
        storage: Storage,
        workers: Sequence[Any],
        stop: threading.Event,
        pauses: Sequence[float],
    ) -> None:
        for worker in workers:
            worker.start()
        for pause in pauses:
            time.sleep(pause)
            pid = server.pid
            assert pid is not None
            os.kill(pid, signal.SIGKILL)
            server.start()
        time.sleep(min(pauses))
        stop.set()
        for worker in workers:
            worker.join()
            if worker.error is not None:
                raise worker.error
        figures = storage.stats().pool or {}
        assert figures.get("returns_bad", 0) + figures.get("connections_errors", 0) > 0

    return work


class Server:
    """What the server tells of the test's database; where others keep its rows, what they tell, too."""

    def __init__(self, connections: Sequence[psycopg.Connection]) -> None:
        self.connection = connections[0]
        self._all = connections

    def tells(self, query: str, *values: object) -> Any:
        row = self.connection.execute(query.encode(), values).fetchone()
        return row[0] if row else None

    def wait_until_waiting(self, sessions: int) -> None:
        """Return once so many of its sessions wait for a lock."""
        until = time.monotonic() + PATIENCE
        while self.waiting() != sessions:
            assert time.monotonic() < until
            time.sleep(0.005)

    def waiting(self) -> int:
        """How many sessions wait for a lock."""
        query = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
        return self._count(query)

    def deadlocks(self) -> int:
        """How many deadlocks it has broken: a retry would hide them."""
        return self._count("SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()")

    def _count(self, query: str) -> int:
        return sum(connection.execute(query.encode()).fetchone()[0] for connection in self._all)


@pytest.fixture
def server(metacore_databases: Databases, metacore_database_url: str) -> Iterator[Server]:
    with ExitStack() as stack:
        connections = [
            stack.enter_context(psycopg.connect(url, autocommit=True))
            for url in metacore_databases.servers(metacore_database_url)
        ]
        yield Server(connections)
