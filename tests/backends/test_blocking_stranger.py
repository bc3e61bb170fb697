"""The contract on a stranger's backend, in the blocking world."""

from collections.abc import Iterator

import pytest

import metacore.sync
from metacore.testing.contract import Backend, suite
from metacore.testing.runners import BlockingRunner


@pytest.fixture(scope="module")
def backend(stranger: None) -> Iterator[Backend]:
    numbers = iter(range(10**6))

    def connect(**options):
        return metacore.sync.connect(f"mine://{next(numbers)}", **options)

    with Backend(BlockingRunner(), connect) as backend:
        yield backend


globals().update(suite(event_loop=False))
