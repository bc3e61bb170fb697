"""What tests of locks share: storages of both worlds, and the server's view of who waits."""

import importlib
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from typing import Any

import psycopg
import pytest

from metacore.config import Settings
from metacore.sync import Storage
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


class Server:
    """What the server tells of the test's database."""

    def __init__(self, connection: psycopg.Connection) -> None:
        self.connection = connection

    def tells(self, query: str) -> Any:
        row = self.connection.execute(query).fetchone()
        return row[0] if row else None

    def wait_until_waiting(self, sessions: int) -> None:
        """Return once so many of its sessions wait for a lock."""
        until = time.monotonic() + PATIENCE
        while self.waiting() != sessions:
            assert time.monotonic() < until
            time.sleep(0.005)

    def waiting(self) -> int:
        """How many sessions wait for a lock."""
        return int(
            self.tells(
                "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
            )
        )

    def deadlocks(self) -> int:
        """How many deadlocks it has broken: a retry would hide them."""
        return int(self.tells("SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()"))


@pytest.fixture
def server(metacore_database_url: str) -> Iterator[Server]:
    with psycopg.connect(metacore_database_url, autocommit=True) as connection:
        yield Server(connection)
