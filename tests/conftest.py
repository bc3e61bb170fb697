"""What all tests share."""

import gc
import signal
from collections.abc import Callable, Iterator
from functools import partial

import psycopg
import pytest
from hypothesis import settings

from metacore.testing import plugin
from metacore.testing.databases import clear

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
        yield partial(clear, connection)


@pytest.fixture
def interruptible() -> Iterator[None]:
    """SIGINT raises KeyboardInterrupt, also where the tests were started in the background, which ignores it."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)
