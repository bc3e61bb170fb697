"""What a process leaves that could not stop its server: run as a program by the watchdog beside it."""

from __future__ import annotations

import contextlib
import subprocess
import sys
import time
from pathlib import Path

from metacore.errors import MetacoreError
from metacore.postgres.embedded.leases import Lease

_ATTEMPTS = 20
_PAUSE = 0.1


def clear(directory: Path, *, temporary: bool) -> None:
    """Stop the server of a process that has just ended, unless others hold it.

    Tried for two seconds: the kernel may take a moment to let go of the lease, and a server to start that the process
    was about to have. Whatever an attempt fails with, the next one is made.
    """
    for _ in range(_ATTEMPTS):
        with contextlib.suppress(OSError, subprocess.SubprocessError, MetacoreError):
            Lease(directory, temporary=temporary).clear()
        time.sleep(_PAUSE)


if __name__ == "__main__":
    clear(Path(sys.argv[1]), temporary=sys.argv[2] == "temporary")
