"""What all tests share."""

import fcntl
import gc
import os
import signal
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import psycopg
import pytest
from hypothesis import settings

from metacore.postgres.embedded.cluster import Cluster
from metacore.testing import plugin
from metacore.testing.databases import clear

# Always the same ones, so few will do: METACORE_TEST_EXAMPLES=1000 tries many.
EXAMPLES = int(os.environ.get("METACORE_TEST_EXAMPLES", "50"))
settings.register_profile("metacore", derandomize=True, database=None, deadline=None, max_examples=EXAMPLES)
settings.load_profile("metacore")


def pytest_configure(config: pytest.Config) -> None:
    """An installed metacore brings its plugin by itself; a checkout does not."""
    if not config.pluginmanager.has_plugin("metacore"):
        config.pluginmanager.register(plugin, "metacore")


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """With `--dist loadscope`, files go to the processes by a plan of ours."""
    if config.getvalue("dist") != "loadscope":
        return None
    from tests.schedule import Schedule

    return Schedule(config, log)


def pytest_collection_finish() -> None:
    """What was collected stays: to look through it for cycles again and again takes a twentieth of the time."""
    gc.collect()
    gc.freeze()


INITDB = Cluster.initdb
"""What makes the data of a new server."""


class Copier:
    """Gives each server a copy of what INITDB made for the first of its version, which takes a tenth of the time.

    Processes share a `directory`.
    """

    def __init__(self, directory: Path) -> None:
        self._directory = directory

    def initdb(self, cluster: Cluster, version: int, name: str) -> None:
        original, target = self._directory / str(version), cluster.directory / name
        with self._alone():
            if not original.exists():
                INITDB(cluster, version, name)
                _copy(target, original)
                return
        _copy(original, target)

    @contextmanager
    def _alone(self) -> Iterator[None]:
        descriptor = os.open(self._directory, os.O_RDONLY)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            yield
        finally:
            os.close(descriptor)


def _copy(source: Path, target: Path) -> None:
    subprocess.run(["cp", "-a", source, target], check=True)


@pytest.fixture(scope="session", autouse=True)
def _copied_clusters(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Servers of tests begin with a copy, but for those of programs that a test starts."""
    own = tmp_path_factory.getbasetemp()
    directory = (own.parent if "PYTEST_XDIST_WORKER" in os.environ else own) / "clusters"
    directory.mkdir(exist_ok=True)
    copier = Copier(directory)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Cluster, "initdb", lambda *arguments: copier.initdb(*arguments))
        yield


@pytest.fixture
def initdb_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    """Servers of this test begin as those of users do."""
    monkeypatch.setattr(Cluster, "initdb", INITDB)


@pytest.fixture
def clear_database(metacore_database_url: str) -> Iterator[Callable[[], None]]:
    """A function that empties the database of the test."""
    with psycopg.connect(metacore_database_url, autocommit=True, options="-c lock_timeout=10s") as connection:
        yield partial(clear, connection)


@pytest.fixture
def interruptible() -> Iterator[None]:
    """SIGINT raises KeyboardInterrupt, also where the tests were started in the background, which ignores it."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)
