"""A contestant: what it is called, and its operations, called by one worker or by several at once."""

from __future__ import annotations

import asyncio
import itertools
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Coroutine
from concurrent.futures import ThreadPoolExecutor
from typing import Any, ClassVar

from .stage import Account, Stage

Call = Callable[[int], Any]
"""One call of an operation by the worker of that number; a coroutine, where it is asynchronous, of the units done."""


class Peer(ABC):
    """What a contestant has in common with the others; an operation is a method of its name, if it has it."""

    name: ClassVar[str]
    against: ClassVar[str] = "metacore"
    """The contestant of Metacore's that it is measured against."""

    def __init__(self, stage: Stage, url: str, workers: int) -> None:
        self.stage, self.size, self.url, self.workers = stage, stage.size, url, workers
        self._accounts: dict[tuple[str, int], list[Account]] = {}
        self._turns = itertools.count()
        self.open()

    @abstractmethod
    def open(self) -> None:
        """Connect."""

    @abstractmethod
    def close(self) -> None:
        """Disconnect."""

    def accounts(self, kind: str, worker: int, count: int = 1, orders: int = 1) -> list[Account]:
        """The accounts that a worker has to itself for one kind of work; made by the first call, which warms up."""
        key = kind, worker
        if key not in self._accounts:
            self._accounts[key] = [self.stage.account(orders) for _ in range(count)]
        return self._accounts[key]

    def turn(self) -> int:
        """A number, another one each time."""
        return next(self._turns)

    @abstractmethod
    def run(self, call: Call, calls: int) -> tuple[float, int]:
        """The seconds that so many calls of each worker take, all at once, and the units that they have done."""


class BlockingPeer(Peer):
    """One whose operations block: workers are threads."""

    def open(self) -> None:
        self._threads = ThreadPoolExecutor(self.workers)

    def close(self) -> None:
        self._threads.shutdown()

    def run(self, call: Call, calls: int) -> tuple[float, int]:
        def work(worker: int) -> int:
            return sum(call(worker) for _ in range(calls))

        started = time.perf_counter()
        units = work(0) if self.workers == 1 else sum(self._threads.map(work, range(self.workers)))
        return time.perf_counter() - started, units


class WaitingPeer(Peer):
    """One whose operations are coroutines: workers are tasks."""

    against = "metacore, async"

    def open(self) -> None:
        self._runner = asyncio.Runner()
        self.wait(self.connect())

    def close(self) -> None:
        self.wait(self.disconnect())
        self._runner.close()

    def wait(self, coroutine: Coroutine[Any, Any, Any]) -> Any:
        return self._runner.run(coroutine)

    @abstractmethod
    async def connect(self) -> None: ...

    @abstractmethod
    async def disconnect(self) -> None: ...

    def run(self, call: Call, calls: int) -> tuple[float, int]:
        async def work(worker: int) -> int:
            return sum([await call(worker) for _ in range(calls)])

        async def all_at_once() -> int:
            return sum(await asyncio.gather(*map(work, range(self.workers))))

        started = time.perf_counter()
        units = self.wait(all_at_once())
        return time.perf_counter() - started, units
