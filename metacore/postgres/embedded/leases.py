"""Which processes use a data directory, so that its server is started by the first and stopped by the last of them."""

from __future__ import annotations

import atexit
import contextlib
import fcntl
import os
import shutil
import threading
from collections.abc import Iterator
from pathlib import Path

from metacore.postgres.embedded.cluster import LOCK, Cluster
from metacore.postgres.embedded.postmaster import Postmaster
from metacore.postgres.embedded.watchdog import Watchdog


class Lease:
    """The lease of one process on a data directory: a shared lock, which the kernel lets go should the process crash.

    Starting and stopping is done under a second lock, an exclusive one. Who can then make the first lock exclusive is
    the last. `holders` counts within the process. A watchdog does what a process that crashed would have done.
    """

    def __init__(self, directory: Path, *, temporary: bool) -> None:
        self.directory = directory
        self.process = os.getpid()
        self.holders = 0
        self._temporary = temporary
        self._cluster = Cluster(directory, durable=not temporary)
        self._descriptor: int | None = None
        self._watchdog: Watchdog | None = None

    def run(self, version: int | None) -> Postmaster:
        """Take the lease, if that is still to do, and have the server running."""
        self._cluster.prepare()
        with self._exclusive():
            if self._descriptor is None:
                self._descriptor = os.open(self.directory, os.O_RDONLY)
                fcntl.flock(self._descriptor, fcntl.LOCK_SH)
                kind = "temporary" if self._temporary else "durable"
                self._watchdog = Watchdog("metacore.postgres.embedded.abandoned", [str(self.directory), kind])
            return self._cluster.run(version)

    def release(self) -> None:
        """Give the lease back; the last one stops the server, and removes a temporary directory."""
        if self._descriptor is None:
            self._remove_temporary()
            return
        try:
            # A server whose directory somebody deleted notices that within a minute, and ends.
            if self.directory.exists():
                with self._exclusive():
                    if lock_at_once(self._descriptor):
                        self._cluster.shut_down()
                        self._remove_temporary()
            if self._watchdog is not None:
                self._watchdog.dismiss()
        finally:
            fcntl.flock(self._descriptor, fcntl.LOCK_UN)
            self.abandon()

    def abandon(self) -> None:
        """Close the lock without letting it go for the process that it was inherited from."""
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None
        if self._watchdog is not None:
            self._watchdog.forget()
            self._watchdog = None

    def clear(self) -> None:
        """Stop a server that no process holds any more, and remove a temporary directory, without waiting for others.

        FileNotFoundError where there is nothing yet, or any more.
        """
        with _opened(self.directory / LOCK) as lock, _opened(self.directory) as lease:
            if lock_at_once(lock) and lock_at_once(lease):
                self._cluster.shut_down()
                self._remove_temporary()

    def _remove_temporary(self) -> None:
        if self._temporary and self.directory.exists():
            shutil.rmtree(self.directory)

    @contextlib.contextmanager
    def _exclusive(self) -> Iterator[None]:
        descriptor = os.open(self.directory / LOCK, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o600)
        try:
            self._cluster.user.give(descriptor)
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            yield
        finally:
            # Closing is not enough: a child forked meanwhile has the descriptor, too.
            fcntl.flock(descriptor, fcntl.LOCK_UN)
            os.close(descriptor)


class Leases(dict[Path, Lease]):
    """The leases of this process. `lock` is held around every start and stop."""

    def __init__(self) -> None:
        super().__init__()
        self.lock = threading.RLock()
        atexit.register(self._release_all)
        os.register_at_fork(after_in_child=self._forget_all)

    def _release_all(self) -> None:
        with self.lock, contextlib.ExitStack() as releases:
            for lease in self.values():
                releases.callback(lease.release)

    def _forget_all(self) -> None:
        self.lock = threading.RLock()
        for lease in self.values():
            lease.abandon()
        self.clear()


@contextlib.contextmanager
def _opened(path: Path) -> Iterator[int]:
    descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW)
    try:
        yield descriptor
    finally:
        os.close(descriptor)


def lock_at_once(descriptor: int) -> bool:
    """Make a lock exclusive, or have the answer False if others share it."""
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
