"""How much is measured."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Size:
    """Rounds, how long a contestant works in each, and of how many rows the work is."""

    rounds: int
    seconds: float
    listed: int
    page: int
    bulk: int
    batch: int
    users: int

    @property
    def last_page(self) -> int:
        """The number of the last page of what is listed."""
        return self.listed // self.page


SIZES = {
    "small": Size(rounds=2, seconds=0, listed=60, page=20, bulk=50, batch=6, users=3),
    "whole": Size(rounds=9, seconds=0.15, listed=100_000, page=100, bulk=100_000, batch=1_000, users=100),
}
