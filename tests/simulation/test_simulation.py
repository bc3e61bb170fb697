"""A simulated exchange against the services: at rest the books are the exchange's, or say that they are not sure; and
a copy that is built from the feed alone is the books.

METACORE_SIMULATED_DAYS=20 makes it that many days of each kind, and all of them on PostgreSQL too.
"""

import os
from collections.abc import Iterator
from functools import partial

import pytest

import metacore.sync
from metacore.testing.contract import Backend
from metacore.testing.runners import BlockingRunner

from .day import Evening, Plan, live

DAYS = int(os.environ.get("METACORE_SIMULATED_DAYS", "0"))
EVERY = (5, 30, 60)
"""How many seconds lie between snapshots."""

NEAR = (0, 0.5, -0.5, 1.2, -1.2, 3, -3)
FAR = (8, -8)
"""By how many seconds our clock is ahead of the exchange's: within the tolerance of snapshots, and beyond."""


@pytest.fixture
def memory() -> Iterator[Backend]:
    with Backend(BlockingRunner(), partial(metacore.sync.connect, "memory://")) as backend:
        yield backend


@pytest.fixture
def postgres(clear_database: object, metacore_database_url: str) -> Iterator[Backend]:
    with Backend(BlockingRunner(), partial(metacore.sync.connect, metacore_database_url), clear_database) as backend:
        yield backend


def plans(skew: float, every: int) -> list[Plan]:
    """One day, with a snapshot `every` so many seconds, or as many of each kind as were asked for."""
    return [Plan(seed, skew, kind) for kind in EVERY for seed in range(DAYS)] or [Plan(0, skew, every)]


def check(plan: Plan, backend: Backend) -> Evening:
    evening = live(plan, backend.storage)
    assert evening.wrong == [], plan
    assert not evening.is_silent, plan
    return evening


def check_near(plan: Plan, backend: Backend) -> None:
    evening = check(plan, backend)
    assert (evening.differences, evening.unexplained) == ({}, {}), plan


@pytest.mark.parametrize(("skew", "every"), [(0, 60), (1.2, 5), (-1.2, 30), (3, 5), (-3, 5)])
def test_within_the_tolerance_the_books_are_the_exchanges(skew: float, every: int, memory: Backend):
    for plan in plans(skew, every):
        check_near(plan, memory)


@pytest.mark.parametrize("skew", NEAR if DAYS else (-3,))
def test_within_the_tolerance_the_books_on_postgres_are_the_exchanges(skew: float, postgres: Backend):
    for plan in plans(skew, 30):
        check_near(plan, postgres)


@pytest.mark.parametrize("skew", FAR)
def test_beyond_it_the_books_are_the_exchanges_or_say_that_something_is_unexplained(skew: float, memory: Backend):
    for plan in plans(skew, 5):
        check(plan, memory)
