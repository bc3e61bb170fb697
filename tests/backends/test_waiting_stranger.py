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


CORE = ("TestStorage", "TestEventLoop", "TestTransaction", "TestDoom", "TestRun", "TestUserStorage", "TestSave")
"""What is made of the stranger's own parts; the other classes run in the blocking world."""

globals().update({name: kind for name, kind in suite(event_loop=True).items() if name in CORE})
