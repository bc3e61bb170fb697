"""A system of examples/ as a copy of a process that has loaded what all of them need."""

import multiprocessing
import os
import runpy
import subprocess
import sys
from multiprocessing.reduction import DupFd
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]
LOADED = ("metacore.postgres.storages.storage", "crypto.processes", "marketflow.system", "orders.system")

_context: Any = multiprocessing.get_context("forkserver")
_context.set_forkserver_preload(list(LOADED))


class Copy:
    """`python -m NAME` with these variables, used as a `Popen` is; it ends with the tests at the latest."""

    def __init__(self, name: str, log: Path, variables: dict[str, str]) -> None:
        reads, writes = os.pipe()
        with pytest.MonkeyPatch.context() as patch:
            # Behind all else, where this module is found, and the package that is installed first.
            patch.setattr(sys, "path", [*sys.path, str(ROOT)])
            # What the tests were started by is nothing that a system loads.
            patch.setitem(sys.modules, "__main__", ModuleType("__main__"))
            self._process = _context.Process(target=_run, args=(name, log, variables, _Passed(writes)), daemon=True)
            self._process.start()
        os.close(writes)
        self.stdout = os.fdopen(reads, "rb")
        self.pid: int = self._process.pid

    def poll(self) -> int | None:
        status: int | None = self._process.exitcode
        return status

    def send_signal(self, number: int) -> None:
        if self.poll() is None:
            os.kill(self.pid, number)

    def wait(self, timeout: float | None = None) -> int:
        self._process.join(timeout)
        if (status := self.poll()) is None:
            raise subprocess.TimeoutExpired(repr(self._process), timeout or 0)
        return status


class _Passed:
    """A descriptor that goes along to the process that is started."""

    def __init__(self, number: int) -> None:
        self._number = number

    def __reduce__(self) -> Any:
        return _detach, (DupFd(self._number),)


def _detach(passed: Any) -> Any:
    return passed.detach()


def _run(name: str, log: Path, variables: dict[str, str], output: int) -> None:
    errors = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    for place, descriptor in ((1, output), (2, errors)):
        os.dup2(descriptor, place)
        os.close(descriptor)
    os.chdir(ROOT / "examples")
    os.environ.clear()
    os.environ.update(variables)
    sys.argv = [name]
    runpy.run_module(name, run_name="__main__", alter_sys=True)
