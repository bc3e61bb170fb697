"""Memory against PostgreSQL: the same steps, the same outcomes, the same state.

The steps are few and always the same; METACORE_DIFFERENTIAL_STEPS=20000 makes them many and random.
"""

import os
from collections.abc import Iterator
from functools import partial

import pytest
from hypothesis import HealthCheck, settings
from hypothesis.stateful import run_state_machine_as_test

import metacore.sync
from metacore.testing.contract import Backend
from metacore.testing.runners import BlockingRunner

from .machines import StorageMachine, TradingMachine, TwinMachine

STEPS = int(os.environ.get("METACORE_DIFFERENTIAL_STEPS", "0"))
STEPS_OF_AN_EXAMPLE = 50


@pytest.fixture
def backends(clear_database: object, metacore_database_url: str) -> Iterator[tuple[Backend, Backend]]:
    runner = BlockingRunner()
    with (
        Backend(runner, partial(metacore.sync.connect, "memory://")) as memory,
        Backend(runner, partial(metacore.sync.connect, metacore_database_url), clear_database) as postgres,
    ):
        yield memory, postgres


@pytest.mark.parametrize("machine", [StorageMachine, TradingMachine])
def test_memory_and_postgres_do_the_same(machine: type[TwinMachine], backends: tuple[Backend, Backend]) -> None:
    machine.backends = backends
    steps = STEPS or 250
    run_state_machine_as_test(
        machine,
        settings=settings(
            max_examples=steps // STEPS_OF_AN_EXAMPLE,
            stateful_step_count=STEPS_OF_AN_EXAMPLE,
            derandomize=not STEPS,
            database=None,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        ),
    )
