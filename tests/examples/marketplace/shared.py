"""A system that several modules share."""

from collections.abc import Callable
from typing import Any


class Shared:
    """A system that is started when it is asked for, and again after it was stopped."""

    def __init__(self, start: Callable[[], Any]) -> None:
        self._start, self._system = start, None

    def get(self) -> Any:
        """The system, which runs."""
        if self._system is None:
            self._system = self._start()
        return self._system

    def stop(self) -> None:
        """End it, if it runs."""
        system, self._system = self._system, None
        if system is not None:
            assert system.stop() == 0, system.log.read_text()
