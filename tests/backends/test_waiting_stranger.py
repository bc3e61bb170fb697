"""The contract on a stranger's backend, in the asynchronous world."""

from collections.abc import Iterator
from contextlib import closing

import pytest

import metacore
from metacore.testing.contract import Backend, suite
from metacore.testing.runners import AsyncRunner


@pytest.fixture(scope="module")
def backend(stranger: None) -> Iterator[Backend]:
    numbers = iter(range(10**6))

    def connect(**options):
        return metacore.connect(f"mine://{next(numbers)}", **options)

    with closing(AsyncRunner()) as runner, Backend(runner, connect) as backend:
        yield backend


PLUGGED = ("TestStorage", "TestEventLoop", "TestTransaction", "TestRun")
"""What an event loop makes different; the storages are tried in the blocking world."""

globals().update({name: suite(event_loop=True)[name] for name in PLUGGED})
