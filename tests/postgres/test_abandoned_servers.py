"""What a watchdog does about the server of a process that has ended."""

import subprocess
from pathlib import Path

import pytest
from pytest_mock import MockerFixture

from metacore.errors import StorageUnavailableError
from metacore.postgres.embedded import abandoned


@pytest.mark.parametrize(
    "error",
    [FileNotFoundError(), PermissionError(), subprocess.TimeoutExpired("pg_ctl", 1), StorageUnavailableError("")],
)
def test_an_attempt_that_fails_is_not_the_last_one(mocker: MockerFixture, error: Exception) -> None:
    mocker.patch.object(abandoned, "_PAUSE", 0)
    attempt = mocker.patch.object(abandoned, "Lease").return_value.clear
    attempt.side_effect = error
    abandoned.clear(Path("/somewhere"), temporary=True)
    assert attempt.call_count > 1
