"""Processes that are copies of this one: what it has loaded, they need not load again."""

from __future__ import annotations

import gc
import os
import runpy
import signal
import sys
import time
import traceback
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import ClassVar, NoReturn

_LOOK = 0.01


class Fork:
    """`python -m MODULE` as a copy of this process, with these variables: it reads what is written to `input`, and
    what it answers is read from `output`.

    Whoever makes one has no threads. The copy's standard input is a pipe from here, which `kill -9` closes, too.
    """

    _ends: ClassVar[set[int]] = set()

    def __init__(self, module: str, variables: Mapping[str, str]) -> None:
        reads, self.input = os.pipe()
        self.output, writes = os.pipe()
        self._ends.update((self.input, self.output))
        gc.freeze()
        # Ctrl-C is sent to the whole group; before the copy sees to it, it is nothing to show a traceback for.
        before = signal.signal(signal.SIGINT, signal.SIG_IGN)
        self.pid = os.fork()
        if self.pid == 0:
            self._run(module, variables, reads, writes)
        signal.signal(signal.SIGINT, before)
        os.close(reads)
        os.close(writes)
        self.status: int | None = None

    def has_ended(self) -> bool:
        """Whether it has; then `status` is its exit status, or the signal that ended it, negative."""
        if self.status is None:
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            if pid:
                self.status = os.waitstatus_to_exitcode(status)
        return self.status is not None

    def ends_within(self, seconds: float) -> bool:
        """Wait for its end; whether it has come."""
        deadline = time.monotonic() + seconds
        while not self.has_ended() and time.monotonic() < deadline:
            time.sleep(_LOOK)
        return self.has_ended()

    def send(self, number: int) -> None:
        """Send it a signal, if it lives."""
        if not self.has_ended():
            os.kill(self.pid, number)

    def close(self) -> None:
        """Close the ends of its pipes."""
        for end in (self.input, self.output):
            self._ends.discard(end)
            with suppress(OSError):
                os.close(end)

    def _run(self, module: str, variables: Mapping[str, str], reads: int, writes: int) -> NoReturn:
        status = 1
        try:
            signal.signal(signal.SIGTERM, signal.SIG_DFL)
            # The ends of others, too: they would not be closed when the process that has them dies.
            for end in self._ends:
                os.close(end)
            os.dup2(reads, 0)
            os.dup2(writes, 1)
            os.close(reads)
            os.close(writes)
            sys.stdin, sys.stdout = os.fdopen(0, closefd=False), os.fdopen(1, "w", closefd=False)
            os.environ.update(variables)
            if sys.platform == "linux":
                # What `ps` and `pgrep` call it.
                Path("/proc/self/comm").write_text(module.rpartition(".")[2])
            runpy.run_module(module, run_name="__main__", alter_sys=True)
            status = 0
        except SystemExit as end:
            status = end.code if isinstance(end.code, int) else int(end.code is not None)
        except Exception:  # noqa: BLE001 - what a process of its own would end by
            traceback.print_exc()
        finally:
            with suppress(OSError, ValueError):
                sys.stdout.flush()
                sys.stderr.flush()
            os._exit(status)
