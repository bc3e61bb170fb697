"""The data of new PostgreSQL servers: made once in a run, and copied from then on for a tenth of the time."""

import fcntl
import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from metacore.postgres.embedded.cluster import Cluster

INITDB = Cluster.initdb
"""What makes them."""


class Copier:
    """Gives each server a copy of what INITDB made for the first of its version; processes share a `directory`."""

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
