"""A breaker: who is away is not asked again and again."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager


class BreakerOpenError(Exception):
    """It was away a moment ago, and is not asked."""


class Breaker:
    """Lets calls through until one fails; then, for `rest` seconds, none, and after that one at a time as a trial."""

    def __init__(self, rest: float = 0.5, clock: Callable[[], float] = time.monotonic) -> None:
        self._rest, self._clock = rest, clock
        self._closed_from: float | None = None
        self._trying = False

    @property
    def is_open(self) -> bool:
        """Whether the last call failed."""
        return self._closed_from is not None

    @contextmanager
    def trying(self, *failures: type[BaseException]) -> Iterator[None]:
        """One call; BreakerOpenError if it is not to be made. `failures` are the errors that open the breaker."""
        is_trial = self._closed_from is not None
        if self._closed_from is not None and (self._trying or self._clock() < self._closed_from):
            raise BreakerOpenError
        self._trying = is_trial
        try:
            yield
        except failures:
            self._closed_from = self._clock() + self._rest
            raise
        else:
            self._closed_from = None
        finally:
            if is_trial:
                self._trying = False
