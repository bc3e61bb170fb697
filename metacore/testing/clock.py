"""A clock for tests."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

START = datetime(2026, 1, 31, 12, 0, 0, 123456, tzinfo=UTC)


class ManualClock:
    """Stands still until it is told to go on; pass it to `connect(clock=...)`."""

    def __init__(self, now: datetime = START) -> None:
        self.now = now

    def __call__(self) -> datetime:
        return self.now

    def advance(self, **by: float) -> datetime:
        """Go on by `timedelta(**by)`, a second if nothing is told, and return the time then."""
        self.now += timedelta(**by) if by else timedelta(seconds=1)
        return self.now
