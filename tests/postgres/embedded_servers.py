"""What the tests of the embedded PostgreSQL ask of its servers, and other processes that hold one."""

import contextlib
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psutil
import psycopg

from metacore.postgres.embedded import EmbeddedPostgres

HOLDER = """
import sys
from metacore.postgres.embedded import EmbeddedPostgres
postgres = EmbeddedPostgres(sys.argv[1] if len(sys.argv) > 1 else None).start()
print(postgres.pid, postgres.data_directory, flush=True)
sys.stdin.read()
"""


def ask(postgres: EmbeddedPostgres, query: str) -> Any:
    with psycopg.connect(postgres.url, autocommit=True) as connection:
        cursor = connection.execute(query)
        return cursor.fetchone()[0] if cursor.description else None


def lives(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def watchdog(process: subprocess.Popen[str]) -> psutil.Process:
    (child,) = psutil.Process(process.pid).children()
    return child


def crash(process: subprocess.Popen[str]) -> None:
    """End it together with its watchdog, as when a machine crashes."""
    watchdog(process).kill()
    process.kill()
    process.wait()


def wait_until(true: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 20
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def environment() -> dict[str, str]:
    return os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}


def run(script: str, *arguments: str) -> str:
    command = [sys.executable, "-c", script, *arguments]
    return subprocess.run(command, env=environment(), check=True, capture_output=True, text=True, timeout=60).stdout


@contextlib.contextmanager
def holder(*arguments: str) -> Iterator[tuple[subprocess.Popen[str], int, Path]]:
    """Another process that holds a server, the number of the server's process, and its directory."""
    command = [sys.executable, "-c", HOLDER, *arguments]
    with subprocess.Popen(
        command, env=environment(), stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        pid, directory = process.stdout.readline().rstrip("\n").split(" ", 1)
        yield process, int(pid), Path(directory)
