"""The server process of a data directory: whether it lives and answers, and what it leaves behind when it is killed."""

from __future__ import annotations

import importlib
import socket
import struct
import time
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

_END_TIMEOUT = 10
_SSL_REQUEST = struct.pack("!ii", 8, 80877103)


class Postmaster(NamedTuple):
    """A live server process. `ready` is False while it starts, recovers or stops."""

    pid: int
    sockets: Path
    ready: bool

    def answers(self) -> bool:
        """Whether it reacts within five seconds. For a moment, a killed process still has its number and is `ready`."""
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
            connection.settimeout(5)
            try:
                connection.connect(str(self.sockets / ".s.PGSQL.5432"))
                connection.sendall(_SSL_REQUEST)
                return connection.recv(1) in (b"N", b"S")
            except OSError:
                return False

    def kill(self) -> None:
        """End it at once, as a crash would."""
        _kill([self.pid])


def find(directory: Path) -> Postmaster | None:
    """The live server of the data directory, if any: the number in `postmaster.pid` may be a stranger's by now."""
    lines = _lines(directory / "postmaster.pid")
    if len(lines) < 5 or not lines[0].isdecimal():
        return None
    psutil = _psutil()
    try:
        process = psutil.Process(int(lines[0]))
        if process.status() == psutil.STATUS_ZOMBIE or str(directory) not in process.cmdline():
            return None
    except psutil.Error:
        return None
    return Postmaster(process.pid, Path(lines[4]), len(lines) > 7 and lines[7].strip() == "ready")


def clear_remains(directory: Path, sockets: Path, uid: int) -> None:
    """Make way for the next server, to run as user `uid`, where the last one crashed; none may live.

    PostgreSQL refuses to start while a backend of the crashed server is still at work, and while any process, a zombie
    or a stranger, has the number in a lock file. (It sees by itself that a number is free, and frees shared memory.)
    """
    if (directory / "postmaster.pid").exists():
        _kill([process.pid for process in _orphans(directory, uid)])
    for lock_file in (directory / "postmaster.pid", sockets / ".s.PGSQL.5432.lock"):
        lines = _lines(lock_file)
        if not lines or not lines[0].isdecimal() or _psutil().pid_exists(int(lines[0])):
            lock_file.unlink(missing_ok=True)


def _orphans(directory: Path, uid: int) -> Iterator[Any]:
    psutil = _psutil()
    for process in psutil.process_iter():
        try:
            if process.name() != "postgres" or process.uids().real != uid:
                continue
            # A backend that has only just been forked is still called as its postmaster was.
            command = process.cmdline()
            if not ("".join(command).startswith("postgres: ") or str(directory) in command):
                continue
            parent = process.parent()
            if parent is not None and parent.name() == "postgres":
                continue
            try:
                ours = Path(process.cwd()) == directory
            except psutil.AccessDenied:
                # In a container, root may be denied a look at another user's working directory. Nothing can come of a
                # backend without a postmaster, so another directory's may go as well.
                ours = True
            if ours:
                yield process
        except psutil.NoSuchProcess:
            continue


def _kill(pids: Iterable[int]) -> None:
    psutil = _psutil()
    deadline = time.monotonic() + _END_TIMEOUT
    for pid in pids:
        try:
            process = psutil.Process(pid)
            process.kill()
            # A zombie is as good as gone: in a container, often nobody reaps them.
            while process.status() != psutil.STATUS_ZOMBIE and time.monotonic() < deadline:
                time.sleep(0.01)
        except psutil.NoSuchProcess:
            continue


def _lines(path: Path) -> list[str]:
    try:
        return path.read_text(errors="replace").split("\n")
    except FileNotFoundError:
        return []


def _psutil() -> Any:
    # A dependency of the extra `embedded` only.
    return importlib.import_module("psutil")
