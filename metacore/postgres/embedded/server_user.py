"""The system user a private PostgreSQL runs as: ours, unless we are root, which PostgreSQL refuses to be."""

from __future__ import annotations

import logging
import os
import pwd
import stat
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TypedDict

from metacore.errors import ConfigurationError, StorageUnavailableError

_NAME = "pgserver"

_logger = logging.getLogger(__name__)


class Switch(TypedDict, total=False):
    """The arguments of `subprocess.run` that make a program run as another user."""

    user: int
    group: int
    extra_groups: list[int]


@dataclass(frozen=True)
class ServerUser:
    """A user by number, and whether programs must be switched to it."""

    uid: int
    gid: int
    switched: bool

    @classmethod
    def current(cls) -> ServerUser:
        """Ourselves; for root the system user `pgserver`, which is made if it is missing.

        Raises ConfigurationError when it cannot be made.
        """
        if os.geteuid() != 0:
            return cls(os.geteuid(), os.getegid(), switched=False)
        entry = _system_user()
        return cls(entry.pw_uid, entry.pw_gid, switched=True)

    @classmethod
    def owning(cls, directory: Path) -> ServerUser:
        """The owner of an initialised data directory: PostgreSQL runs as nobody else. Raises if it is root."""
        status = directory.stat()
        if os.geteuid() == 0 and status.st_uid != 0:
            return cls(status.st_uid, status.st_gid, switched=True)
        if status.st_uid == 0 or status.st_uid != os.geteuid():
            owner = "root" if status.st_uid == 0 else f"user {status.st_uid}"
            message = (
                f"{directory} belongs to {owner}; PostgreSQL runs as the owner of its data, never as root: chown it"
            )
            raise ConfigurationError(message, setting="url")
        return cls.current()

    def check_way(self, directory: Path) -> None:
        """As root, ConfigurationError if `directory` or one above it is another user's, is written to by others, or has
        become a link: whoever can put something else there would have root own or open it.
        """
        for path in (directory, *directory.parents) if self.switched else ():
            try:
                status = path.lstat()
            except FileNotFoundError:
                continue
            others = stat.S_IWOTH | (stat.S_IWGRP if status.st_gid not in (0, self.gid) else 0)
            shared = status.st_mode & others and (path == directory or not status.st_mode & stat.S_ISVTX)
            if not stat.S_ISDIR(status.st_mode) or status.st_uid not in (0, self.uid) or shared:
                raise ConfigurationError(
                    f"{path} is no directory of root's or the user {_NAME}'s alone, and this process is root; choose"
                    " another path, or do not be root",
                    setting="url",
                )

    @property
    def switch(self) -> Switch:
        """How to run a program as this user."""
        return Switch(user=self.uid, group=self.gid, extra_groups=[]) if self.switched else Switch()

    def take(self, directory: Path) -> None:
        """Make an empty directory this user's own and private."""
        directory.chmod(0o700)
        if self.switched:
            os.chown(directory, self.uid, self.gid)

    def give(self, descriptor: int) -> None:
        """Make an open file of ours this user's."""
        if self.switched:
            os.fchown(descriptor, self.uid, self.gid)

    def own_private(self, directory: Path) -> None:
        """Make a directory that others could have made first, in a place open to all; raise if they did."""
        try:
            directory.mkdir(mode=0o700)
        except FileExistsError:
            status = directory.lstat()
            if not stat.S_ISDIR(status.st_mode) or status.st_uid != self.uid or status.st_mode & 0o077:
                raise StorageUnavailableError(f"{directory} is not a private directory of ours; remove it") from None
        else:
            self.take(directory)
        self.open_way(directory)

    def open_way(self, path: Path) -> None:
        """As root, let others pass through the directories above `path`; they get no right to list or read them."""
        for directory in path.parents if self.switched else ():
            status = directory.stat()
            if status.st_uid != self.uid and not status.st_mode & stat.S_IXOTH:
                _logger.warning("Letting other users pass through %s, since PostgreSQL does not run as root", directory)
                directory.chmod(stat.S_IMODE(status.st_mode) | stat.S_IXOTH)


def _system_user() -> pwd.struct_passwd:
    command = ["useradd", "--system", "--user-group", "--no-create-home", "--shell", "/bin/false", _NAME]
    said = "there is no useradd"
    for _ in range(20):
        try:
            return pwd.getpwnam(_NAME)
        except KeyError:
            pass
        try:
            done = subprocess.run(command, capture_output=True, text=True, timeout=60)  # noqa: S603 - of constants
        except FileNotFoundError:
            break
        if done.returncode:
            # Another process may be making it just now; it is looked up again.
            said = done.stderr.strip()
            time.sleep(0.1)
    message = (
        f"PostgreSQL does not run as root, and its user {_NAME} cannot be made: {said}; make it, or do not be root"
    )
    raise ConfigurationError(message, setting="url")
