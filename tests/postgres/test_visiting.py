"""What is asked of sessions that were made by others."""

import pytest

from metacore.config import Settings
from metacore.postgres.client.planning import planning
from metacore.postgres.client.visiting import visit, visiting


@pytest.mark.parametrize("is_cluster", [False, True])
def test_the_plans_are_those_of_a_session_of_our_own(is_cluster: bool) -> None:
    within, _ = visit(1, 1, is_cluster).positional("metacore")
    for command in (visiting(Settings(), is_cluster), within):
        for name, value in planning(is_cluster).items():
            assert f"set_config('{name}', '{value}', true)" in command.decode()
