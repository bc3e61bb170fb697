"""What all tests share."""

import gc
import signal
from collections.abc import Callable, Iterator

import psycopg
import pytest
from hypothesis import settings

from metacore.testing import plugin

MESSAGES = (
    *("outbox_keys", "outbox_events", "outbox_progress", "outbox_waits", "outbox_wakeups"),
    *("inbox_positions", "inbox_messages", "dead_letters", "bar_parts"),
)
"""The tables of what belongs to no user."""

settings.register_profile("metacore", derandomize=True, database=None, deadline=None)
settings.load_profile("metacore")


def pytest_configure(config: pytest.Config) -> None:
    """An installed metacore brings its plugin by itself; a checkout does not."""
    if not config.pluginmanager.has_plugin("metacore"):
        config.pluginmanager.register(plugin, "metacore")


def pytest_collection_finish() -> None:
    """What was collected stays: to look through it for cycles again and again takes a twentieth of the time."""
    gc.collect()
    gc.freeze()


@pytest.fixture
def clear_database(metacore_database_url: str) -> Iterator[Callable[[], None]]:
    """A function that empties the database of the test."""
    with psycopg.connect(metacore_database_url, autocommit=True, options="-c lock_timeout=10s") as connection:

        def clear() -> None:
            connection.execute("DELETE FROM metacore.user_names")
            connection.execute("DELETE FROM metacore.users")
            connection.execute("DELETE FROM metacore.order_records")
            for table in MESSAGES:
                connection.execute(f"DELETE FROM metacore.{table}")

        yield clear


@pytest.fixture
def interruptible() -> Iterator[None]:
    """SIGINT raises KeyboardInterrupt, also where the tests were started in the background, which ignores it."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)
