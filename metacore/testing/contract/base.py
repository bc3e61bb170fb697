"""What the classes of the suite have in common: their fixtures, and what holds after each test."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import datetime
from typing import Any

import pytest

from metacore.config import Settings
from metacore.domain.people.users import User
from metacore.domain.trading.orders import Order
from metacore.sync.storage.storage import Storage
from metacore.testing.clock import ManualClock
from metacore.testing.factories import NewOrderFactory, NewUserFactory
from metacore.testing.runners import Runner


class Backend:
    """What the suite is run on; use it as a context manager.

    `connect(settings=..., clock=...)` gives a storage, not yet open, as the `runner` wants it. With `clear`, all
    storages have the same data, which it makes empty; without, each has data of its own.
    """

    def __init__(self, runner: Runner, connect: Callable[..., Any], clear: Callable[[], None] | None = None) -> None:
        self.runner = runner
        self.connect = connect
        self._clear = clear
        self._settings = Settings()
        self._clock: Callable[[], datetime] = ManualClock()
        self._storage: Storage | None = None
        self._opened = ExitStack()

    def __enter__(self) -> Backend:
        return self

    def __exit__(self, *_: object) -> None:
        self._opened.close()

    def storage(self, clock: Callable[[], datetime]) -> Storage:
        """An open, empty storage with default settings: a new one, or the one of the test before, cleared."""
        self.clear()
        if self._storage is None or self._clear is None:
            self._opened.close()
            storage = self.connect(settings=self._settings, clock=lambda: self._clock())
            self._storage = self._opened.enter_context(self.runner.opened(storage))
        self._clock = clock
        return self._storage

    def clear(self) -> None:
        """Make the data empty, unless each storage has data of its own."""
        if self._clear is not None:
            self._clear()


Opening = Callable[..., Storage]


class Contract:
    """Base of the suite. A subclass, or the conftest around it, has a fixture `backend` that gives a `Backend`."""

    @pytest.fixture
    def clock(self) -> ManualClock:
        return ManualClock()

    @pytest.fixture
    def runner(self, backend: Backend) -> Runner:
        return backend.runner

    @pytest.fixture
    def storage(self, backend: Backend, clock: ManualClock) -> Iterator[Storage]:
        """An open storage, empty at first, seen in blocking style. It must not be closed."""
        storage = backend.storage(clock)
        yield storage
        assert_every_connection_is_back(storage)

    @pytest.fixture
    def open_storage(self, backend: Backend, clock: ManualClock) -> Iterator[Opening]:
        """Opens a storage of its own with the given settings, empty if it is the first."""
        backend.clear()
        opened: list[Storage] = []
        with ExitStack() as stack:

            def open_storage(**settings: Any) -> Storage:
                storage = backend.connect(settings=Settings(**settings), clock=clock)
                opened.append(stack.enter_context(backend.runner.opened(storage)))
                return opened[-1]

            yield open_storage
            for storage in opened:
                assert_every_connection_is_back(storage)

    @pytest.fixture
    def user(self, storage: Storage) -> User:
        return storage.users.create(NewUserFactory.build())

    @pytest.fixture
    def other(self, storage: Storage) -> User:
        """Another user, whose rows are nobody else's business."""
        return storage.users.create(NewUserFactory.build())

    @pytest.fixture
    def order(self, storage: Storage, user: User) -> Order:
        return storage.orders.create(NewOrderFactory.build(user_id=user.id))


def assert_every_connection_is_back(storage: Storage) -> None:
    """Fail unless all connections of the pool lie in it; one that is just being made may take a moment."""
    for _ in range(500):
        pool = storage.stats().pool
        if pool is None or (pool["pool_size"] == pool["pool_available"] and not pool.get("requests_waiting")):
            return
        time.sleep(0.01)
    pytest.fail(f"connections are checked out: {storage.stats().pool}")
