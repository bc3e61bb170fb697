"""The contract on a stranger's backend, in the blocking world: a class for each storage, and the transactions."""

from collections.abc import Iterator

import pytest

import metacore.sync
from metacore.storage.storages import STORAGES
from metacore.testing.contract import Backend, suite
from metacore.testing.runners import BlockingRunner


@pytest.fixture(scope="module")
def backend(stranger: None) -> Iterator[Backend]:
    numbers = iter(range(10**6))

    def connect(**options):
        return metacore.sync.connect(f"mine://{next(numbers)}", **options)

    with Backend(BlockingRunner(), connect) as backend:
        yield backend


PLUGGED = {"TestStorage", "TestTransaction", "TestDoom", "TestRun", "TestLoad", "TestSave"}
PLUGGED |= {f"Test{protocol.__name__}" for protocol in STORAGES.values()}
"""What goes through each part that a stranger plugs in; what lies behind them is memory's, and tested there."""

globals().update({name: kind for name, kind in suite(event_loop=False).items() if name in PLUGGED})
