"""A process beside this one that outlives it, and then does what is still to do."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Sequence

_WAIT = 'trap "" HUP INT QUIT TERM; read -r _; exec "$@"'
"""A shell waits, which costs next to nothing. Signals that end everybody else, as at a shutdown, do not end it."""

_KEPT = ("PATH", "PYTHONHOME", "LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH")


class Watchdog:
    """Runs a module of ours once this process has ended, whatever ended it; unless it is dismissed before.

    It waits at a pipe whose other end this process alone holds, so that the kernel tells it. A child forked from this
    process must call `forget`, or it would count as the process itself.
    """

    def __init__(self, module: str, arguments: Sequence[str]) -> None:
        # Little of our environment goes along, for a part of it may be secret.
        environment = {name: os.environ[name] for name in _KEPT if name in os.environ} | {
            "PYTHONPATH": os.pathsep.join(map(os.path.abspath, sys.path)),
            "TMPDIR": tempfile.gettempdir(),
        }
        self._process = subprocess.Popen(  # noqa: S603 - a shell that runs our own interpreter
            ["/bin/sh", "-c", _WAIT, "sh", sys.executable, "-m", module, *arguments],
            cwd="/",
            env=environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )

    def dismiss(self) -> None:
        """End it; nothing is left to do."""
        self._process.kill()
        self._process.wait()
        self.forget()

    def forget(self) -> None:
        """Close our end of the pipe. In a forked child, that is no sign for the watchdog."""
        if self._process.stdin is not None:
            self._process.stdin.close()
        # In a child, where it is nobody to wait for, this is the end of the object.
        self._process.poll()
