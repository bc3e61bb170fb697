"""The pytest plugin of Metacore: fixtures for the tests of services that store by it.

Every pytest run loads it where Metacore is installed, so it imports nothing but pytest before a fixture is asked for.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from metacore.storage.storage import Storage
    from metacore.sync.storage.storage import Storage as BlockingStorage
    from metacore.testing.clock import ManualClock
    from metacore.testing.databases import Databases

pytest.register_assert_rewrite("metacore.testing.contract")


@pytest.fixture
def metacore_clock() -> ManualClock:
    """The clock of the storages below: it stands still until it is told to `advance`."""
    from metacore.testing.clock import ManualClock

    return ManualClock()


@pytest.fixture
def metacore_storage(metacore_clock: ManualClock) -> Storage:
    """An empty storage in memory, to be opened in the test's event loop: `async with metacore_storage as storage`."""
    from metacore import connect

    return connect("memory://", clock=metacore_clock)


@pytest.fixture
def metacore_sync_storage(metacore_clock: ManualClock) -> Iterator[BlockingStorage]:
    """An empty, open, blocking storage in memory."""
    from metacore.sync import connect

    with connect("memory://", clock=metacore_clock) as storage:
        yield storage


@pytest.fixture(scope="session")
def metacore_databases() -> Iterator[Databases]:
    """Makes PostgreSQL databases: on the server that METACORE_TEST_URL names or, without it, on an embedded one.

    With METACORE_TEST_DISTRIBUTE=1 that server is the coordinator of a Citus cluster.
    """
    from contextlib import ExitStack

    from metacore.errors import MetacoreError
    from metacore.testing.clusters import databases_on
    from metacore.testing.databases import server

    with ExitStack() as stack:
        try:
            databases = stack.enter_context(databases_on(stack.enter_context(server())))
        except MetacoreError as error:
            flaw = error.message
        else:
            yield databases
            return
    pytest.fail(flaw, pytrace=False)


@pytest.fixture
def metacore_database_url(metacore_databases: Databases) -> Iterator[str]:
    """The URL of an empty PostgreSQL database with the schema deployed, for this test alone."""
    with metacore_databases.database() as url:
        yield url
